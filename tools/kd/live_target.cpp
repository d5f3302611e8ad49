// A machine that runs: its memory is read while it does.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tools/kd/machine_info.h"
#include "tools/kd/target.h"
#include "tools/kd/tracer.h"

namespace ntemu::debug {
namespace {

namespace stdfs = std::filesystem;

constexpr size_t kPage = 4096;

class ProcessMemory : public MemorySource {
 public:
  explicit ProcessMemory(pid_t pid) : pid_(pid) {}
  ~ProcessMemory() override {
    for (const int file : {memory_, pages_}) {
      if (file >= 0) close(file);
    }
  }

  size_t read(Address address, void *buffer, size_t size) override {
    const ssize_t got = copy(address, buffer, size);
    if (got == static_cast<ssize_t>(size)) return size;
    // Each page by itself: a vector that cannot be read as a whole may fail as a whole.
    size_t done = got > 0 ? static_cast<size_t>(got) : 0;
    while (done < size) {
      const size_t next = std::min(size - done, kPage - (address + done) % kPage);
      char *const to = static_cast<char *>(buffer) + done;
      if (copy(address + done, to, next) != static_cast<ssize_t>(next) && !copy_trimmed(address + done, to, next))
        break;
      done += next;
    }
    return done;
  }

 private:
  ssize_t copy(Address address, void *buffer, size_t size) const {
    const iovec to{buffer, size}, from{reinterpret_cast<void *>(address), size};
    return process_vm_readv(pid_, &to, 1, &from, 1, 0);
  }

  // Of one page, which nobody may touch, but which holds something: paged pool that is trimmed. Guards and what is
  // freed hold nothing.
  bool copy_trimmed(Address address, void *buffer, size_t size) {
    constexpr uint64_t kPresent = uint64_t{1} << 63, kSwapped = uint64_t{1} << 62;
    uint64_t entry = 0;
    return pread_all(pages_, "pagemap", &entry, sizeof entry, address / kPage * sizeof entry) &&
           (entry & (kPresent | kSwapped)) && pread_all(memory_, "mem", buffer, size, address);
  }
  bool pread_all(int &file, const char *name, void *buffer, size_t size, uint64_t offset) const {
    if (file < 0) file = ::open(fmt::format("/proc/{}/{}", pid_, name).c_str(), O_RDONLY | O_CLOEXEC);
    return file >= 0 && pread(file, buffer, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  }

  const pid_t pid_;
  int memory_ = -1, pages_ = -1;
};

class LiveTarget : public Target {
 public:
  explicit LiveTarget(pid_t pid) : pid_(pid) {
    source_ = std::make_unique<ProcessMemory>(pid);
    memory_ = std::make_unique<Memory>(*source_);
  }
  ~LiveTarget() override {
    if (descriptor_ >= 0) close(descriptor_);
  }

  std::optional<Failure> open() {
    descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (descriptor_ < 0) return Failure{explain_refusal(pid_, errno)};
    const std::string path = fmt::format("/proc/{}/maps", pid_);
    if (!std::ifstream(path).good()) return Failure{explain_refusal(pid_, errno ? errno : EACCES)};
    bool kernel = false;
    for (const FileMapping &mapping : mappings()) {
      // The file may have been replaced since: what runs is in memory.
      if (mapping.offset != 0 ||
          (!mapping.path.ends_with("/libntoskrnl.so") && !mapping.path.ends_with("/libntoskrnl.so (deleted)")))
        continue;
      kernel = true;
      char byte;
      const iovec to{&byte, 1}, from{reinterpret_cast<void *>(mapping.start), 1};
      if (process_vm_readv(pid_, &to, 1, &from, 1, 0) != 1) return Failure{explain_refusal(pid_, errno)};
      const auto image = read_image(*memory_, mapping.start);
      const auto data = image ? memory_->pointer(image->kernel_data) : std::nullopt;
      if (!data) continue;
      data_address_ = *data;
      return find_data();
    }
    if (kernel) return Failure{fmt::format("process {} has a kernel that says nothing to debuggers", pid_)};
    return Failure{fmt::format("process {} is no machine", pid_)};
  }

  bool live() const override { return true; }
  pid_t process() const override { return pid_; }
  std::string description() const override { return fmt::format("process {}", pid_); }

  std::optional<Failure> ended() const override {
    pollfd poller{descriptor_, POLLIN, 0};
    if (poll(&poller, 1, 0) == 1) return Failure{fmt::format("the machine, process {}, has ended", pid_)};
    return std::nullopt;
  }

