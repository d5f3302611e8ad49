#include "ntemu/vf/stack.h"

#include <dlfcn.h>
#include <link.h>

#include <string_view>

#include "ntemu/api/kernel_image.h"
#include "ntemu/base/current.h"
#include "ntemu/base/peek.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/vf/pageable_code.h"

namespace ntemu::vf {
namespace {

struct Frame {
  const Frame *outer;
  const void *back;
};

// In an image that was loaded, or in the program, which may have a driver linked into it: not in a library.
bool is_drivers(const void *address) {
  if (const ldr::Image *image = ldr::find_image(address)) return image->handle;
  dl_find_object object;
  return _dl_find_object(const_cast<void *>(address), &object) == 0 && object.dlfo_link_map->l_name[0] == 0;
}

// A frame lies above the one that it called, on the thread's own stack.
bool follows(const Frame *frame, const Frame *inner, const ETHREAD &thread) {
  const auto at = reinterpret_cast<uintptr_t>(frame);
  return at % sizeof(void *) == 0 && frame > inner && at >= reinterpret_cast<uintptr_t>(thread.Tcb.StackLimit) &&
         at + sizeof(Frame) <= reinterpret_cast<uintptr_t>(thread.Tcb.StackBase);
}

// Where an address lies, whatever the loader made of the image this time.
uint64_t place(const void *address) {
  uint64_t base = 0;
  std::string_view name;
  dl_find_object object;  // dladdr would look through every symbol, at every call of a driver
  if (const ldr::Image *image = ldr::find_image(address)) {
    base = reinterpret_cast<uint64_t>(image->entry.DllBase);
    name = image->name;
  } else if (_dl_find_object(const_cast<void *>(address), &object) == 0) {
    base = object.dlfo_link_map->l_addr;
    name = object.dlfo_link_map->l_name;
  }
  return std::hash<std::string_view>{}(name) ^ (reinterpret_cast<uint64_t>(address) - base);
}

// What lies outside the kernel on a stack, from `frame` on, as long as `take` wants more.
template <class Take>
__attribute__((no_sanitize("address", "thread"))) void walk(const Frame *frame, const ETHREAD &thread,
                                                            const Take &take) {
  while (frame->back) {
    if (!api::is_kernel_code(frame->back) && !take(frame->back)) break;
    const Frame *outer = frame->outer;
    if (!follows(outer, frame, thread)) break;
    frame = outer;
  }
}

// Where KiSwapContext's registers end and its frame is: swap_context.S.
constexpr size_t kSavedRegisters = 5 * sizeof(void *);

}  // namespace

size_t capture_stack(std::span<const void *> frames) {
  size_t count = 0;
  const ETHREAD *thread = base::current_thread_slot;
  if (!thread) return 0;
  walk(static_cast<const Frame *>(__builtin_frame_address(0)), *thread, [&](const void *back) {
    if (is_drivers(back)) frames[count++] = back;
    return count < frames.size();
  });
  return count;
}

__attribute__((no_sanitize("address", "thread"))) size_t capture_stack_at(const ucontext_t &registers,
                                                                          const ETHREAD &thread,
                                                                          std::span<const void *> frames) {
  const auto get = [&](int which) { return reinterpret_cast<const void *>(registers.uc_mcontext.gregs[which]); };
  const auto *const top = static_cast<const Frame *>(thread.Tcb.StackLimit);
  size_t count = 0;
  const auto add = [&](const void *address) {
    if (count < frames.size()) frames[count++] = address;
  };
  const void *const instruction = get(REG_RIP);
  add(instruction);
  // A call to where no code is, or none that is there, has left nothing but where it came from.
  dl_find_object object;
  const auto *const stack = static_cast<const char *>(get(REG_RSP));
  const bool called = _dl_find_object(const_cast<void *>(instruction), &object) != 0 ||
                      (is_pageable_code(instruction) && ldr::symbolize(instruction).ends_with("+0x0"));
  if (called && follows(reinterpret_cast<const Frame *>(stack), top, thread)) {
    add(*reinterpret_cast<const void *const *>(stack));
  }
  const auto *frame = static_cast<const Frame *>(get(REG_RBP));
  if (!follows(frame, top, thread)) return count;
  while (frame->back && count < frames.size()) {
    add(frame->back);
    if (!follows(frame->outer, frame, thread)) break;
    frame = frame->outer;
  }
  return count;
}

const void *calling_site() {
  const ETHREAD *thread = base::current_thread_slot;
  if (!thread) return nullptr;
  const void *site = nullptr;
  walk(static_cast<const Frame *>(__builtin_frame_address(0)), *thread, [&](const void *back) {
    if (is_drivers(back)) site = back;
    return false;
  });
  return site;
}

const void *waiting_site(const ETHREAD &thread) {
  const auto *saved = static_cast<const char *>(base::peek(&thread.Tcb.KernelStack));
  const auto *frame = reinterpret_cast<const Frame *>(saved + kSavedRegisters);
  if (!saved || !follows(frame, static_cast<const Frame *>(thread.Tcb.StackLimit), thread)) return nullptr;
  const void *site = nullptr;
  walk(frame, thread, [&](const void *back) {
    if (is_drivers(back)) site = back;
    return false;
  });
  return site;
}

uint64_t hash_stack(std::span<const void *const> frames) {
  uint64_t hash = 14695981039346656037u;
  for (const void *frame : frames) hash = (hash ^ place(frame)) * 1099511628211u;
  return hash;
}

}  // namespace ntemu::vf
