// k, .frame, r, .thread, ~: threads, their stacks and registers.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/layouts.h"

namespace ntemu::debug {
namespace {

bool fail(Output &output, std::string_view text) {
  output.error(text);
  return false;
}

std::string source_suffix(const std::optional<SourceLine> &line) {
  return line ? fmt::format(" [{} @ {}] ", line->file, line->line) : "";
}

void tell_frame(Session &session, Output &output, const Frame &frame, size_t number, const std::string &text) {
  Object object(output, "frames");
  output.value("number", number, "");
  output.value("child_sp", hex16(frame.stack), "");
  output.value("return", hex16(frame.return_address), "");
  output.value("address", hex16(frame.pc), "");
  output.value("call_site", session.symbols().name(frame.pc, frame.after_call), text);
  if (const auto line = session.shown_line(frame)) {
    output.value("file", line->file, "");
    output.value("line", line->line, "");
  }
}

void warn_of_files(Session &session, Output &output, const Stack &stack) {
  std::vector<const Module *> told;
  for (const Frame &frame : stack.frames) {
    Module *module = session.target().module_at(frame.pc);
    if (!module || module->kind == ModuleKind::kHost || module->file()) continue;
    if (std::find(told.begin(), told.end(), module) != told.end()) continue;
    told.push_back(module);
    output.error(fmt::format("WARNING: no symbols of {}: {}", module->name, module->file_problem()));
  }
}

// How the frames of k, kn, kv and kb look.
struct StackShape {
  bool numbers, stack_pointers, arguments, lines;
};

StackShape shape_of(std::string_view name) {
  const auto has = [&](char c) { return name.substr(1).find(c) != name.npos; };
  return {has('n'), !has('b'), has('b') || has('v'), !has('L')};
}

bool show_stack(Session &session, Arguments arguments, Output &output) {
  StackShape shape = shape_of(arguments.name());
  if (arguments.take_option("-l")) shape.lines = false;
  size_t most = kMostFrames;
  if (!arguments.words().empty()) {
    const auto count = session.evaluate(arguments.words().front());
    if (!count) return fail(output, count.error().text);
    most = *count;
  }
  const Stack &stack = session.stack();
  if (stack.frames.empty()) return fail(output, stack.problem);
  warn_of_files(session, output, stack);
  std::string header = shape.numbers ? " # " : "";
  if (shape.stack_pointers) header += fmt::format("{:<18}", "Child-SP");
  header += fmt::format("{:<22}", "RetAddr");
  if (shape.arguments) header += fmt::format(": {:<72}: ", "Args to Child");
  output.value("thread", hex16(session.thread()->address), header + "Call Site");
  for (size_t i = 0; i < stack.frames.size() && i < most; ++i) {
    const Frame &frame = stack.frames[i];
    std::string text = shape.numbers ? fmt::format("{:02x} ", i) : "";
    if (shape.stack_pointers) text += ticked(frame.stack) + " ";
    text += fmt::format("{:<22}", ticked(frame.return_address));
    text += session.symbols().name(frame.pc, frame.after_call);
    if (shape.lines) text += source_suffix(session.shown_line(frame));
    tell_frame(session, output, frame, i, text);
  }
  if (!stack.problem.empty()) output.error(stack.problem);
  return true;
}

std::string flags_text(uint64_t flags, bool known) {
  const auto either = [&](unsigned bit, const char *set, const char *clear) { return flags >> bit & 1 ? set : clear; };
  return fmt::format("iopl={}         {} {} {} {} {} {} {} {}", flags >> 12 & 3, either(11, "ov", "nv"),
                     either(10, "dn", "up"), either(9, "ei", "di"), either(7, "ng", "pl"), either(6, "zr", "nz"),
                     either(4, "ac", "na"), known ? either(2, "pe", "po") : "pe", either(0, "cy", "nc"));
}

void tell_registers(const Registers &registers, Output &output) {
  static constexpr Register kRows[][3] = {
      {kRax, kRbx, kRcx}, {kRdx, kRsi, kRdi}, {kRip, kRsp, kRbp}, {kR8, kR9, kR10}, {kR11, kR12, kR13}};
  const auto one = [&](Register number) {
    return fmt::format("{:>3}={:016x}", register_name(number), registers.get(number).value_or(0));
  };
  for (const auto &row : kRows) output.text(fmt::format("{} {} {}", one(row[0]), one(row[1]), one(row[2])));
  output.text(fmt::format("{} {}", one(kR14), one(kR15)));
  const auto &s = registers.selectors;
  const uint64_t flags = registers.flags.value_or(0);
  output.text(flags_text(flags, registers.flags.has_value()));
  output.text(fmt::format("cs={:04x}  ss={:04x}  ds={:04x}  es={:04x}  fs={:04x}  gs={:04x}             efl={:08x}",
                          s[0], s[1], s[2], s[3], s[4], s[5], flags));
  auto values = nlohmann::json::object();
  for (unsigned number = 0; number < kRegisters; ++number) {
    const auto value = registers.get(number);
    values[register_name(number)] = value ? nlohmann::json(hex16(*value)) : nlohmann::json();
  }
  output.value("registers", values, "");
}

void tell_place(Session &session, Output &output, const Frame &frame) {
  output.text(session.symbols().name(frame.pc, frame.after_call) + ":");
  std::string bytes;
  uint8_t code[8];
  const size_t got = session.memory().read(frame.pc, code, sizeof code);
  for (size_t i = 0; i < got; ++i) bytes += fmt::format("{:02x}", code[i]);
  output.value("code", bytes, fmt::format("{} {}", ticked(frame.pc), got ? bytes : "??"));
}

bool show_registers(Session &session, Arguments arguments, Output &output) {
  const Stack &stack = session.stack();
  if (session.frame() >= stack.frames.size()) return fail(output, stack.problem);
  const Frame &frame = stack.frames[session.frame()];
  if (!arguments.words().empty()) {
    for (const std::string &name : arguments.words()) {
      const auto value = session.evaluate("@" + name);
      if (!value) return fail(output, value.error().text);
      output.value(name, hex16(*value), fmt::format("{}={:016x}", name, *value));
    }
    return true;
  }
  tell_registers(frame.registers, output);
  tell_place(session, output, frame);
  return true;
}

bool show_frame(Session &session, Arguments arguments, Output &output) {
  const bool registers = arguments.take_option("/r");
  arguments.take_option("/c");
  const Stack &stack = session.stack();
  if (!arguments.words().empty()) {
    const auto number = session.evaluate(arguments.text().substr(arguments.text().find(arguments.words().front())));
    if (!number) return fail(output, number.error().text);
    if (*number >= stack.frames.size())
      return fail(output, fmt::format("Cannot find frame 0x{:x}, previous scope unchanged", *number));
    session.select_frame(*number);
  }
  if (session.frame() >= stack.frames.size()) return fail(output, stack.problem);
  const Frame &frame = stack.frames[session.frame()];
  tell_frame(session, output, frame, session.frame(),
             fmt::format("{:02x} {} {:<21} {}", session.frame(), ticked(frame.stack), ticked(frame.return_address),
                         session.symbols().name(frame.pc, frame.after_call)) +
                 source_suffix(session.shown_line(frame)));
  if (registers) {
    tell_registers(frame.registers, output);
    tell_place(session, output, frame);
  }
  return true;
}

bool select_thread(Session &session, Arguments arguments, Output &output) {
  if (!arguments.words().empty()) {
    const auto address = session.evaluate(arguments.text());
    if (!address) return fail(output, address.error().text);
    if (*address && !session.target().thread_at(*address))
      return fail(output, fmt::format("Unable to read the thread at {}", ticked(*address)));
    if (*address) session.select_thread(*address);
  }
  const auto thread = session.thread();
  if (!thread) return fail(output, "There is no thread");
  output.value("thread", hex16(thread->address), fmt::format("Implicit thread is now {}", ticked(thread->address)));
  return true;
}

bool list_threads(Session &session, Output &output) {
  const auto selected = session.thread();
  Table table("threads",
              {{" ", "selected"},
               {"#", "number", Align::kRight},
               {"Thread", "thread"},
               {"Cid", "cid"},
               {"State", "state"},
               {"Reason", "reason"},
               {"Start", "start"},
               {"Host", "host_id", Align::kRight}},
              {.rule = false});
  size_t number = 0;
  for (const Thread &thread : session.target().threads().found) {
    const bool waits = thread.state == 5;
    const auto start = session.memory().pointer(thread.address + layout::kThreadStartAddress).value_or(0);
    table.add(
        {{selected && selected->address == thread.address ? "." : " ", selected && selected->address == thread.address},
         {fmt::format("{}", number), number},
         hex16(thread.address),
         fmt::format("{:x}.{:x}", thread.process.id, thread.id),
         thread_state_name(thread.state),
         waits ? wait_reason_name(thread.wait_reason) : "",
         start ? session.symbols().name(start) : "",
         {fmt::format("{}", thread.host_id), thread.host_id}});
    ++number;
  }
  output.table(table);
  for (const std::string &problem : session.target().threads().problems) output.error(problem);
  return true;
}

bool threads(Session &session, Arguments arguments, Output &output) {
  std::string_view text = arguments.text();
  if (text.empty()) return list_threads(session, output);
  const auto &all = session.target().threads().found;
  const bool every = text[0] == '*';
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!every && (error != std::errc() || number >= all.size()))
    return fail(output, fmt::format("Illegal thread error in '~{}': there are {}", text, all.size()));
  std::string_view rest = every ? text.substr(1) : text.substr(static_cast<size_t>(end - text.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.empty()) return list_threads(session, output);
  if (!every && rest == "s") {
    session.select_thread(all[number].address);
    return true;
  }
  const auto before = session.thread();
  bool succeeded = true;
  for (const Thread &thread : every ? std::vector<Thread>(all) : std::vector<Thread>{all[number]}) {
    Object object(output, "threads");
    if (every) output.value("thread", hex16(thread.address), fmt::format("Thread {}", hex16(thread.address)));
    session.select_thread(thread.address);
    succeeded = run_within(session, rest, output) && succeeded;
  }
  if (before) session.select_thread(before->address);
  return succeeded;
}

constexpr Command kCommands[] = {
    {"k kn kv kb kp kL knL kvn kbn", "[COUNT]", "The stack of the selected thread; n: with numbers, L: without lines",
     show_stack},
    {".frame", "[/r] [NUMBER]", "Selects a frame; /r: with its registers", show_frame},
    {"r", "[REGISTER...]", "The registers of the selected frame", show_registers},
    {".thread", "[ADDRESS]", "Selects the thread at an address", select_thread},
    {"~", "[N|*] [s|COMMAND]", "The threads; ~2s selects one, ~*k runs a command for each", threads},
};

}  // namespace

std::span<const Command> stack_commands() { return kCommands; }

}  // namespace ntemu::debug
