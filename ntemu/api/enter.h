// NT_ENTER: the one line at the top of every API's body, through which it is traced, checked, mocked and made to fail.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "ntemu/api/table.h"
#include "ntemu/include/ntemu/override.h"

namespace ntemu::api {

enum Hook : uint32_t {
  kTrace = 1,      // every call is reported to the trace sink
  kLeaving = 2,    // the machine shuts down: NT threads leave instead of entering an API
  kSchedule = 4,   // a scheduler policy decides who runs next
  kApcs = 8,       // some thread that runs has an APC to take
  kObserve = 16,   // every call from outside the kernel is told
  kOverride = 32,  // something stands in for an API
  kFaults = 64,    // calls may be made to fail
  kVerify = 128,   // the calls of some drivers are verified
};

// Which hooks are set; zero in an ordinary run, so that NT_ENTER costs one predicted branch.
extern std::atomic<uint32_t> hooks;
// Called for kTrace with the call written out, e.g. "KeSetEvent(0x7e90..., 0, 0)".
extern void (*trace_call)(const char *text);
// Called for kLeaving with the API's caller; does not return on a thread that has to leave.
extern void (*leave_machine)(const void *caller);
// Called for kSchedule, with the API and its caller.
extern void (*schedule_point)(Id id, const void *caller);
// Called for kApcs, with the API's caller.
extern void (*take_apcs)(const void *caller);
// Called for kObserve on a call from outside the kernel.
extern std::atomic<void (*)(Id id, const void *caller)> observe_call;
// A call from outside the kernel, as the hooks below see it: arguments wider than 8 bytes are 0.
struct Call {
  Id id;
  const void *caller;
  const uint64_t *arguments;
};
// Called for kFaults, then for kVerify. True when the call ends here; then `result` is what it returns.
using CallHook = bool (*)(const Call &call, uint64_t &result);
extern std::atomic<CallHook> inject_fault;
extern std::atomic<CallHook> verify_call;

// Whether hooks that look at callers are to see this call: not the kernel's own, nor what a Bypass covers. The printf
// forms of an API call its va_list form, which therefore counts wherever it is called.
bool is_from_outside(Id id, const void *caller);
// What stands in for the API in this call; null when nothing does.
std::shared_ptr<const Override> find_override(Id id);

inline bool hooked() { return hooks.load(std::memory_order_relaxed) != 0; }

// What a hook decided in the place of the function, if anything.
template <class R>
struct Early {
  std::optional<R> result;
  explicit operator bool() const { return result.has_value(); }
  R value() { return *result; }
};
template <>
struct Early<void> {
  bool done = false;
  explicit operator bool() const { return done; }
  void value() {}
};

std::string format_argument(long long value);
std::string format_argument(unsigned long long value);
std::string format_argument(const void *value);

template <class T>
std::string format_any(const T &value) {
  if constexpr (std::is_pointer_v<T>) {
    return format_argument(const_cast<const void *>(reinterpret_cast<const volatile void *>(value)));
  } else if constexpr (std::is_enum_v<T> || (std::is_integral_v<T> && std::is_signed_v<T>)) {
    return format_argument(static_cast<long long>(value));
  } else if constexpr (std::is_integral_v<T>) {
    return format_argument(static_cast<unsigned long long>(value));
  } else {
    return "?";
  }
}

void trace(Id id, std::string arguments);

template <class T>
uint64_t raw(const T &value) {
  uint64_t bits = 0;
  if constexpr (std::is_pointer_v<T>) {
    bits = reinterpret_cast<uintptr_t>(value);
  } else if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof bits) {
    std::memcpy(&bits, &value, sizeof(T));
  }
  return bits;
}

template <auto Function>
struct Signature;
template <class R, class... P, R (*Function)(P...)>
struct Signature<Function> {
  // Apart from the body of the API, which then needs no registers for it.
  [[gnu::noinline, gnu::cold]] static Early<R> enter(Id id, const void *caller, P... arguments) {
    const uint32_t set = hooks.load(std::memory_order_relaxed);
    if (set & kLeaving) leave_machine(caller);
    if (set & kSchedule) schedule_point(id, caller);
    if (set & kApcs) take_apcs(caller);
    if (set & kTrace) {
      std::string text;
      ((text += text.empty() ? "" : ", ", text += format_any(arguments)), ...);
      trace(id, std::move(text));
    }
    if (!(set & (kObserve | kOverride | kFaults | kVerify)) || !is_from_outside(id, caller)) return {};
    if (set & kObserve) observe_call.load(std::memory_order_acquire)(id, caller);
    if (set & kOverride) {
      if (Early<R> early = override_call(id, caller, arguments...)) return early;
    }
    if (set & kFaults) {
      if (Early<R> early = decide(inject_fault, id, caller, arguments...)) return early;
    }
    if (set & kVerify) return decide(verify_call, id, caller, arguments...);
    return {};
  }

 private:
  static Early<R> override_call(Id id, const void *caller, P... arguments) {
    const auto override = find_override(id);
    if (!override) return {};
    const auto call = reinterpret_cast<bool (*)(void *, const void *, void *, P...)>(override->call);
    if constexpr (std::is_void_v<R>) {
      return {call(override->context, caller, nullptr, arguments...)};
    } else {
      R result{};
      if (!call(override->context, caller, &result, arguments...)) return {};
      return {result};
    }
  }
  static Early<R> decide(const std::atomic<CallHook> &hook, Id id, const void *caller, P... arguments) {
    const uint64_t raws[sizeof...(P) + 1] = {raw(arguments)...};
    uint64_t value = 0;
    if (!hook.load(std::memory_order_acquire)({id, caller, raws}, value)) return {};
    if constexpr (std::is_void_v<R>) {
      return {true};
    } else if constexpr (std::is_pointer_v<R>) {
      return {reinterpret_cast<R>(value)};
    } else {
      R result{};
      static_assert(sizeof(R) <= sizeof value);
      std::memcpy(static_cast<void *>(&result), &value, sizeof result);
      return {result};
    }
  }
};

// The same for a function whose body is `Body`, with the caller's address as its last argument: out of line, so that
// the body's registers are free where no hook is set.
template <auto Function, auto Body>
struct Hooked;
template <class R, class... P, R (*Function)(P...), auto Body>
struct Hooked<Function, Body> {
  __attribute__((noinline, cold)) static R call(Id id, const void *caller, P... arguments) {
    if (auto early = Signature<Function>::enter(id, caller, arguments...)) return early.value();
    return Body(arguments..., caller);
  }
};

}  // namespace ntemu::api

// The whole of a hot function `name`, whose work `body` does, inlined: NT_FAST(KeSetEvent, set_event, Event, Increment,
// Wait);
#define NT_FAST(name, body, ...)                                                                               \
  if (::ntemu::api::hooked()) [[unlikely]]                                                                     \
    return ::ntemu::api::Hooked<&::name, &body>::call(::ntemu::api::Id::name,                                  \
                                                      __builtin_return_address(0) __VA_OPT__(, ) __VA_ARGS__); \
  return body(__VA_ARGS__ __VA_OPT__(, ) __builtin_return_address(0))

// Inside the body of `name`, with its parameters: NT_ENTER(KeSetEvent, Event, Increment, Wait);
#define NT_ENTER(name, ...)                                                                  \
  if (::ntemu::api::hooked()) [[unlikely]]                                                   \
    if (auto ntemu_early = ::ntemu::api::Signature<&::name>::enter(                          \
            ::ntemu::api::Id::name, __builtin_return_address(0) __VA_OPT__(, ) __VA_ARGS__)) \
  return ntemu_early.value()
