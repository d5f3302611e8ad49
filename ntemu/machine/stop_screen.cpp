#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "ntemu/ke/exception.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/source_line.h"
#include "ntemu/machine/stop.h"
#include "ntemu/ps/exit.h"
#include "ntemu/vf/stack.h"

namespace ntemu::machine {
namespace {

constexpr size_t kMostFrames = 48;

// "TestDriver!FileMove+0x38 (race.c:53)" of the instruction before `back`.
std::string describe_frame(const void *back) {
  const SourceLine line = find_line(back);
  // A call that does not return may be its function's last instruction: what follows is another function, or none.
  std::string text = ldr::symbolize(static_cast<const char *>(back) - 1);
  if (const size_t plus = text.rfind("+0x"); plus != std::string::npos) {
    const unsigned long long offset = std::strtoull(text.c_str() + plus + 3, nullptr, 16);
    text.replace(plus, std::string::npos, fmt::format("+0x{:x}", offset + 1));
  }
  if (line.file && line.line > 0) text += fmt::format(" ({}:{})", line.file, line.line);
  return text;
}

std::vector<const void *> stack_of(const ke::Stop &stop) {
  std::array<const void *, kMostFrames> frames;
  const size_t count = stop.thread ? vf::capture_stack_at(stop.trap, *stop.thread, frames) : 0;
  std::vector<const void *> all(frames.begin(), frames.begin() + count);
  // As a return address: find_line looks at the instruction before.
  if (stop.trapped && !all.empty()) all[0] = static_cast<const char *>(all[0]) + 1;
  return all;
}

std::string describe_parameter(ULONG_PTR value) {
  const auto *address = reinterpret_cast<const void *>(value);
  return ldr::find_image(address) ? fmt::format(" = {}", ldr::symbolize(address)) : "";
}

std::string describe_exception() {
  std::string text = fmt::format("    exception 0x{:08X} at {}", static_cast<ULONG>(KiExceptionRecord.ExceptionCode),
                                 ldr::symbolize(KiExceptionRecord.ExceptionAddress));
  constexpr const char *kHow[] = {"reading", "writing"};
  const ULONG_PTR how = KiExceptionRecord.ExceptionInformation[0];
  if (KiExceptionRecord.NumberParameters == 2)
    text += fmt::format(" {} {:#x}", how < 2 ? kHow[how] : "executing", KiExceptionRecord.ExceptionInformation[1]);
  return text;
}

}  // namespace

std::string describe_check(const ke::Bugcheck &check) {
  return fmt::format("0x{:08X} ({:#018x}, {:#018x}, {:#018x}, {:#018x}) {}", check.code, check.parameters[0],
                     check.parameters[1], check.parameters[2], check.parameters[3], ke::bugcheck_name(check.code));
}

std::string describe_fault_site(const ke::Stop &stop) {
  for (const void *frame : stack_of(stop)) {
    const ldr::Image *image = ldr::find_image(frame);
    if (image && image->handle) return describe_frame(frame);
  }
  return {};
}

std::vector<std::string> describe_stop(const ke::Stop &stop) {
  const ke::StopCode &code = ke::stop_code(stop.check.code);
  std::vector<std::string> lines{"*** STOP: " + describe_check(stop.check), fmt::format("    {}", code.meaning)};
  for (size_t i = 0; i < 4; ++i) {
    if (!code.parameters[i]) continue;
    const ULONG_PTR value = stop.check.parameters[i];
    lines.push_back(fmt::format("    {}: 0x{:x}  {}{}", i + 1, value, code.parameters[i], describe_parameter(value)));
  }
  if (stop.trapped) lines.push_back(describe_exception());
  if (const std::string site = describe_fault_site(stop); !site.empty()) lines.push_back("    at " + site);
  if (code.advice) lines.push_back(fmt::format("    {}", code.advice));
  if (!stop.thread) return lines;
  const ETHREAD &thread = *stop.thread;
  lines.push_back(fmt::format("    thread {}{} at IRQL {}", reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread),
                              thread.StartAddress ? " " + ldr::symbolize(thread.StartAddress) : "", thread.irql));
  for (uint32_t i = 0; i < thread.held.known(); ++i) {
    const ke::HeldLock &held = thread.held[i];
    lines.push_back(fmt::format("    holds {} {}, acquired at {}", ps::name_of(held.kind()), fmt::ptr(held.lock),
                                describe_frame(held.site())));
  }
  lines.emplace_back("    stack:");
  for (const void *frame : stack_of(stop)) {
    lines.push_back("      " + describe_frame(frame));
    if (lines.back().find("!KiStartSystemThread") != std::string::npos) break;  // what is below is the host's
  }
  return lines;
}

}  // namespace ntemu::machine
