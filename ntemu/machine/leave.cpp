#include "ntemu/machine/leave.h"

#include <unistd.h>

#include <cstdio>
#include <set>

#include "ntemu/base/lock.h"

namespace ntemu::machine {
namespace {

struct Paths {
  base::Mutex mutex;
  std::set<std::filesystem::path> all NTEMU_GUARDED_BY(mutex);
};

Paths &paths() {
  static Paths *the_paths = new Paths;
  return *the_paths;
}

}  // namespace

void remove_at_exit(const std::filesystem::path &path) {
  base::Guard guard(paths().mutex);
  paths().all.insert(path);
}

void keep(const std::filesystem::path &path) {
  base::Guard guard(paths().mutex);
  paths().all.erase(path);
}

void remove_all() {
  base::Guard guard(paths().mutex);
  std::error_code ignored;
  for (const auto &path : paths().all) std::filesystem::remove_all(path, ignored);
}

void exit_now(int code) {
  remove_all();
  std::fflush(nullptr);
  _exit(code);
}

}  // namespace ntemu::machine
