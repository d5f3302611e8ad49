#include "ntemu/machine/source_line.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "ntemu/base/lock.h"
#include "ntemu/ldr/image.h"

namespace ntemu::machine {
namespace {

struct KnownImage {
  uintptr_t base;
  size_t size;
  std::string name;
  std::string file;
  std::string copy;  // that was loaded: there as long as the image is, when the file may have gone or become another
};

struct Lines {
  base::Mutex mutex;
  std::vector<KnownImage> images NTEMU_GUARDED_BY(mutex);  // no two overlap
  // One for each place where a file was loaded; they stay open.
  std::map<std::pair<std::string, uintptr_t>, Dwfl *> open NTEMU_GUARDED_BY(mutex);
  std::unordered_map<const void *, SourceLine> found NTEMU_GUARDED_BY(mutex);
};

Lines &lines() {
  static Lines *all = new Lines;
  return *all;
}

const Dwfl_Callbacks kCallbacks{.find_elf = dwfl_build_id_find_elf,
                                .find_debuginfo = dwfl_standard_find_debuginfo,
                                .section_address = dwfl_offline_section_address,
                                .debuginfo_path = nullptr};

Dwfl *open(Lines &all, const KnownImage &image) NTEMU_REQUIRES(all.mutex) {
  std::error_code gone;
  const std::string &file = std::filesystem::exists(image.copy, gone) ? image.copy : image.file;
  const auto [at, fresh] = all.open.try_emplace({file, image.base}, nullptr);
  if (!fresh) return at->second;
  Dwfl *dwfl = dwfl_begin(&kCallbacks);
  if (!dwfl) return nullptr;
  dwfl_report_begin(dwfl);
  dwfl_report_elf(dwfl, image.name.c_str(), file.c_str(), -1, image.base, false);
  dwfl_report_end(dwfl, nullptr, nullptr);
  return at->second = dwfl;
}

KnownImage image_of(Lines &all, const void *address) NTEMU_REQUIRES(all.mutex) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  for (const KnownImage &image : all.images) {
    if (value - image.base < image.size) return image;
  }
  Dl_info info;
  if (dladdr(address, &info) == 0 || !info.dli_fname) return {};
  const std::filesystem::path path = info.dli_fname;
  const bool program = !std::filesystem::exists(path) || path.string().find('/') == std::string::npos;
  return {reinterpret_cast<uintptr_t>(info.dli_fbase), 0, path.stem().string(), program ? "/proc/self/exe" : path, {}};
}

// A C++ name as people write it, without what it is called with.
std::string without_arguments(const char *name) {
  int failed = 0;
  const std::unique_ptr<char, void (*)(void *)> plain(abi::__cxa_demangle(name, nullptr, nullptr, &failed), std::free);
  const std::string text = plain ? plain.get() : name;
  size_t at = text.rfind(')');
  if (at == text.npos) return text;
  for (int depth = 1; depth > 0 && at > 0;) {
    --at;
    depth += text[at] == ')' ? 1 : text[at] == '(' ? -1 : 0;
  }
  return text.substr(0, at);
}

// Kept for good: reports refer to it.
const char *intern(std::string path) {
  static auto *all = new std::set<std::string>;
  return all->insert(std::move(path)).first->c_str();
}

SourceLine look_up(Lines &all, const void *address) NTEMU_REQUIRES(all.mutex) {
  SourceLine result;
  // The call itself lies before the address that it returns to.
  const auto call = reinterpret_cast<Dwarf_Addr>(address) - 1;
  const KnownImage image = image_of(all, address);
  Dwfl *dwfl = image.file.empty() ? nullptr : open(all, image);
  Dwfl_Module *module = dwfl ? dwfl_addrmodule(dwfl, call) : nullptr;
  if (!module) return result;
  if (const char *name = dwfl_module_addrname(module, call))
    result.function = fmt::format("{}!{}", image.name, without_arguments(name));
  // Found unit by unit: clang writes no table of which unit an address belongs to.
  Dwarf_Addr bias = 0;
  Dwarf_Die *unit = nullptr;
  while ((unit = dwfl_module_nextcu(module, unit, &bias)) && dwarf_haspc(unit, call - bias) <= 0) continue;
  Dwarf_Line *source = unit ? dwarf_getsrc_die(unit, call - bias) : nullptr;
  const char *file = source ? dwarf_linesrc(source, nullptr, nullptr) : nullptr;
  if (!file) return result;
  dwarf_lineno(source, &result.line);
  Dwarf_Attribute attribute;
  const char *directory = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  result.file = intern((std::filesystem::path(directory ? directory : "") / file).lexically_normal().string());
  return result;
}

}  // namespace

void note_image(const ldr::Image &image) {
  Lines &all = lines();
  base::Guard guard(all.mutex);
  all.found.clear();
  const auto base = reinterpret_cast<uintptr_t>(image.entry.DllBase);
  const size_t size = image.entry.SizeOfImage;
  // What was in its place is gone.
  std::erase_if(all.images,
                [&](const KnownImage &old) { return base < old.base + old.size && old.base < base + size; });
  all.images.push_back(
      {base, size, image.name, std::filesystem::absolute(image.file), std::filesystem::absolute(image.symbol_file())});
}

SourceLine find_line(const void *address) {
  SourceLine result;
  {
    Lines &all = lines();
    base::Guard guard(all.mutex);
    const auto known = all.found.find(address);
    if (known != all.found.end()) return known->second;
    result = look_up(all, address);
    if (result.file) all.found[address] = result;
  }
  if (result.function.empty()) result.function = ldr::symbolize(address);
  return result;
}

std::string describe_line(const void *address) { return describe_line(find_line(address)); }

std::string describe_line(const SourceLine &line) {
  if (!line.file) return line.function;
  return fmt::format("{}:{} ({})", line.file, line.line, line.function);
}

std::string describe_place(const void *address) {
  const SourceLine line = find_line(address);
  std::string place = ldr::symbolize(address);
  if (line.file) place += fmt::format(" ({} @ {})", line.file, line.line);
  return place;
}

}  // namespace ntemu::machine
