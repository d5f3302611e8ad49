#include "tools/kd/commands/frozen_dump.h"

#include <csignal>
#include <nlohmann/json.hpp>

#include "ntemu/kd/dump.h"
#include "tools/kd/tracer.h"

namespace ntemu::debug {
namespace {

struct Threads {
  std::span<const StoppedThread> stopped;
  size_t first;

  // The first is shown first, the others in their order.
  const StoppedThread &at(size_t index) const {
    if (index == 0) return stopped[first];
    return stopped[index <= first ? index - 1 : index];
  }
};

bool give_thread(const void *threads, size_t index, kd::CoreThread &thread) {
  return static_cast<const Threads *>(threads)->at(index).describe(thread);
}

size_t index_of(std::span<const StoppedThread> stopped, pid_t id) {
  for (size_t i = 0; i < stopped.size(); ++i) {
    if (stopped[i].id() == id) return i;
  }
  return 0;
}

}  // namespace

Result<nlohmann::json> write_frozen_dump(Session &session, const std::filesystem::path &path) {
  Target &target = session.target();
  kd::DumpResult result;
  kd::DumpFile file;
  if (file.begin(path.c_str(), result.message)) return Failure{result.message.text()};
  signal(SIGXFSZ, SIG_IGN);  // a limit of the file size is an error like any other
  const auto selected = session.thread();
  const auto stopped = target.stopped_threads();
  const Threads threads{stopped, selected ? index_of(stopped, selected->host_id) : 0};
  kd::CoreSource source{};
  source.memory = source.process = target.process();
  source.note = kd::make_note(kd::DumpKind::kOutside, target.process(), target.data(), target.data_address());
  source.note.system_time = *target.frozen_since();
  source.note.uptime = source.note.system_time - target.data().boot_time;
  source.note.bugcheck_code = kd::kLiveDumpCode;
  source.note.bugcheck_parameters[0] = kd::kLiveDumpParameter;
  source.thread_count = stopped.size();
  source.thread = give_thread;
  source.threads = &threads;
  kd::patch_stop(source);
  const kd::DumpOptions options{.path = path.c_str(), .keep = 0};
  kd::finish(file, options, kd::write_core(file.descriptor(), source), result);
  if (result.error) return Failure{result.message.text()};
  return nlohmann::json{
      {"file", path.string()}, {"bytes", result.bytes}, {"threads", stopped.size()}, {"outside", true}};
}

}  // namespace ntemu::debug
