// k, .frame, r, dv: stacks, registers and variables.
#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/commands.h"
#include "tools/kd/disassembly.h"
#include "tools/kd/format.h"
#include "tools/kd/value_text.h"
#include "tools/kd/variables.h"

namespace ntemu::debug {
namespace {

std::string source_suffix(const std::optional<SourceLine> &line) {
  return line ? fmt::format(" [{} @ {}] ", line->file, line->line) : "";
}

void tell_frame(Session &session, Output &output, const Frame &frame, size_t number, const std::string &text,
                const nlohmann::json &arguments = {}) {
  Object object(output, "frames");
  if (!arguments.is_null()) output.value("arguments", arguments, "");
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

struct ArgumentText {
  std::string text;
  nlohmann::json values;
};

// The first four parameters, where they can still be told.
ArgumentText argument_text(Session &session, size_t number) {
  constexpr size_t kShown = 4;
  ArgumentText result{"", nlohmann::json::array()};
  const auto all = variables(session, number);
  for (size_t i = 0; i < kShown; ++i) {
    const bool there = i < all.size() && all[i].parameter;
    const auto value = there ? value_of(session, all[i]) : std::nullopt;
    const uint64_t known = value.value_or(0);
    result.text += (i ? " " : "") + (value ? ticked(known) : "????????`????????");
    if (there)
      result.values.push_back(
          {{"name", all[i].name}, {"value", value ? nlohmann::json(hex16(known)) : nlohmann::json()}});
  }
  return result;
}

bool show_stack(Session &session, Arguments &arguments, Output &output) {
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
  if (shape.arguments) header += fmt::format(": {:<71} : ", "Args to Child");
  output.value("thread", hex16(session.thread()->address), header + "Call Site");
  for (size_t i = 0; i < stack.frames.size() && i < most; ++i) {
    const Frame &frame = stack.frames[i];
    std::string text = shape.numbers ? fmt::format("{:02x} ", i) : "";
    if (shape.stack_pointers) text += ticked(frame.stack) + " ";
    text += fmt::format("{:<22}", ticked(frame.return_address));
    ArgumentText known;
    if (shape.arguments) {
      known = argument_text(session, i);
      text += ": " + known.text + " : ";
    }
    text += session.symbols().name(frame.pc, frame.after_call);
    if (shape.lines) text += source_suffix(session.shown_line(frame));
    tell_frame(session, output, frame, i, text, known.values);
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
  size_t length = 0;
  output.text(instruction_line(session, frame.pc, length));
  if (const auto instruction = instruction_at(session, frame.pc)) output.value("instruction", instruction->text, "");
}

bool show_registers(Session &session, Arguments &arguments, Output &output) {
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

bool show_frame(Session &session, Arguments &arguments, Output &output) {
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

bool show_variables(Session &session, Arguments &arguments, Output &output) {
  const auto all = variables(session, session.frame());
  const std::string pattern = arguments.words().empty() ? "*" : arguments.words().front();
  size_t shown = 0;
  for (const LocalVariable &variable : all) {
    if (!matches(pattern, variable.name)) continue;
    ++shown;
    Object object(output, "variables");
    output.value("name", variable.name, "");
    output.value("type", variable.type->text(), "");
    output.value("parameter", variable.parameter, "");
    std::string text = "<value unavailable>";
    if (variable.address) {
      output.value("address", hex16(*variable.address), "");
      const ValueText value = value_text(session, *variable.address, {0, variable.type});
      output.value("value", value.value.is_null() ? nlohmann::json(value.text) : value.value, "");
      text = variable.type->is_composite() || variable.type->kind == TypeKind::kArray
                 ? value.text + " @ 0x" + ticked(*variable.address)
                 : value.text;
    } else if (variable.value) {
      text = number_text(session, *variable.type, *variable.value);
      output.value("value", *variable.value, "");
    }
    output.text(fmt::format("{:>24} = {}", variable.name, text));
  }
  return shown || fail(output, "No variables are known of this frame");
}

constexpr Command kStackCommands[] = {
    {"k kn kv kb kp kL knL kvn kbn", "[COUNT]", "The stack of the selected thread; n: with numbers, L: without lines",
     show_stack},
    {".frame", "[/r] [NUMBER]", "Selects a frame; /r: with its registers", show_frame},
    {"r", "[REGISTER...]", "The registers of the selected frame", show_registers},
    {"dv", "[PATTERN]", "The parameters and variables of the selected frame", show_variables},
};

}  // namespace

std::span<const Command> stack_commands() { return kStackCommands; }

}  // namespace ntemu::debug
