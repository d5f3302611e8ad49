// What one run of kd has: the target, its symbols and types, the thread and frame that are selected.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tools/kd/expression.h"
#include "tools/kd/output.h"
#include "tools/kd/symbols.h"
#include "tools/kd/target.h"
#include "tools/kd/types.h"
#include "tools/kd/unwind.h"

namespace ntemu::debug {

class StandardOutput;

// Of whose frames lines are shown.
enum class LineChoice { kNone, kDrivers, kAll };

class Session {
 public:
  explicit Session(std::unique_ptr<Target> target);

  Target &target() { return *target_; }
  Memory &memory() { return target_->memory(); }
  Symbols &symbols() { return symbols_; }
  Types &types() { return types_; }

  Result<uint64_t> evaluate(std::string_view text);

  // The selected thread; at first the one that the dump was made for, else the first.
  std::optional<Thread> thread();
  void select_thread(Address address);
  // Its stack; read once a command.
  const Stack &stack();
  size_t frame() const { return frame_; }
  void select_frame(size_t number) { frame_ = number; }
  // The registers of the selected frame.
  std::optional<Registers> registers();

  // A frame's line when it is to be shown.
  std::optional<SourceLine> shown_line(const Frame &frame);
  LineChoice source_lines = LineChoice::kDrivers;

  // Directories, with : between them.
  void add_symbol_path(std::string_view path);
  StandardOutput *writer = nullptr;  // whose log .logopen opens

  // Before each command.
  void refresh();
  void forget_stack() { stack_.reset(); }
  bool ended = false;  // by q
  int script_depth = 0;

 private:
  std::unique_ptr<Target> target_;
  Symbols symbols_;
  Types types_;
  std::optional<Address> thread_;
  size_t frame_ = 0;
  std::optional<Stack> stack_;
};

}  // namespace ntemu::debug
