#include "tools/kd/machine_info.h"

#include <fmt/format.h>

#include <ctime>

#include "ntemu/rtl/version.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

constexpr size_t kMostProcessors = 64;
constexpr int64_t kUnixEpoch = 116'444'736'000'000'000;

}  // namespace

int64_t machine_time() {
  timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return kUnixEpoch + time.tv_sec * 10'000'000 + time.tv_nsec / 100;
}

MachineInfo machine_info(Session &session) {
  MachineInfo info;
  Memory &memory = session.memory();
  const kd::DebuggerData &data = session.target().data();
  for (size_t i = 0; i < kMostProcessors; ++i) {
    const auto processor = memory.pointer(address_of(data.KiProcessorBlock) + i * sizeof(Address));
    if (!processor || *processor == 0) break;
    info.processors.push_back(*processor);
  }
  if (const kd::DumpNote *note = session.target().note()) {
    info.time = note->system_time;
    info.uptime = note->uptime;
    BugCheck &stop = info.bugcheck.emplace();
    stop.code = note->bugcheck_code;
    std::copy(std::begin(note->bugcheck_parameters), std::end(note->bugcheck_parameters), stop.parameters);
    return info;
  }
  if (session.target().live()) {
    info.time = session.target().frozen_since().value_or(machine_time());
    info.uptime = *info.time - data.boot_time;
  }
  BugCheck stop;
  const auto code = memory.pointer(address_of(data.KiBugCheckData));
  if (!code || *code == 0) return info;
  stop.code = *code;
  for (size_t i = 0; i < std::size(stop.parameters); ++i)
    stop.parameters[i] = memory.pointer(address_of(data.KiBugCheckData) + (i + 1) * sizeof(uint64_t)).value_or(0);
  info.bugcheck = stop;
  return info;
}

std::string version_line(const MachineInfo &info) {
  const size_t count = info.processors.size();
  return fmt::format("Windows 10 Kernel Version {} {} Free x64", rtl::kBuildNumber,
                     count == 1 ? "UP" : fmt::format("MP ({} procs)", count));
}

std::string product_line() {
  std::string suites;
  if (rtl::kSuiteMask & rtl::kTerminalSuite) suites += " TerminalServer";
  if (rtl::kSuiteMask & rtl::kSingleUserSuite) suites += " SingleUserTS";
  return "Product: WinNt, suite:" + suites;
}

std::string base_line(Session &session) {
  const kd::DebuggerData &data = session.target().data();
  return fmt::format("Kernel base = 0x{} PsLoadedModuleList = 0x{}", ticked(address_of(data.KernBase)),
                     ticked(address_of(data.PsLoadedModuleList)));
}

}  // namespace ntemu::debug
