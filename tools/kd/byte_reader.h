// Reads numbers out of bytes that may end anywhere: once something is missing, all that follows is 0 and `failed` is
// set.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace ntemu::debug {

class ByteReader {
 public:
  ByteReader(std::span<const uint8_t> bytes, uint64_t address) : bytes_(bytes), address_(address) {}

  bool failed() const { return failed_; }
  bool more() const { return !failed_ && at_ < bytes_.size(); }
  size_t at() const { return at_; }
  // Where in the target's memory the next byte is.
  uint64_t address() const { return address_ + at_; }
  void seek(size_t at) {
    failed_ |= at > bytes_.size();
    at_ = failed_ ? bytes_.size() : at;
  }
  std::span<const uint8_t> take(uint64_t count) {
    if (count > bytes_.size() - at_) {
      seek(bytes_.size() + 1);
      return {};
    }
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }
  template <class T>
  T get() {
    T value{};
    const auto from = take(sizeof value);
    if (!from.empty()) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  uint64_t uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = get<uint8_t>();
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (failed_ || !(byte & 0x80)) return value;
    }
  }
  int64_t sleb() {
    uint64_t value = 0;
    for (unsigned shift = 0;;) {
      const auto byte = get<uint8_t>();
      if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      shift += 7;
      if (failed_ || !(byte & 0x80)) {
        if (shift < 64 && (byte & 0x40)) value |= ~uint64_t{0} << shift;
        return static_cast<int64_t>(value);
      }
    }
  }

 private:
  std::span<const uint8_t> bytes_;
  uint64_t address_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace ntemu::debug
