// A stub for every NT_STUB line: it links with a warning that names the call site, and stops when it is called.
#include "ntemu/api/stubs.h"

#include <cstdio>
#include <cstdlib>

namespace ntemu::api {
namespace {

void abort_naming(const char *name, const void *) {
  std::fprintf(stderr, "ntemu: %s is not implemented\n", name);
  std::abort();
}

}  // namespace

void (*missing_api)(const char *name, const void *caller) = abort_naming;

}  // namespace ntemu::api

#define NT_API(name, level, irql, note)
#define NT_DATA(name, note)
// The exported name is an alias: a reference to it from here would draw the warning that is meant for drivers.
#define NT_STUB(name, note)                                                                            \
  extern "C" void ntemu_stub_##name() { ntemu::api::missing_api(#name, __builtin_return_address(0)); } \
  extern "C" __attribute__((visibility("default"), alias("ntemu_stub_" #name))) void name();           \
  __attribute__((section(".gnu.warning." #name), used)) static const char ntemu_warning_##name[] =     \
      #name " is not implemented by ntemu: calling it ends the machine";
#include "ntemu/api/all.def"
