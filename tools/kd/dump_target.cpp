// A dump: an ELF core file.
#include <fmt/format.h>

#include "tools/kd/core_reader.h"
#include "tools/kd/target.h"

namespace ntemu::debug {
namespace {

class DumpTarget : public Target {
 public:
  explicit DumpTarget(std::filesystem::path file) : file_(std::move(file)) {
    auto reader = std::make_unique<CoreReader>();
    reader_ = reader.get();
    source_ = std::move(reader);
    memory_ = std::make_unique<Memory>(*source_);
    if (file_.has_parent_path()) symbol_path.push_back(file_.parent_path());
    symbol_path.emplace_back(".");
  }

  std::optional<Failure> open() {
    if (auto failure = reader_->open(file_)) return failure;
    if (reader_->note()) {
      data_address_ = reader_->note()->debugger_data_address;
      auto failure = find_data();
      if (!failure) return std::nullopt;
      const kd::DebuggerData &copy = reader_->note()->debugger_data;
      if (std::string_view(copy.tag, sizeof copy.tag) != "KDBG") return failure;
      data_ = copy;
      problems_.push_back(failure->text + "; the note's copy is used");
      return std::nullopt;
    }
    for (const FileMapping &mapping : reader_->files()) {
      if (mapping.offset != 0 || mapping.path.find("/libntoskrnl.so") == std::string::npos) continue;
      const auto image = read_image(*memory_, mapping.start);
      const auto data = image ? memory_->pointer(image->kernel_data) : std::nullopt;
      if (!data) continue;
      data_address_ = *data;
      return find_data();
    }
    return Failure{fmt::format("{}: it is no dump of a machine", file_.string())};
  }

  bool live() const override { return false; }
  pid_t process() const override { return reader_->note() ? reader_->note()->process : 0; }
  std::string description() const override { return file_.string(); }
  const kd::DumpNote *note() const override { return reader_->note() ? &*reader_->note() : nullptr; }
  std::vector<std::string> problems() const override {
    auto all = reader_->problems();
    all.insert(all.end(), problems_.begin(), problems_.end());
    return all;
  }
  // Nothing changes in it.
  void refresh() override {}

  Result<ThreadState> running_state(const Thread &thread) override {
    for (const auto &[id, registers] : reader_->threads()) {
      if (id != thread.host_id) continue;
      ThreadState state;
      state.registers = registers;
      state.running = true;
      read_stack(thread, state, false);
      return state;
    }
    return Failure{"it ran, and the dump does not have its registers"};
  }

  std::optional<int64_t> processor_time(const Thread &thread) const override {
    const auto time = reader_->times().find(thread.host_id);
    return time == reader_->times().end() ? std::nullopt : std::optional(time->second * 10);
  }

  std::optional<pid_t> first_thread() const override {
    return reader_->threads().empty() ? std::nullopt : std::optional(reader_->threads().front().first);
  }

 protected:
  std::vector<FileMapping> mappings() override { return reader_->files(); }

 private:
  const std::filesystem::path file_;
  CoreReader *reader_;
  std::vector<std::string> problems_;
};

}  // namespace

Result<std::unique_ptr<Target>> Target::open_dump(const std::filesystem::path &file) {
  auto target = std::make_unique<DumpTarget>(file);
  if (auto failure = target->open()) return std::move(*failure);
  return std::unique_ptr<Target>(std::move(target));
}

}  // namespace ntemu::debug
