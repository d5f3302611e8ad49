// The driver's part of the calling thread's stack.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "ntemu/ke/thread.h"

namespace ntemu::vf {

// The return addresses on the calling thread's stack that lie in drivers, or in the program itself, innermost first;
// how many. Follows frame pointers: code built without them ends the walk after its first frame.
size_t capture_stack(std::span<const void *> frames);
// Everything on a stack that has these registers, the instruction itself first, the kernel's frames among them.
size_t capture_stack_at(const ucontext_t &registers, const ETHREAD &thread, std::span<const void *> frames);
// The line of the driver that called the kernel; null when somebody else did, such as a library of the host's.
const void *calling_site();
// The same for the call in which a thread is asleep; null also when it runs. It may wake during the look.
const void *waiting_site(const ETHREAD &thread);

// The same for the same calls in every load of the same images.
uint64_t hash_stack(std::span<const void *const> frames);

}  // namespace ntemu::vf
