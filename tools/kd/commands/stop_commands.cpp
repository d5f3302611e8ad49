// !mex.di, .bugcheck and !analyze: what a dump is of, and what led to it.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "ntemu/ke/stop_codes.h"
#include "ntemu/rtl/version.h"
#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/pool_blocks.h"
#include "tools/kd/commands/pool_view.h"
#include "tools/kd/commands/stop_view.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

std::string first_line(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.find(':') + 2, line.size()));
  }
  return "";
}

bool is_crash(const std::optional<BugCheck> &check) {
  return check && check->code != 0 && check->code != kLiveDumpCode;
}

bool describe_dump(Session &session, Arguments &, Output &output) {
  Target &target = session.target();
  const MachineInfo info = machine_info(session);
  const auto line = [&](const char *key, const std::string &title, const std::string &value) {
    output.value(key, value, title + (value.empty() ? "Not Found" : value));
  };
  // A dump has nothing of the host.
  const bool live = target.live();
  line("computer", "Computer Name:  ", live ? first_line("/proc/sys/kernel/hostname") : "");
  output.value("version", version_line(info), version_line(info));
  output.text(product_line());
  line("build", "Edition build lab: ", fmt::format("{}.1.amd64fre.ntemu", rtl::kBuildNumber));
  output.text(base_line(session));
  output.value("kernel_base", hex16(reinterpret_cast<Address>(target.data().KernBase)), "");
  if (info.time) output.value("time", *info.time, "Debug session time: " + session_time(*info.time));
  if (info.uptime) output.value("uptime", *info.uptime, "System Uptime: " + uptime(*info.uptime));
  line("manufacturer", "SystemManufacturer = ", live ? first_line("/sys/class/dmi/id/sys_vendor") : "");
  line("product", "SystemProductName = ", live ? first_line("/sys/class/dmi/id/product_name") : "");
  line("processor", "Processor: ", live ? processor_name() : "");
  if (info.bugcheck && info.bugcheck->code) {
    output.value("bugcheck", info.bugcheck->code, "Bugcheck: " + check_text(*info.bugcheck));
    output.value("parameters", info.bugcheck->parameters, "");
  }
  if (is_crash(info.bugcheck)) {
    Facts facts(session);
    const StopPlace place = stop_place(facts, *info.bugcheck);
    if (place.module && matches("myfault", place.module->name))
      output.value("driver", place.module->base_name,
                   fmt::format("Bugcheck: This is a {} dump.", place.module->base_name));
    if (!live) {
      output.value("dump", target.description(), "KernelMode Dump Path: " + target.description());
      line("share", "Share Path: ", "");  // no machine shares the folder
    }
  }
  for (const std::string &problem : target.problems()) output.error("WARNING: " + problem);
  return true;
}

bool show_bugcheck(Session &session, Arguments &, Output &output) {
  const auto check = machine_info(session).bugcheck.value_or(BugCheck{});
  output.value("code", check.code, fmt::format("Bugcheck code {:08X}", check.code));
  const auto &p = check.parameters;
  output.value("parameters", p,
               fmt::format("Arguments {} {} {} {}", ticked(p[0]), ticked(p[1]), ticked(p[2]), ticked(p[3])));
  return true;
}

void show_banner(Output &output) {
  const std::string stars(79, '*'), blank = "*" + std::string(77, ' ') + "*";
  for (const std::string &line :
       {stars, blank, fmt::format("*{:^77}*", "Bugcheck Analysis"), blank, stars, std::string()})
    output.text(line);
}

std::string describe_parameter(Session &session, uint64_t value) {
  const Place place = session.symbols().place(value);
  return place.module && place.module->kind != ModuleKind::kHost ? " (" + place.text(value) + ")" : "";
}

