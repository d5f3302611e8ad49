#include "tools/kd/output.h"

#include <algorithm>

namespace ntemu::debug {
namespace {

using nlohmann::json;

// How many columns of a screen UTF-8 text takes, wide characters apart.
size_t width(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string padded(const std::string &text, size_t wanted, Align align, bool last) {
  const std::string blanks(wanted - std::min(wanted, width(text)), ' ');
  if (align == Align::kRight) return blanks + text;
  return last ? text : text + blanks;
}

std::string to_text(const json &value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

Table::Table(std::string key, std::vector<Column> columns, TableStyle style)
    : key_(std::move(key)), columns_(std::move(columns)), style_(std::move(style)) {}

std::vector<std::string> Table::lines() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = style_.header ? width(columns_[i].title) : 0;
    for (const auto &row : rows_) widest = std::max(widest, i < row.size() ? width(row[i].text) : 0);
    widths.push_back(widest);
  }
  const auto line = [&](const auto &cell_text) {
    std::string text = style_.indent;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i) text += ' ';
      text += padded(cell_text(i), widths[i], columns_[i].align, i + 1 == columns_.size());
    }
    return text;
  };
  std::vector<std::string> lines;
  const auto header = [&] { lines.push_back(line([&](size_t i) { return columns_[i].title; })); };
  const auto rule = [&] { lines.push_back(line([&](size_t i) { return std::string(widths[i], '='); })); };
  if (style_.header) header();
  if (style_.header && style_.rule) rule();
  for (const auto &row : rows_) lines.push_back(line([&](size_t i) { return i < row.size() ? row[i].text : ""; }));
  if (style_.again) {
    rule();
    header();
  }
  return lines;
}

json Table::json() const {
  auto list = nlohmann::json::array();
  for (const auto &row : rows_) {
    auto object = nlohmann::json::object();
    for (size_t i = 0; i < columns_.size() && i < row.size(); ++i)
      object[columns_[i].key] = row[i].value.is_null() ? nlohmann::json(row[i].text) : row[i].value;
    list.push_back(std::move(object));
  }
  return list;
}

void TextOutput::line(std::string_view text) { writer_.write(std::string(text) + "\n"); }

void TextOutput::value(std::string_view, const json &, std::string_view text) {
  if (!text.empty()) line(text);
}

void TextOutput::table(const Table &table) {
  for (const std::string &text : table.lines()) line(text);
}

void TextOutput::error(std::string_view text) { line(text); }

void JsonOutput::line(std::string_view text) {
  if (!open_.empty()) current()["text"].push_back(text);
}

void JsonOutput::value(std::string_view key, const json &value, std::string_view) {
  if (!open_.empty()) current()[std::string(key)] = value;
}

void JsonOutput::table(const Table &table) {
  if (open_.empty()) return;
  json &list = current()[table.key()];
  for (json &row : table.json()) list.push_back(std::move(row));
  if (list.is_null()) list = json::array();
}

void JsonOutput::error(std::string_view text) { errors_.emplace_back(text); }

void JsonOutput::begin_object(std::string_view key) { open_.emplace_back(key, json::object()); }

void JsonOutput::end_object() {
  if (open_.size() < 2) return;
  auto [key, object] = std::move(open_.back());
  open_.pop_back();
  current()[key].push_back(std::move(object));
}

void JsonOutput::begin_command(std::string_view command) {
  errors_.clear();
  open_.clear();
  open_.emplace_back("", json{{"command", command}});
}

void JsonOutput::end_command(bool succeeded) {
  while (open_.size() > 1) end_object();
  if (open_.empty()) return;
  current()["ok"] = succeeded;
  if (!errors_.empty()) current()["errors"] = errors_;
  writer_.write(to_text(current()) + "\n");
  open_.clear();
}

}  // namespace ntemu::debug
