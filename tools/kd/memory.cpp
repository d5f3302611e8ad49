#include "tools/kd/memory.h"

#include <algorithm>

namespace ntemu::debug {
namespace {

void append_utf8(std::string &text, uint32_t point) {
  const auto byte = [&](uint32_t value) { text += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | point >> 6);
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3f));
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  }
}

}  // namespace

std::string to_utf8(std::u16string_view text) {
  constexpr uint32_t kReplacement = 0xfffd;
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t unit = text[i];
    const uint32_t next = i + 1 < text.size() ? text[i + 1] : 0;
    if (unit - 0xd800 < 0x400 && next - 0xdc00 < 0x400) {
      append_utf8(result, 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
      ++i;
    } else {
      append_utf8(result, unit - 0xd800 < 0x800 ? kReplacement : unit);
    }
  }
  return result;
}

const Memory::Page &Memory::page(Address number) {
  const auto [at, fresh] = pages_.try_emplace(number);
  if (fresh) {
    at->second = std::make_unique<Page>();
    at->second->readable = source_.read(number * kPage, at->second->bytes.data(), kPage);
  }
  return *at->second;
}

size_t Memory::read(Address address, void *buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    const Address at = address + done;
    if (at < address) break;  // past the end of all addresses
    const Page &from = page(at / kPage);
    const size_t offset = at % kPage, end = std::min(from.readable, offset + (size - done));
    if (end <= offset) break;
    std::memcpy(static_cast<char *>(buffer) + done, from.bytes.data() + offset, end - offset);
    done += end - offset;
    if (end != kPage) break;
  }
  return done;
}

std::optional<uint64_t> Memory::integer(Address address, size_t size) {
  uint64_t value = 0;
  if (size == 0 || size > sizeof value || read(address, &value, size) != size) return std::nullopt;
  return value;
}

std::optional<std::string> Memory::text(Address address, size_t most) {
  std::string result(most, '\0');
  result.resize(read(address, result.data(), most));
  if (result.empty() && most) return std::nullopt;
  if (const size_t end = result.find('\0'); end != result.npos) result.resize(end);
  return result;
}

std::optional<std::string> Memory::wide_text(Address address, size_t bytes) {
  std::u16string units(bytes / sizeof(char16_t), u'\0');
  if (read(address, units.data(), units.size() * sizeof(char16_t)) != units.size() * sizeof(char16_t))
    return std::nullopt;
  return to_utf8(units);
}

std::optional<std::string> Memory::unicode_string(Address address) {
  const auto length = get<uint16_t>(address);
  const auto buffer = pointer(address + 8);
  if (!length || !buffer) return std::nullopt;
  return *length ? wide_text(*buffer, *length) : std::string();
}

void Memory::forget() { pages_.clear(); }

}  // namespace ntemu::debug
