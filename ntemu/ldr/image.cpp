#include "ntemu/ldr/image.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <mutex>

#include "ntemu/base/lock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/ex/worker.h"
#include "ntemu/io/driver.h"
#include "ntemu/ldr/elf_dynamic.h"
#include "ntemu/ldr/list.h"
#include "ntemu/ldr/unloaded.h"
#include "ntemu/ps/notify.h"

LIST_ENTRY PsLoadedModuleList = {&PsLoadedModuleList, &PsLoadedModuleList};

namespace ntemu::ldr {

base::Mutex list_lock;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSanitizers[] = {"libasan.so", "libubsan.so", "libtsan.so", "libclang_rt."};

bool is_sanitizer(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (const std::string_view prefix : kSanitizers)
    if (name.starts_with(prefix)) return true;
  return false;
}

// Where this very code is mapped from.
const Dl_info &kernel_object() {
  static const Dl_info info = [] {
    Dl_info found = {};
    dladdr(reinterpret_cast<const void *>(&kernel_object), &found);
    return found;
  }();
  return info;
}

// What instrumented code calls. The sanitizers' other functions are stand-ins for those of the C library.
bool is_sanitizer_call(std::string_view name) {
  for (const std::string_view memory : {"memcpy", "memmove", "memset", "memcmp", "bcmp"})
    if (name == memory) return true;
  return name.starts_with("__");
}

// A driver may import what the kernel exports, and what the sanitizers supply: not what the C library happens to have.
bool is_supplied(const std::string &name) {
  static void *const kernel = dlopen(kernel_object().dli_fname, RTLD_NOW | RTLD_NOLOAD);
  for (void *const scope : {kernel ? kernel : RTLD_DEFAULT, static_cast<void *>(RTLD_DEFAULT)}) {
    void *address = dlsym(scope, name.c_str());
    Dl_info info;
    if (!address || !dladdr(address, &info)) continue;
    if (info.dli_fbase == kernel_object().dli_fbase) return true;
    if (is_sanitizer(info.dli_fname) && is_sanitizer_call(name)) return true;
  }
  return false;
}

// "asan", "tsan", or nothing when this runtime can load the image.
std::string missing_sanitizer(const DynamicFacts &facts) {
  for (const auto &[symbol, name] : {std::pair("__asan_init", "asan"), std::pair("__tsan_init", "tsan")})
    if (facts.imports.contains(symbol) && !dlsym(RTLD_DEFAULT, symbol)) return name;
  return {};
}

void check_sanitizer(const DynamicFacts &facts) {
  const std::string name = missing_sanitizer(facts);
  if (!name.empty())
    throw LoadError{
        STATUS_INVALID_IMAGE_FORMAT,
        fmt::format("built with --{}, but this machine runs without that sanitizer: boot it with --sanitizer={}", name,
                    name)};
}

void check_libraries(const DynamicFacts &facts) {
  std::string foreign;
  for (const std::string &library : facts.needed)
    if (library != "libntoskrnl.so" && !is_sanitizer(library)) foreign += (foreign.empty() ? "" : ", ") + library;
  if (!foreign.empty())
    throw LoadError{STATUS_DLL_NOT_FOUND, fmt::format("needs {}: a driver can use the kernel only", foreign)};
}

void check_imports(const DynamicFacts &facts) {
  // What writes gcov's counters is part of the image, and calls the C library of the host.
  const bool counts_lines = facts.exports.contains("__gcov_master");
  std::string missing;
  for (const std::string &name : facts.imports)
    if (!is_supplied(name) && !(counts_lines && dlsym(RTLD_DEFAULT, name.c_str())))
      missing += (missing.empty() ? "" : ", ") + name;
  if (!missing.empty())
    throw LoadError{STATUS_ENTRYPOINT_NOT_FOUND, fmt::format("imports what ntemu does not have: {}", missing)};
}

const char *entry_symbol(const DynamicFacts &facts) {
  for (const char *name : {"GsDriverEntry", "DriverEntry"})
    if (facts.exports.contains(name)) return name;
  throw LoadError{STATUS_DRIVER_ENTRYPOINT_NOT_FOUND, "has no DriverEntry"};
}

std::string read_build_id(const ElfFile &file) {
  for (const Elf64_Phdr &segment : file.segments()) {
    if (segment.p_type != PT_NOTE) continue;
    const std::span<const char> notes = file.at(segment.p_vaddr, segment.p_memsz, "notes");
    size_t at = 0;
    while (at + sizeof(Elf64_Nhdr) <= notes.size()) {
      Elf64_Nhdr note;
      std::memcpy(&note, notes.data() + at, sizeof(note));
      const size_t name = at + sizeof(note), text = name + (size_t{note.n_namesz} + 3) / 4 * 4;
      if (text > notes.size() || note.n_descsz > notes.size() - text) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(notes.data() + name, "GNU", 4) == 0) {
        std::string id;
        for (const char byte : notes.subspan(text, note.n_descsz))
          id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
        return id;
      }
      at = text + (size_t{note.n_descsz} + 3) / 4 * 4;
    }
  }
  return {};
}

void set_names(Image &image, std::u16string_view full, std::u16string_view base) {
  image.full_name = full;
  image.base_name = base;
  image.entry.FullDllName = base::to_unicode_string(image.full_name);
  image.entry.BaseDllName = base::to_unicode_string(image.base_name);
}

void insert(Image *image) {
  const base::Guard guard(list_lock);
  LIST_ENTRY *links = &image->entry.InLoadOrderLinks;
  links->Flink = &PsLoadedModuleList;
  links->Blink = PsLoadedModuleList.Blink;
  links->Blink->Flink = links;
  PsLoadedModuleList.Blink = links;
}

