#include "tools/kd/commands/inspection.h"

namespace ntemu::debug {

std::span<const Command> inspection_commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> list;
    for (const auto commands : {mex_thread_commands(), mex_process_commands()})
      list.insert(list.end(), commands.begin(), commands.end());
    return list;
  }();
  return all;
}

}  // namespace ntemu::debug
