#include "tools/ntcc/flags.h"

namespace ntemu::ntcc {
namespace {

void append(Arguments &to, const Arguments &more) { to.insert(to.end(), more.begin(), more.end()); }

// Behaviour that drivers count on: MSVC never exploits the undefined cases named here, and the stack layout of
// -fstack-protector-strong is what keeps a small overflow of a local structure from reaching a neighbour's pointers.
const Arguments kCode = {"-fms-extensions",
                         "-fshort-wchar",
                         "-fPIC",
                         "-fvisibility=hidden",
                         "-fno-omit-frame-pointer",
                         "-fno-optimize-sibling-calls",
                         "-fasynchronous-unwind-tables",
                         "-fstack-protector-strong",
                         "-U_FORTIFY_SOURCE",
                         "-fno-strict-aliasing",
                         "-fwrapv",
                         "-fno-delete-null-pointer-checks",
                         "-fno-common"};

const Arguments kWarnings = {"-Wno-multichar", "-Wno-unknown-pragmas"};

// In C an undeclared API is a warning, so that the link can name every missing one with its call sites.
const Arguments kC = {"-Wno-error=implicit-function-declaration", "-Wno-error=int-conversion",
                      "-Wno-incompatible-pointer-types"};
const Arguments kCxx = {"-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-nostdinc++"};

Arguments sanitizer_flags(const std::string &variant) {
  if (variant == "asan") return {"-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"};
  if (variant == "tsan") return {"-fsanitize=thread"};
  return {};
}

}  // namespace

Arguments compile_flags(const Options &options, const Toolchain &toolchain, bool is_cxx) {
  Arguments flags;
  // An optimized line may have no code of its own, and then counts as none.
  if (!options.has_compile_option("-O")) flags.push_back(options.coverage ? "-O0" : "-O2");
  if (!options.has_compile_option("-g")) flags.push_back("-g");
  if (!options.has_compile_option("-std=")) flags.push_back(is_cxx ? "-std=gnu++20" : "-std=gnu17");
  append(flags, kCode);
  append(flags, kWarnings);
  append(flags, is_cxx ? kCxx : kC);
  // x64 has one calling convention; clang would warn of the others, or follow one of them.
  if (toolchain.is_clang) append(flags, {"-D__stdcall=", "-D__fastcall=", "-D__vectorcall="});
  if (toolchain.is_clang && !is_cxx) flags.push_back("-Wno-incompatible-function-pointer-types");
  // A unique symbol would keep the image from being unloaded.
  if (!toolchain.is_clang && is_cxx) flags.push_back("-fno-gnu-unique");
  append(flags, sanitizer_flags(options.variant));
  if (options.fuzz) flags.push_back("-fsanitize=address,undefined,fuzzer-no-link");
  if (options.coverage) append(flags, {"--coverage", "-fprofile-update=atomic"});
  append(flags, {"-DNTEMU_DRIVER_BUILD=1", "-DALLOC_PRAGMA=1", "-DALLOC_DATA_PRAGMA=1"});
  if (!options.has_compile_option("-DDBG")) flags.push_back(options.checked ? "-DDBG=1" : "-DDBG=0");
  if (options.checked)
    flags.push_back("-DNTEMU_CHECKED=1");
  else if (!options.has_compile_option("-DNDEBUG"))
    flags.push_back("-DNDEBUG");
  append(flags, options.compile);
  append(flags, {"-nostdinc", "-isystem", toolchain.kernel_headers.string(), "-isystem",
                 (toolchain.kernel_headers / "crt").string(), "-isystem", toolchain.compiler_headers});
  return flags;
}

Arguments link_flags(const Options &options, const Toolchain &toolchain, const std::string &image_name) {
  Arguments flags = {"-shared", "-nostdlib", "-fuse-ld=bfd"};
  append(flags, options.link);
  append(flags,
         {"-Wl,-z,defs", "-Wl,-z,now", "-Wl,-z,noexecstack", "-Wl,-Bsymbolic", "-Wl,--build-id", "-Wl,--no-demangle",
          "-Wl,--entry=GsDriverEntry", "-Wl,--undefined=GsDriverEntry", "-Wl,-soname," + image_name,
          (toolchain.runtime / "libntdrvrt.a").string(), "-L" + toolchain.runtime.string(), "-lntoskrnl"});
  if (!toolchain.libgcc.empty()) flags.push_back(toolchain.libgcc);
  // What writes the counters calls the C library, which a driver may not need: the host's is found when it is loaded.
  if (options.coverage) append(flags, {"-lgcov", "-Wl,-z,undefs"});
  if (options.variant != "plain") {
    if (toolchain.is_clang) flags.push_back("-L" + toolchain.compiler_headers + "/../lib/linux");
    for (const std::string &library : sanitizer_libraries(toolchain.runtime)) flags.push_back("-l:" + library);
  }
  return flags;
}

}  // namespace ntemu::ntcc
