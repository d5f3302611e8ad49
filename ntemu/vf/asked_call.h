// A call that may be made to fail. Its stack is looked at only when somebody asks.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "ntemu/api/enter.h"
#include "ntemu/ke/thread.h"
#include "ntemu/vf/fault.h"
#include "ntemu/vf/stack.h"

namespace ntemu::vf {

class AskedCall {
 public:
  explicit AskedCall(const api::Call &query)
      : query_(query), name_(api::entry(query.id).name), failure_(find_failure(name_)) {}
  std::string_view name() const { return name_; }
  const void *caller() const { return query_.caller; }
  const Failure *failure() const { return failure_; }
  std::span<const void *const> frames() {
    if (count_ == kUnknown) {
      ke::current();  // a host thread's stack is known from its first call on, which this may be
      count_ = capture_stack(frames_);
    }
    return {frames_.data(), count_};
  }
  uint64_t stack() { return hash_stack(frames()); }
  std::optional<uint32_t> tag() const {
    if (!failure_ || failure_->tag_argument < 0) return std::nullopt;
    return static_cast<uint32_t>(query_.arguments[failure_->tag_argument]);
  }
  // A call that is to raise an exception when it fails is not made to return.
  bool raises() const {
    if (name_ == "ExAllocatePool2") return query_.arguments[0] & POOL_FLAG_RAISE_ON_FAILURE;
    return name_.starts_with("ExAllocatePool") && (query_.arguments[0] & POOL_RAISE_IF_ALLOCATION_FAILURE);
  }

 private:
  static constexpr size_t kMostFrames = 32;
  static constexpr size_t kUnknown = ~size_t{0};
  const api::Call &query_;
  std::string_view name_;
  const Failure *failure_;
  std::array<const void *, kMostFrames> frames_{};
  size_t count_ = kUnknown;
};

// Asked about every call that has a Failure and meets no rule; true when it is to fail. Null: nobody is asked.
using Injector = bool (*)(AskedCall &call);
void set_injector(Injector injector);

}  // namespace ntemu::vf
