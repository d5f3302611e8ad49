#include "tools/kd/commands/inspection.h"

namespace ntemu::debug {

std::span<const Command> inspection_commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> list;
    for (const auto commands :
         {control_commands(), lock_commands(), namespace_commands(), object_commands(), pool_commands(),
          mex_process_commands(), processor_commands(), stop_commands(), mex_thread_commands(), verifier_commands()})
      list.insert(list.end(), commands.begin(), commands.end());
    return list;
  }();
  return all;
}

}  // namespace ntemu::debug
