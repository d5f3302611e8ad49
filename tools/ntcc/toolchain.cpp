#include "tools/ntcc/toolchain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <unistd.h>

#include <cstdlib>

#include "tools/layout.h"

namespace ntemu::ntcc {
namespace {

namespace fs = std::filesystem;

std::string ask(const std::string &compiler, const std::string &option) {
  RunResult result = run({compiler, option}, Capture::kOutput);
  if (result.exit_code != 0) return {};
  while (!result.output.empty() && result.output.back() == '\n') result.output.pop_back();
  return result.output;
}

void choose_compiler(const Options &options, Toolchain &toolchain) {
  std::vector<std::string> candidates;
  const char *environment = std::getenv("NTCC_CC");
  if (!options.cc.empty()) {
    candidates = {options.cc};
  } else if (environment && *environment) {
    candidates = {environment};
  } else {
    candidates = {"clang", "gcc"};
  }
  for (const std::string &candidate : candidates) {
    const std::string version = ask(candidate, "--version");
    if (version.empty()) continue;
    toolchain.compiler = candidate;
    toolchain.is_clang = version.find("clang version") != std::string::npos;
    // Both compilers answer this; the bare word comes back when there is no such file.
    toolchain.compiler_headers = ask(candidate, "-print-file-name=include");
    toolchain.libgcc = ask(candidate, "-print-libgcc-file-name");
    if (!toolchain.compiler_headers.starts_with('/'))
      throw UsageError(
          fmt::format("{} does not say where its own headers are: it is neither gcc nor clang", candidate));
    return;
  }
  if (candidates.size() == 1)
    throw UsageError(fmt::format("the compiler '{}' cannot be run{}", candidates[0],
                                 options.cc.empty() ? " ($NTCC_CC)" : " (--cc)"));
  throw UsageError("no compiler: install clang or gcc");
}

fs::path find_headers() {
  const fs::path headers = tool::root_directory() / "include/ntemu/km";
  if (!fs::exists(headers / "nt/basetsd.h"))
    throw UsageError(fmt::format("the kernel headers are not in {}", headers.string()));
  return headers;
}

void need(const fs::path &file, const Options &options) {
  if (fs::exists(file)) return;
  if (options.variant == "plain") throw UsageError(fmt::format("{} is missing", file.string()));
  throw UsageError(
      fmt::format("--{}: this ntemu was built without that runtime ({} is missing)", options.variant, file.string()));
}

bool is_sanitizer(std::string_view library) {
  for (const std::string_view prefix : {"libasan.so", "libubsan.so", "libtsan.so", "libclang_rt."})
    if (library.starts_with(prefix)) return true;
  return false;
}

}  // namespace

Toolchain find_toolchain(const Options &options) {
  Toolchain toolchain;
  choose_compiler(options, toolchain);
  if (options.fuzz && !toolchain.is_clang) throw UsageError("--fuzz needs clang as the compiler (--cc clang)");
  if (options.coverage && toolchain.is_clang) throw UsageError("--coverage needs gcc as the compiler (--cc gcc)");
  toolchain.kernel_headers = find_headers();
  toolchain.runtime = options.runtime.empty() ? tool::runtime_directory(options.variant) : fs::path(options.runtime);
  if (options.stop == Stop::kAfterLink && !options.print_flags) {
    need(toolchain.runtime / "libntoskrnl.so", options);
    need(toolchain.runtime / "libntdrvrt.a", options);
  }
  return toolchain;
}

std::vector<std::string> sanitizer_libraries(const fs::path &runtime) {
  std::vector<std::string> names;
  elf_version(EV_CURRENT);
  const int file = open((runtime / "libntoskrnl.so").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return names;
  Elf *elf = elf_begin(file, ELF_C_READ, nullptr);
  for (Elf_Scn *section = nullptr; elf && (section = elf_nextscn(elf, section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNAMIC) continue;
    Elf_Data *data = elf_getdata(section, nullptr);
    GElf_Dyn entry;
    for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
      const char *name = entry.d_tag == DT_NEEDED ? elf_strptr(elf, header.sh_link, entry.d_un.d_val) : nullptr;
      if (name && is_sanitizer(name)) names.emplace_back(name);
    }
  }
  elf_end(elf);
  close(file);
  return names;
}

}  // namespace ntemu::ntcc
