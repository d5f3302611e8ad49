#include "tools/kd/value_text.h"

#include <fmt/format.h>

#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

constexpr size_t kMostText = 128;
constexpr const char *kUnreadable = "??";

std::string hexadecimal(uint64_t value) {
  if (value < 10) return fmt::format("{}", value);
  return value >> 32 ? "0x" + ticked(value) : fmt::format("0x{:x}", value);
}

std::string character(uint64_t value) {
  const bool printable = value >= 0x20 && value < 0x7f;
  return printable ? fmt::format("'{}'", static_cast<char>(value)) : "''";
}

std::string quoted(const std::string &text) { return "\"" + printable_text(text) + "\""; }

std::string bits(uint64_t value, unsigned count) {
  std::string text = "0y";
  for (unsigned i = count; i-- > 0;) text += value >> i & 1 ? '1' : '0';
  if (count > 1) text += value < 10 ? fmt::format(" ({})", value) : fmt::format(" (0x{:x})", value);
  return text;
}

std::string enumerator(const Type &type, uint64_t value) {
  const auto number = static_cast<int64_t>(value);
  const std::string digits = number >= 0 && number < 10 ? fmt::format("{}", number) : fmt::format("0n{}", number);
  for (const Enumerator &each : type.enumerators()) {
    if (each.value == number) return fmt::format("{} ( {} )", digits, each.name);
  }
  return fmt::format("{} (No matching name)", digits);
}

std::string pointer(Session &session, const Type &type, uint64_t value) {
  if (value == 0) return "(null) ";
  const Type &target = *type.target();
  std::string text = "0x" + ticked(value) + " ";
  switch (target.kind) {
    case TypeKind::kFunction:
      return text + target.text() + " " + session.symbols().name(value);
    case TypeKind::kCharacter:
      return text + quoted(session.memory().text(value, kMostText).value_or(kUnreadable));
    case TypeKind::kWideCharacter: {
      std::u16string units;
      for (size_t i = 0; i < kMostText; ++i) {
        const auto unit = session.memory().get<char16_t>(value + i * sizeof(char16_t));
        if (!unit || *unit == 0) break;
        units += *unit;
      }
      return text + quoted(to_utf8(units));
    }
    default:
      return text + target.text();
  }
}

// What is known by heart of some structures.
std::string composite(Session &session, Address address, const Type &type) {
  Memory &memory = session.memory();
  const std::string name = type.text();
  if (name == "_UNICODE_STRING") {
    const auto text = memory.unicode_string(address);
    return name + " " + (text ? quoted(*text) : kUnreadable);
  }
  if (name == "_STRING" || name == "_ANSI_STRING") {
    const auto length = memory.get<uint16_t>(address);
    const auto buffer = memory.pointer(address + 8);
    const auto text = length && buffer ? memory.text(*buffer, *length) : std::nullopt;
    return name + " " + (text || (length && !*length) ? quoted(text.value_or("")) : kUnreadable);
  }
  if (name == "_LIST_ENTRY") {
    const auto next = memory.pointer(address), previous = memory.pointer(address + 8);
    if (!next || !previous) return name + " " + kUnreadable;
    return fmt::format("{} [ 0x{} - 0x{} ]", name, ticked(*next), ticked(*previous));
  }
  if (name == "_LARGE_INTEGER" || name == "_ULARGE_INTEGER") {
    const auto value = memory.pointer(address);
    return name + " " + (value ? value.value() < 10 ? fmt::format("0x{}", *value) : hexadecimal(*value) : kUnreadable);
  }
  return name;
}

std::string array(Session &session, Address address, const Type &type) {
  const Type &element = *type.target();
  const std::string count = fmt::format("[{}] ", type.count);
  if (element.kind == TypeKind::kCharacter) {
    const auto text = session.memory().text(address, std::min<uint64_t>(type.count, kMostText));
    return count + " " + (text ? quoted(*text) : kUnreadable);
  }
  if (element.kind == TypeKind::kWideCharacter) {
    const auto text = session.memory().wide_text(address, std::min<uint64_t>(type.size, 2 * kMostText));
    return count + " " + (text ? quoted(text->substr(0, text->find('\0'))) : kUnreadable);
  }
  if (!element.is_scalar() || type.count == 0) return count + element.text();
  return count + value_text(session, address, {0, &element}).text;
}

}  // namespace

std::string number_text(Session &session, const Type &type, uint64_t value) {
  switch (type.kind) {
    case TypeKind::kPointer:
      return pointer(session, type, value);
    case TypeKind::kEnum:
      return enumerator(type, value);
    case TypeKind::kSigned:
      return fmt::format("0n{}", static_cast<int64_t>(value));
    case TypeKind::kCharacter: {
      const auto signed_value = static_cast<int64_t>(value);
      const std::string digits = type.is_signed ? fmt::format("{}", signed_value)
                                 : value        ? fmt::format("0x{:x}", value)
                                                : "0";
      return digits + " " + character(value & 0xff);
    }
    case TypeKind::kWideCharacter:
      return fmt::format("0x{:x} {}", value, character(value));
    case TypeKind::kFloat: {
      double wide = 0;
      float narrow = 0;
      std::memcpy(&wide, &value, sizeof wide);
      std::memcpy(&narrow, &value, sizeof narrow);
      return fmt::format("{}", type.size == sizeof narrow ? double{narrow} : wide);
    }
    default:
      return hexadecimal(value);
  }
}

ValueText value_text(Session &session, Address address, const Field &field) {
  const Type &type = *field.type;
  if (type.is_composite()) return {composite(session, address, type), {}};
  if (type.kind == TypeKind::kArray) return {array(session, address, type), {}};
  const auto value = session.types().read(address, field);
  if (!value) return {kUnreadable, {}};
  nlohmann::json json = type.is_signed ? nlohmann::json(static_cast<int64_t>(*value)) : nlohmann::json(*value);
  if (type.kind == TypeKind::kPointer) json = hex16(*value);
  if (field.bit_size) {
    const uint64_t mask = field.bit_size < 64 ? (uint64_t{1} << field.bit_size) - 1 : ~uint64_t{0};
    return {bits(*value & mask, field.bit_size), json};
  }
  return {number_text(session, type, *value), json};
}

}  // namespace ntemu::debug