void show_code(Session &session, const BugCheck &check, Output &output) {
  const ke::StopCode &code = ke::stop_code(static_cast<ULONG>(check.code));
  output.value("code", check.code, "");
  output.value("name", code.name, fmt::format("{} ({:x})", code.name, check.code));
  output.value("meaning", code.meaning, code.meaning);
  output.text("Arguments:");
  for (size_t i = 0; i < 4; ++i) {
    Object row(output, "arguments");
    const char *meaning = code.parameters[i] ? code.parameters[i] : "";
    output.value("value", hex16(check.parameters[i]), "");
    output.value("meaning", meaning,
                 fmt::format("Arg{}: {}{}{}{}", i + 1, hex16(check.parameters[i]), *meaning ? ", " : "", meaning,
                             describe_parameter(session, check.parameters[i])));
  }
}

void show_exception(Session &session, const StopPlace &place, Output &output) {
  if (!place.trapped) return;
  const auto record = session.symbols().address("nt!KiExceptionRecord");
  const auto frame = session.symbols().address("nt!KiTrapFrame");
  const auto code = record ? session.memory().get<uint32_t>(*record) : std::nullopt;
  if (record && code)
    output.value("exception", *code,
                 fmt::format("EXCEPTION_RECORD:  {} -- (ExceptionCode: {:08x})", hex16(*record), *code));
  if (frame) output.text(fmt::format("TRAP_FRAME:  {}", hex16(*frame)));
  const Registers &r = place.registers;
  const auto value = [&](Register number) { return r.get(number).value_or(0); };
  static constexpr Register kRows[][3] = {
      {kRax, kRbx, kRcx}, {kRdx, kRsi, kRdi}, {kRip, kRsp, kRbp}, {kR8, kR9, kR10}, {kR11, kR12, kR13}};
  for (const auto &row : kRows)
    output.text(fmt::format("{:>3}={:016x} {:>3}={:016x} {:>3}={:016x}", register_name(row[0]), value(row[0]),
                            register_name(row[1]), value(row[1]), register_name(row[2]), value(row[2])));
  output.text(
      fmt::format("{:>3}={:016x} {:>3}={:016x}", register_name(kR14), value(kR14), register_name(kR15), value(kR15)));
  output.text(session.symbols().name(r.pc()) + ":");
  output.value("instruction", hex16(r.pc()), ticked(r.pc()));
  output.text("");
}

void show_stack(const StopPlace &place, Output &output) {
  output.text("STACK_TEXT:  ");
  for (const CallSite &site : place.calls.sites) {
    Object row(output, "stack");
    output.value("address", hex16(site.frame->pc), "");
    if (site.line) output.value("file", site.line->file, "");
    if (site.line) output.value("line", site.line->line, "");
    output.value("call_site", site.function,
                 fmt::format("{} {} : {}{}", ticked(site.frame->stack), ticked(site.return_address), site.function,
                             site.line ? fmt::format(" [{} @ {}]", site.line->file, site.line->line) : ""));
  }
  if (!place.calls.stack.problem.empty()) output.error(place.calls.stack.problem);
  output.text("");
}

void show_locks(Facts &facts, const Thread &thread, Output &output) {
  const auto held = facts.held_locks(thread.address);
  if (held.empty()) return;
  output.text("LOCKS_HELD:");
  for (const LockUse &use : held) {
    Object row(output, "locks");
    const std::string site = facts.session().symbols().name(use.site, true);
    output.value("lock", hex16(use.lock), "");
    output.value("kind", lock_kind_name(use.kind), "");
    output.value("site", site,
                 fmt::format("    {} {}, acquired at {}", lock_kind_name(use.kind), hex16(use.lock), site));
  }
  output.text("");
}

