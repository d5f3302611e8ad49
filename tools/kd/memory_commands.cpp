// dq dd dw db da du dS and others: memory as numbers and text.
#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;
constexpr size_t kRow = 16;

struct Range {
  Address start;
  uint64_t count;  // of units
};

// "ADDRESS [L COUNT | END]".
Result<Range> take_range(Session &session, const Arguments &arguments, size_t unit, uint64_t usual) {
  const auto &words = arguments.words();
  if (words.empty()) return Failure{arguments.name() + " needs an address"};
  const auto start = session.evaluate(words[0]);
  if (!start) return start.error();
  Range range{*start, usual};
  std::string length = words.size() > 1 ? words[1] : "";
  if ((length == "L" || length == "l") && words.size() > 2) length += words[2];
  if (length.starts_with('L') || length.starts_with('l')) {
    const auto count = session.evaluate(std::string_view(length).substr(length.starts_with("L?") ? 2 : 1));
    if (!count) return count.error();
    range.count = *count;
  } else if (!length.empty()) {
    const auto end = session.evaluate(length);
    if (!end) return end.error();
    if (*end < *start) return Failure{fmt::format("Range error in '{}'", arguments.text())};
    range.count = (*end - *start) / unit + 1;
  }
  if (range.count > kMostBytes / unit)
    return Failure{fmt::format("Range error in '{}': at most 0x{:x}", arguments.text(), kMostBytes / unit)};
  return range;
}

std::string printable(const uint8_t *bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += bytes[i] >= 0x20 && bytes[i] < 0x7f ? static_cast<char>(bytes[i]) : '.';
  return text;
}

std::string unit_text(uint64_t value, size_t unit) {
  return unit == 8 ? ticked(value) : fmt::format("{:0{}x}", value, 2 * unit);
}

std::string unknown_text(size_t unit) { return unit == 8 ? "????????`????????" : std::string(2 * unit, '?'); }

// One row; how many bytes of it could be read.
size_t tell_row(Session &session, Output &output, Address at, size_t bytes, size_t unit, bool with_text, bool names) {
  uint8_t row[kRow] = {};
  const size_t got = session.memory().read(at, row, bytes);
  std::string text = ticked(at) + " ";
  auto values = nlohmann::json::array();
  for (size_t i = 0; i < bytes; i += unit) {
    uint64_t value = 0;
    const bool known = i + unit <= got;
    if (known) std::memcpy(&value, row + i, unit);
    text += unit == 1 && i == kRow / 2 ? "-" : " ";
    text += known ? unit_text(value, unit) : unknown_text(unit);
    values.push_back(known ? nlohmann::json(unit == 8 ? nlohmann::json(hex16(value)) : nlohmann::json(value))
                           : nlohmann::json());
    if (names && known && session.target().module_at(value)) text += " " + session.symbols().name(value);
  }
  if (with_text) {
    text.resize(std::max<size_t>(text.size(), 18 + 3 * kRow), ' ');
    text += "  " + printable(row, got) + std::string(bytes - got, '?');
  }
  Object object(output, "rows");
  output.value("address", hex16(at), "");
  output.value("values", values, text);
  return got;
}

bool dump_units(Session &session, const Arguments &arguments, Output &output, size_t unit, bool with_text, bool names) {
  const uint64_t usual = names ? 16 : 128 / unit;
  const auto range = take_range(session, arguments, unit, usual);
  if (!range) return fail(output, range.error().text);
  const size_t row = names ? unit : kRow;
  bool any = false;
  for (uint64_t done = 0; done < range->count * unit; done += row) {
    const size_t bytes = std::min<uint64_t>(row, range->count * unit - done);
    any |= tell_row(session, output, range->start + done, bytes, unit, with_text, names) > 0;
  }
  return any || fail(output, fmt::format("Memory access error at '{}'", arguments.text()));
}

bool dump_numbers(Session &session, Arguments &arguments, Output &output) {
  const std::string &name = arguments.name();
  if (name == "dps" || name == "dqs") return dump_units(session, arguments, output, 8, false, true);
  const size_t unit = name == "dd" ? 4 : name == "dw" ? 2 : name == "db" ? 1 : 8;
  return dump_units(session, arguments, output, unit, unit == 1, false);
}

bool dump_text(Session &session, Arguments &arguments, Output &output) {
  const bool wide = arguments.name() == "du";
  const auto range = take_range(session, arguments, wide ? 2 : 1, 512);
  if (!range) return fail(output, range.error().text);
  std::string text;
  if (wide) {
    std::u16string units;
    for (uint64_t i = 0; i < range->count; ++i) {
      const auto unit = session.memory().get<char16_t>(range->start + 2 * i);
      if (!unit && i == 0) return fail(output, fmt::format("Memory access error at '{}'", arguments.text()));
      if (!unit || *unit == 0) break;
      units += *unit;
    }
    text = to_utf8(units);
  } else {
    const auto bytes = session.memory().text(range->start, range->count);
    if (!bytes) return fail(output, fmt::format("Memory access error at '{}'", arguments.text()));
    text = *bytes;
  }
  text = printable_text(text);
  output.value("text", text, fmt::format("{}  \"{}\"", ticked(range->start), text));
  return true;
}

bool dump_string(Session &session, Arguments &arguments, Output &output) {
  const auto range = take_range(session, arguments, 1, 1);
  if (!range) return fail(output, range.error().text);
  const auto buffer = session.memory().pointer(range->start + 8);
  std::optional<std::string> text = session.memory().unicode_string(range->start);
  if (arguments.name() == "ds") {
    const auto length = session.memory().get<uint16_t>(range->start);
    text = length && buffer ? *length ? session.memory().text(*buffer, *length) : std::string() : std::nullopt;
  }
  if (!text || !buffer) return fail(output, fmt::format("Memory access error at '{}'", arguments.text()));
  output.value("text", *text, fmt::format("{}  \"{}\"", ticked(*buffer), printable_text(*text)));
  return true;
}

constexpr Command kMemoryCommands[] = {
    {"dq dp dd dw db", "ADDRESS [L COUNT | END]", "Memory as numbers of 8, 4, 2 or 1 bytes", dump_numbers},
    {"dps dqs", "ADDRESS [L COUNT | END]", "Memory as pointers, with what they point into", dump_numbers},
    {"da du", "ADDRESS [L COUNT]", "Text of bytes, or of UTF-16", dump_text},
    {"dS ds", "ADDRESS", "The text of a UNICODE_STRING (dS) or an ANSI_STRING (ds)", dump_string},
};

}  // namespace

std::span<const Command> memory_commands() { return kMemoryCommands; }

}  // namespace ntemu::debug