  void refresh() override {
    StoppedThread::release_late();
    if (frozen_.empty()) Target::refresh();
  }

  Result<ThreadState> running_state(const Thread &thread) override {
    for (const StoppedThread &stopped : frozen_) {
      if (stopped.id() == thread.host_id) return stopped_state(thread, stopped);
    }
    if (thread.host_id <= 0 || !has_task(thread.host_id)) return Failure{"its host thread has ended"};
    const auto stopped = StoppedThread::stop(thread.host_id);
    if (!stopped) return stopped.error();
    return stopped_state(thread, *stopped);
  }

  std::optional<int64_t> processor_time(const Thread &thread) const override {
    std::ifstream file(fmt::format("/proc/{}/task/{}/schedstat", pid_, thread.host_id));
    int64_t nanoseconds = 0;
    if (thread.host_id <= 0 || !(file >> nanoseconds)) return std::nullopt;
    return nanoseconds / 100;
  }

  std::optional<Failure> freeze() override {
    // A thread that is not stopped yet may make another.
    for (bool more = true; more;) {
      const size_t before = frozen_.size();
      if (auto failure = ask_all()) return give_up(std::move(*failure));
      more = frozen_.size() > before;
      for (size_t i = before; i < frozen_.size();) {
        auto failure = frozen_[i].await();
        if (failure && has_task(frozen_[i].id())) return give_up(std::move(*failure));
        if (failure) {  // it has ended meanwhile
          frozen_.erase(frozen_.begin() + static_cast<ptrdiff_t>(i));
        } else {
          ++i;
        }
      }
    }
    since_ = machine_time();
    Target::refresh();
    return std::nullopt;
  }

  bool frozen() const override { return !frozen_.empty(); }
  std::span<const StoppedThread> stopped_threads() const override { return frozen_; }
  std::optional<int64_t> frozen_since() const override { return frozen() ? std::optional(since_) : std::nullopt; }
  void thaw() override {
    frozen_.clear();
    Target::refresh();
  }

 protected:
  std::vector<FileMapping> mappings() override {
    std::vector<FileMapping> result;
    std::ifstream maps(fmt::format("/proc/{}/maps", pid_));
    for (std::string line; std::getline(maps, line);) {
      FileMapping mapping;
      int path = 0;
      char flags[5];
      if (std::sscanf(line.c_str(), "%lx-%lx %4s %lx %*s %*s %n", &mapping.start, &mapping.end, flags, &mapping.offset,
                      &path) != 4)
        continue;
      mapping.path = line.substr(static_cast<size_t>(path));
      if (mapping.path.starts_with('/') || mapping.path == "[vdso]") result.push_back(std::move(mapping));
    }
    return result;
  }

 private:
  Result<ThreadState> stopped_state(const Thread &thread, const StoppedThread &stopped) {
    auto registers = stopped.registers();
    if (!registers) return registers.error();
    ThreadState state;
    state.registers = *registers;
    state.running = true;
    read_stack(thread, state, true);
    return state;
  }

  bool has_task(pid_t id) const {
    std::error_code error;
    return stdfs::exists(fmt::format("/proc/{}/task/{}", pid_, id), error);
  }

  // All threads that are not asked yet.
  std::optional<Failure> ask_all() {
    std::error_code error;
    for (const auto &entry : stdfs::directory_iterator(fmt::format("/proc/{}/task", pid_), error)) {
      const pid_t id = std::atoi(entry.path().filename().c_str());
      if (std::any_of(frozen_.begin(), frozen_.end(), [&](const auto &stopped) { return stopped.id() == id; }))
        continue;
      auto asked = StoppedThread::ask(id);
      if (asked) {
        frozen_.push_back(std::move(*asked));
      } else if (has_task(id)) {
        return asked.error();
      }
    }
    return error ? std::optional(Failure{explain_refusal(pid_, error.value())}) : std::nullopt;
  }

  Failure give_up(Failure failure) {
    frozen_.clear();
    return failure;
  }

  const pid_t pid_;
  int descriptor_ = -1;
  std::vector<StoppedThread> frozen_;
  int64_t since_ = 0;
};

}  // namespace

Result<std::unique_ptr<Target>> Target::open_process(pid_t pid) {
  auto target = std::make_unique<LiveTarget>(pid);
  if (auto failure = target->open()) return std::move(*failure);
  return std::unique_ptr<Target>(std::move(target));
}

}  // namespace ntemu::debug
