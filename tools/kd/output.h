// What commands tell: lines, values, and tables, from which either text or JSON is made. A command says everything
// once.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ntemu::debug {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  std::string key;  // in JSON
  Align align = Align::kLeft;
};

struct Cell {
  Cell(std::string cell_text) : text(std::move(cell_text)) {}
  Cell(const char *cell_text) : text(cell_text) {}
  Cell(std::string cell_text, nlohmann::json cell_value) : text(std::move(cell_text)), value(std::move(cell_value)) {}

  std::string text;
  nlohmann::json value;  // null: the text
};

struct TableStyle {
  std::string indent = {};
  bool header = true;
  bool rule = true;    // the line of === below the header
  bool again = false;  // rule and header once more at the end
};

class Table {
 public:
  // `key`: the name of the list in JSON.
  Table(std::string key, std::vector<Column> columns, TableStyle style = {});
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  size_t size() const { return rows_.size(); }

  const std::string &key() const { return key_; }
  std::vector<std::string> lines() const;
  nlohmann::json json() const;

 private:
  std::string key_;
  std::vector<Column> columns_;
  TableStyle style_;
  std::vector<std::vector<Cell>> rows_;
};

class Output {
 public:
  virtual ~Output() = default;
  // A line that people read; in JSON one of "text".
  virtual void line(std::string_view text) = 0;
  // A line of what JSON tells by values.
  virtual void text(std::string_view) = 0;
  // A line that tells a value: `text` is the whole line (none when empty), in JSON `key` has `value`.
  virtual void value(std::string_view key, const nlohmann::json &value, std::string_view text) = 0;
  virtual void table(const Table &table) = 0;
  // What could not be done or read; the command goes on. In JSON one of "errors".
  virtual void error(std::string_view text) = 0;
  // What the JSON has in an object of its own until `end_object`: one more of the list `key`. No effect in text.
  virtual void begin_object(std::string_view key) = 0;
  virtual void end_object() = 0;
  // Around each command.
  virtual void begin_command(std::string_view command) = 0;
  virtual void end_command(bool succeeded) = 0;
};

// For the end of a command that fails with this error.
inline bool fail(Output &output, std::string_view text) {
  output.error(text);
  return false;
}

// An object of the list `key` for as long as this lives.
class Object {
 public:
  Object(Output &output, std::string_view key) : output_(output) { output.begin_object(key); }
  ~Object() { output_.end_object(); }
  Object(const Object &) = delete;
  Object &operator=(const Object &) = delete;

 private:
  Output &output_;
};

// Writes to standard output, and into a log when there is one.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void write(std::string_view text) = 0;
};

class TextOutput : public Output {
 public:
  explicit TextOutput(Writer &writer) : writer_(writer) {}
  void line(std::string_view text) override;
  void text(std::string_view text) override { line(text); }
  void value(std::string_view key, const nlohmann::json &value, std::string_view text) override;
  void table(const Table &table) override;
  void error(std::string_view text) override;
  void begin_object(std::string_view) override {}
  void end_object() override {}
  void begin_command(std::string_view) override {}
  void end_command(bool) override {}

 private:
  Writer &writer_;
};

// One JSON object a command, each on a line of its own:
// {"command":"lm","ok":true,"text":[..],"errors":[..],"modules":[{..}]}.
class JsonOutput : public Output {
 public:
  explicit JsonOutput(Writer &writer) : writer_(writer) {}
  void line(std::string_view text) override;
  void text(std::string_view) override {}
  void value(std::string_view key, const nlohmann::json &value, std::string_view text) override;
  void table(const Table &table) override;
  void error(std::string_view text) override;
  void begin_object(std::string_view key) override;
  void end_object() override;
  void begin_command(std::string_view command) override;
  void end_command(bool succeeded) override;

 private:
  nlohmann::json &current() { return open_.back().second; }

  Writer &writer_;
  std::vector<std::pair<std::string, nlohmann::json>> open_;
  std::vector<std::string> errors_;
};

}  // namespace ntemu::debug
