// The memory of the machine that is looked at. Whatever cannot be read is reported, never thrown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>

namespace ntemu::debug {

using Address = uint64_t;

// Of what a pointer of the machine points to.
inline Address address_of(const void *pointer) { return reinterpret_cast<Address>(pointer); }

// U+FFFD for halves of pairs that stand alone.
std::string to_utf8(std::u16string_view text);

// Where it comes from: a process or a dump.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  // How much could be read before the first byte that could not.
  virtual size_t read(Address address, void *buffer, size_t size) = 0;
};

// Reads by pages, which are kept until `forget`: during one command the same page is read once.
class Memory {
 public:
  explicit Memory(MemorySource &source) : source_(source) {}

  // How much could be read before the first byte that could not.
  size_t read(Address address, void *buffer, size_t size);
  // As it is at this moment.
  size_t read_now(Address address, void *buffer, size_t size) { return source_.read(address, buffer, size); }

  template <class T>
  std::optional<T> get(Address address) {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    if (read(address, &value, sizeof value) != sizeof value) return std::nullopt;
    return value;
  }
  std::optional<uint64_t> pointer(Address address) { return get<uint64_t>(address); }
  // An integer of 1 to 8 bytes.
  std::optional<uint64_t> integer(Address address, size_t size);
  // Up to a zero or `most` bytes.
  std::optional<std::string> text(Address address, size_t most = 256);
  // So many bytes of UTF-16, in UTF-8.
  std::optional<std::string> wide_text(Address address, size_t bytes);
  // The UNICODE_STRING at `address`, in UTF-8.
  std::optional<std::string> unicode_string(Address address);

  void forget();

 private:
  static constexpr size_t kPage = 4096;
  struct Page {
    size_t readable;
    std::array<std::byte, kPage> bytes;
  };
  const Page &page(Address number);

  MemorySource &source_;
  std::unordered_map<Address, std::unique_ptr<Page>> pages_;
};

}  // namespace ntemu::debug