void remove(Image *image) {
  const base::Guard guard(list_lock);
  LIST_ENTRY *links = &image->entry.InLoadOrderLinks;
  links->Blink->Flink = links->Flink;
  links->Flink->Blink = links->Blink;
}

std::unique_ptr<Image> load(const fs::path &file, const fs::path &private_directory) {
  const std::vector<char> bytes = read_file(file);
  const ElfFile elf(bytes);
  const DynamicFacts facts = read_dynamic(elf);
  check_libraries(facts);
  check_sanitizer(facts);
  const char *entry = entry_symbol(facts);
  check_imports(facts);

  auto image = std::make_unique<Image>();
  image->file = file;
  image->build_id = read_build_id(elf);
  image->copy = PrivateCopy(bytes, private_directory, file.filename());
  image->handle = dlopen(image->copy.path().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!image->handle) throw LoadError{STATUS_INVALID_IMAGE_FORMAT, dlerror()};
  link_map *map = nullptr;
  dlinfo(image->handle, RTLD_DI_LINKMAP, &map);
  image->entry.DllBase = reinterpret_cast<void *>(map->l_addr);
  image->entry.EntryPoint = dlsym(image->handle, entry);
  image->entry.SizeOfImage = static_cast<ULONG>(elf.image_size());
  image->entry.SizeOfImageNotRounded = image->entry.SizeOfImage;
  image->entry.LoadCount = 1;
  return image;
}

// On a system worker, where DriverEntry will run too: the caller may be a thread of the host.
void announce(Image &image) {
  if (!ps::image_routines_exist()) return;
  ex::run_on_system_worker(
      [](void *context) {
        const KLDR_DATA_TABLE_ENTRY &entry = static_cast<Image *>(context)->entry;
        UNICODE_STRING name = entry.FullDllName;  // a copy: the routines may change it
        ps::notify_image(&name, entry.DllBase, entry.SizeOfImage);
      },
      &image);
}

struct Extent {
  const void *base;
  uint64_t size;
};

int measure(dl_phdr_info *info, size_t, void *context) {
  auto *extent = static_cast<Extent *>(context);
  if (reinterpret_cast<const void *>(info->dlpi_addr) != extent->base) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD)
      extent->size = (info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz + 4095) / 4096 * 4096;
  return 1;
}

}  // namespace

std::string missing_sanitizer(const std::filesystem::path &file) {
  try {
    const std::vector<char> bytes = read_file(file);
    return missing_sanitizer(read_dynamic(ElfFile(bytes)));
  } catch (const LoadError &) {
    return {};  // load_image says what is wrong
  }
}

void boot() {
  auto *kernel = new Image;
  kernel->name = "nt";
  kernel->file = kernel_object().dli_fname;
  Extent extent = {kernel_object().dli_fbase, 0};
  dl_iterate_phdr(measure, &extent);
  kernel->entry.DllBase = kernel_object().dli_fbase;
  kernel->entry.SizeOfImage = static_cast<ULONG>(extent.size);
  kernel->entry.SizeOfImageNotRounded = kernel->entry.SizeOfImage;
  kernel->entry.LoadCount = 1;
  set_names(*kernel, u"\\SystemRoot\\system32\\ntoskrnl.exe", u"ntoskrnl.exe");
  insert(kernel);
}

void teardown() {
  while (PsLoadedModuleList.Blink != &PsLoadedModuleList)
    unload_image(reinterpret_cast<Image *>(
        CONTAINING_RECORD(PsLoadedModuleList.Blink, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks)));
  forget_unloaded();
}

LoadResult load_image(const fs::path &file, const fs::path &private_directory, std::u16string_view base_name,
                      std::u16string_view full_name) {
  try {
    std::unique_ptr<Image> image = load(file, private_directory);
    constexpr std::u16string_view kExtension = u".sys";
    if (base_name.ends_with(kExtension)) base_name.remove_suffix(kExtension.size());
    image->name = base::to_utf8(base_name);
    const std::u16string base = std::u16string(base_name).append(kExtension);
    const std::u16string full =
        full_name.empty() ? u"\\SystemRoot\\System32\\drivers\\" + base : std::u16string(full_name);
    set_names(*image, full, base);
    insert(image.get());
    announce(*image);
    return image.release();
  } catch (const LoadError &error) {
    return error;
  } catch (const std::bad_alloc &) {
    return LoadError{STATUS_INSUFFICIENT_RESOURCES, "out of memory"};
  }
}

void (*image_leaves)(const Image &image) = [](const Image &) {};

void unload_image(Image *image) {
  image_leaves(*image);
  remove(image);
  if (image->handle) {
    dlclose(image->handle);
    reserve_unloaded(image->base_name, image->entry.DllBase, image->entry.SizeOfImage);
  }
  delete image;
}

io::DriverImage describe(Image &image) {
  return {.base = image.entry.DllBase,
          .size = image.entry.SizeOfImage,
          .entry = reinterpret_cast<PDRIVER_INITIALIZE>(image.entry.EntryPoint),
          .section = &image.entry,
          .file_system = false};
}

Image *find_image(const void *address) {
  const base::Guard guard(list_lock);
  return find_in_list(address);
}

Image *find_in_list(const void *address) {
  for (LIST_ENTRY *links = PsLoadedModuleList.Flink; links != &PsLoadedModuleList; links = links->Flink) {
    auto *entry = CONTAINING_RECORD(links, KLDR_DATA_TABLE_ENTRY, InLoadOrderLinks);
    const auto offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(entry->DllBase);
    if (offset < entry->SizeOfImage) return reinterpret_cast<Image *>(entry);
  }
  return nullptr;
}

}  // namespace ntemu::ldr
