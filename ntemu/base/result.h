// A value or the NTSTATUS that says why there is none.
#pragma once

#include <optional>
#include <utility>

#include "nt/basetsd.h"
#include "nt/status.h"

namespace ntemu {

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(NTSTATUS failure) : status_(failure) {}

  explicit operator bool() const { return value_.has_value(); }
  NTSTATUS status() const { return status_; }
  T &operator*() { return *value_; }
  const T &operator*() const { return *value_; }
  T *operator->() { return &*value_; }
  const T *operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  NTSTATUS status_ = STATUS_SUCCESS;
};

}  // namespace ntemu