// Blocks of pool that the parameters lie in.
void show_pool(Session &session, const BugCheck &check, Output &output) {
  std::vector<Address> told;
  for (const uint64_t parameter : check.parameters) {
    const PoolPage page = pool_page(session, parameter);
    for (const PoolBlockView &block : page.blocks) {
      if (parameter - block.start >= block.size || std::find(told.begin(), told.end(), block.start) != told.end())
        continue;
      told.push_back(block.start);
      Object row(output, "pool");
      const std::string site = block.site ? session.symbols().name(block.site, true) : "";
      const char *state = block.state == PoolBlockView::kAllocated ? "allocated"
                          : block.state == PoolBlockView::kFree    ? "freed"
                                                                   : "damaged";
      output.value("block", hex16(block.body), "");
      output.value("state", state, "");
      output.value("site", site, "");
      output.value(
          "tag", tag_name(block.tag),
          fmt::format("POOL_BLOCK:  {} is in the block at {} ({} bytes, tag {}), {}{}", hex16(parameter),
                      hex16(block.body), block.bytes, tag_name(block.tag), state, site.empty() ? "" : " by " + site));
    }
  }
  if (!told.empty()) output.text("");
}

void show_cause(Session &session, const StopPlace &place, const BugCheck &check, Output &output) {
  if (place.module) {
    const std::string symbol =
        session.symbols().name(place.instruction, !place.driver || place.driver->frame->after_call);
    output.value("symbol", symbol, "SYMBOL_NAME:  " + symbol);
    output.value("module", place.module->name, "MODULE_NAME: " + place.module->name);
    output.value("image", place.module->base_name, "IMAGE_NAME:  " + place.module->base_name);
    if (place.driver && place.driver->line)
      output.text(fmt::format("FAULTING_SOURCE_LINE:  {} @ {}", place.driver->line->file, place.driver->line->line));
    output.text(fmt::format("FAILURE_BUCKET_ID:  0x{:X}_{}", check.code, symbol.substr(0, symbol.find('+'))));
    output.text("");
    output.text(fmt::format("Probably caused by : {} ( {} )", place.module->base_name, symbol));
  } else {
    output.text("No driver is on the stack, nor in the arguments.");
  }
  if (const char *advice = ke::stop_code(static_cast<ULONG>(check.code)).advice)
    output.value("advice", advice, std::string("What to look at: ") + advice);
}

bool analyze(Session &session, Arguments &arguments, Output &output) {
  const bool verbose = arguments.take_option("-v");
  const bool hang = arguments.take_option("-hang");
  const auto check = machine_info(session).bugcheck;
  show_banner(output);
  if (hang || !is_crash(check)) {
    output.value("crashed", false,
                 check && check->code == kLiveDumpCode
                     ? "The machine was dumped while it ran: there is no bugcheck to explain."
                     : "The machine has not stopped: there is no bugcheck to explain.");
    return run_within(session, "!deadlock", output);
  }
  Facts facts(session);
  const StopPlace place = stop_place(facts, *check);
  output.value("crashed", true, "");
  if (!verbose) {
    output.value("bugcheck", check->code, "BugCheck " + check_text(*check));
    output.text("");
    show_cause(session, place, *check, output);
    output.text("");
    return true;
  }
  show_code(session, *check, output);
  output.text("");
  output.text("Debugging Details:");
  output.text("------------------");
  output.text("");
  output.text(fmt::format("BUGCHECK_CODE:  {:x}", check->code));
  for (size_t i = 0; i < 4; ++i) output.text(fmt::format("BUGCHECK_P{}: {:x}", i + 1, check->parameters[i]));
  output.text("");
  if (place.thread) {
    output.value("process", place.thread->process.name, "PROCESS_NAME:  " + place.thread->process.name);
    output.value("thread", hex16(place.thread->address), "FAULTING_THREAD:  " + hex16(place.thread->address));
    output.text("");
  }
  show_exception(session, place, output);
  show_stack(place, output);
  if (place.thread) show_locks(facts, *place.thread, output);
  show_pool(session, *check, output);
  show_cause(session, place, *check, output);
  return true;
}

constexpr Command kStopCommands[] = {
    {"!di !dumpinfo", "", "What is looked at: the machine, when, and what stopped it", describe_dump},
    {".bugcheck", "", "The code that the machine stopped with", show_bugcheck},
    {"!analyze", "[-v] [-hang]",
     "What stopped the machine, which driver, and why; -v: all of it; -hang: who waits for whom", analyze},
};

}  // namespace

std::span<const Command> stop_commands() { return kStopCommands; }

}  // namespace ntemu::debug
