#include "ntemu/machine/source_line.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
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
};

struct Lines {
  base::Mutex mutex;
  std::vector<KnownImage> images NTEMU_GUARDED_BY(mutex);  // newest last: a range may have been another's before
  // One for each place where a file was loaded; they stay open.
  std::map<std::pair<std::string, uintptr_t>, Dwfl *> open NTEMU_GUARDED_BY(mutex);
};

Lines &lines() {
  static Lines *all = new Lines;
  return *all;
}

const Dwfl_Callbacks kCallbacks{.find_elf = dwfl_build_id_find_elf,
                                .find_debuginfo = dwfl_standard_find_debuginfo,
                                .section_address = dwfl_offline_section_address,
                                .debuginfo_path = nullptr};

Dwfl *open(const KnownImage &image) NTEMU_REQUIRES(lines().mutex) {
  const auto [at, fresh] = lines().open.try_emplace({image.file, image.base}, nullptr);
  if (!fresh) return at->second;
  Dwfl *dwfl = dwfl_begin(&kCallbacks);
  if (!dwfl) return nullptr;
  dwfl_report_begin(dwfl);
  dwfl_report_elf(dwfl, image.name.c_str(), image.file.c_str(), -1, image.base, false);
  dwfl_report_end(dwfl, nullptr, nullptr);
  return at->second = dwfl;
}

KnownImage image_of(const void *address) NTEMU_REQUIRES(lines().mutex) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  const auto &images = lines().images;
  for (auto image = images.rbegin(); image != images.rend(); ++image) {
    if (value - image->base < image->size) return *image;
  }
  Dl_info info;
  if (dladdr(address, &info) == 0 || !info.dli_fname) return {};
  const std::filesystem::path path = info.dli_fname;
  const bool program = !std::filesystem::exists(path) || path.string().find('/') == std::string::npos;
  return {reinterpret_cast<uintptr_t>(info.dli_fbase), 0, path.stem().string(), program ? "/proc/self/exe" : path};
}

// A C++ name as people write it, without what it is called with.
std::string without_arguments(const char *name) {
  int failed = 0;
  const std::unique_ptr<char, void (*)(void *)> plain(abi::__cxa_demangle(name, nullptr, nullptr, &failed), std::free);
  std::string text = plain ? plain.get() : name;
  return text.substr(0, text.rfind('('));
}

std::string place_of(Dwfl_Line *source) {
  int number = 0;
  const char *file = dwfl_lineinfo(source, nullptr, &number, nullptr, nullptr, nullptr);
  if (!file) return "";
  const char *directory = dwfl_line_comp_dir(source);
  const auto path = std::filesystem::path(directory ? directory : "") / file;
  return fmt::format("{}:{}", path.lexically_normal().string(), number);
}

}  // namespace

void note_image(const ldr::Image &image) {
  base::Guard guard(lines().mutex);
  lines().images.push_back({reinterpret_cast<uintptr_t>(image.entry.DllBase), image.entry.SizeOfImage, image.name,
                            std::filesystem::absolute(image.file)});
}

std::string describe_line(const void *address) {
  // The call itself lies before the address that it returns to.
  const auto call = reinterpret_cast<Dwarf_Addr>(address) - 1;
  std::string function, line;
  {
    base::Guard guard(lines().mutex);
    const KnownImage image = image_of(address);
    Dwfl *dwfl = image.file.empty() ? nullptr : open(image);
    Dwfl_Module *module = dwfl ? dwfl_addrmodule(dwfl, call) : nullptr;
    if (!module) return ldr::symbolize(address);
    if (const char *name = dwfl_module_addrname(module, call))
      function = fmt::format("{}!{}", image.name, without_arguments(name));
    if (Dwfl_Line *source = dwfl_module_getsrc(module, call)) line = place_of(source);
  }
  if (line.empty()) return function.empty() ? ldr::symbolize(address) : function;
  return function.empty() ? line : fmt::format("{} ({})", line, function);
}

}  // namespace ntemu::machine
