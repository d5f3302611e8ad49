#include "ntemu/base/current.h"

#include <cstdio>
#include <cstdlib>

namespace ntemu::base {
namespace {

_ETHREAD *no_machine() {
  std::fputs("ntemu: a kernel API was called while no machine runs\n", stderr);
  std::abort();
}

}  // namespace

constinit thread_local _ETHREAD *current_thread_slot = nullptr;
_ETHREAD *(*adopt_thread)() = no_machine;

}  // namespace ntemu::base
