#include "tools/kd/output.h"

#include <gtest/gtest.h>

namespace ntemu::test {
namespace {

using debug::Align;
using debug::Cell;
using debug::Table;
using nlohmann::json;

class Collected : public debug::Writer {
 public:
  void write(std::string_view written) override { text += written; }
  std::string text;
};

Table processes(debug::TableStyle style) {
  Table table("processes", {{"Process", "process"}, {"PID", "pid", Align::kRight}, {"Name", "name"}}, std::move(style));
  table.add({"System", {"4", 4}, "ntoskrnl"});
  table.add({"Idle", {"12345", 12345}, ""});
  return table;
}

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(processes({}).lines(), (std::vector<std::string>{"Process   PID Name", "======= ===== ========",
                                                             "System      4 ntoskrnl", "Idle    12345 "}));
}

TEST(Table, StylesChangeHeaderAndRule) {
  EXPECT_EQ(processes({.indent = "  ", .rule = false}).lines().front(), "  Process   PID Name");
  EXPECT_EQ(processes({.header = false}).lines().front(), "System     4 ntoskrnl");
  const auto lines = processes({.again = true}).lines();
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[4], lines[1]);
  EXPECT_EQ(lines[5], lines[0]);
}

TEST(Table, CountsCharactersNotBytes) {
  Table table("t", {{"A", "a"}, {"B", "b"}});
  table.add({"ö", "x"});
  EXPECT_EQ(table.lines().back(), "ö x");
}

TEST(TextOutput, WritesLinesAlone) {
  Collected writer;
  debug::TextOutput output(writer);
  output.begin_command("lm");
  output.line("one");
  output.value("key", 5, "two");
  output.value("hidden", 6, "");
  output.text("three");
  output.table(processes({}));
  output.error("bad");
  output.end_command(true);
  EXPECT_EQ(
      writer.text,
      "one\ntwo\nthree\nProcess   PID Name\n======= ===== ========\nSystem      4 ntoskrnl\nIdle    12345 \nbad\n");
}

TEST(JsonOutput, IsOneObjectACommand) {
  Collected writer;
  debug::JsonOutput output(writer);
  output.begin_command("k");
  output.line("one");
  output.text("not this");
  output.value("key", 5, "two");
  output.table(processes({}));
  {
    debug::Object thread(output, "threads");
    output.value("id", 1, "");
    {
      debug::Object frame(output, "frames");
      output.value("number", 0, "");
    }
  }
  output.error("bad");
  output.end_command(false);
  EXPECT_EQ(json::parse(writer.text), json::parse(R"({
      "command": "k", "ok": false, "text": ["one"], "key": 5, "errors": ["bad"],
      "processes": [{"process": "System", "pid": 4, "name": "ntoskrnl"}, {"process": "Idle", "pid": 12345, "name": ""}],
      "threads": [{"id": 1, "frames": [{"number": 0}]}]})"));
  EXPECT_EQ(writer.text.find('\n'), writer.text.size() - 1);
}

TEST(JsonOutput, TablesWithoutRowsAreThere) {
  Collected writer;
  debug::JsonOutput output(writer);
  output.begin_command("x");
  output.table(Table("rows", {{"A", "a"}}));
  output.end_command(true);
  EXPECT_EQ(json::parse(writer.text)["rows"], json::array());
}

TEST(JsonOutput, TextThatIsNoUtf8IsWritten) {
  Collected writer;
  debug::JsonOutput output(writer);
  output.begin_command("da");
  output.line("\xff\xfe");
  output.end_command(true);
  EXPECT_TRUE(json::accept(writer.text));
}

}  // namespace
}  // namespace ntemu::test
