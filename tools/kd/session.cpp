#include "tools/kd/session.h"

#include <algorithm>

namespace ntemu::debug {

Session::Session(std::unique_ptr<Target> target) : target_(std::move(target)), symbols_(*target_), types_(*target_) {}

void Session::refresh() {
  target_->refresh();
  if (target_->live()) stack_.reset();
}

std::optional<Thread> Session::thread() {
  if (!thread_) {
    const auto &threads = target_->threads().found;
    const auto first = target_->first_thread();
    const auto at = std::find_if(threads.begin(), threads.end(),
                                 [&](const Thread &thread) { return thread.host_id == first.value_or(0); });
    if (at != threads.end()) {
      thread_ = at->address;
    } else if (!threads.empty()) {
      thread_ = threads.front().address;
    }
  }
  return thread_ ? target_->thread_at(*thread_) : std::nullopt;
}

void Session::select_thread(Address address) {
  thread_ = address;
  frame_ = 0;
  stack_.reset();
}

const Stack &Session::stack() {
  if (!stack_) {
    const auto selected = thread();
    stack_ = selected ? unwind(*target_, *selected) : Stack{{}, "no thread is selected"};
  }
  return *stack_;
}

std::optional<Registers> Session::registers() {
  const Stack &frames = stack();
  if (frame_ < frames.frames.size()) return frames.frames[frame_].registers;
  return std::nullopt;
}

std::optional<SourceLine> Session::shown_line(const Frame &frame) {
  const Module *module = target_->module_at(frame.pc);
  if (!module || source_lines == LineChoice::kNone) return std::nullopt;
  if (source_lines == LineChoice::kDrivers && module->kind != ModuleKind::kDriver) return std::nullopt;
  return symbols_.line(frame.pc, frame.after_call);
}

void Session::add_symbol_path(std::string_view path) {
  while (!path.empty()) {
    const size_t end = std::min(path.find(':'), path.size());
    if (end) target_->symbol_path.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
}

Result<uint64_t> Session::evaluate(std::string_view text) {
  const Names names{.symbol = [&](std::string_view name) { return symbols_.address(name); },
                    .pseudo = [&](std::string_view name) -> std::optional<uint64_t> {
                      if (const auto number = register_number(name)) {
                        const auto all = registers();
                        return all ? all->get(*number) : std::nullopt;
                      }
                      const std::string_view plain = name.starts_with('$') ? name.substr(1) : name;
                      if (plain == "thread") {
                        const auto selected = thread();
                        return selected ? std::optional(selected->address) : std::nullopt;
                      }
                      if (plain == "proc") {
                        const auto selected = thread();
                        return selected ? std::optional(selected->process.address) : std::nullopt;
                      }
                      const auto all = registers();
                      if (plain == "ip" || plain == "scopeip") return all ? all->get(kRip) : std::nullopt;
                      if (plain == "csp" || plain == "sp") return all ? all->get(kRsp) : std::nullopt;
                      if (plain == "retreg") return all ? all->get(kRax) : std::nullopt;
                      if (plain == "ra") {
                        const Stack &frames = stack();
                        return frame_ < frames.frames.size() ? std::optional(frames.frames[frame_].return_address)
                                                             : std::nullopt;
                      }
                      return std::nullopt;
                    },
                    .memory = [&](Address address, size_t size) { return memory().integer(address, size); }};
  return debug::evaluate(text, names);
}

}  // namespace ntemu::debug
