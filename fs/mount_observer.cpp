// From the volumes to the tables of inodes: a volume has one observer, and any number of views may look at it.
#include <algorithm>

#include "fs/mount_inodes.h"

namespace ntemu::fs {
namespace {

class Watch final : public io::VolumeObserver {
 public:
  explicit Watch(const io::Volume &volume) : volume_(volume) {}
  void renamed(io::FileId file, io::FileId new_parent, std::u16string_view new_name) override;
  void removed(io::FileId file) override;

 private:
  const io::Volume &volume_;
};

// Never destroyed, like its watches: a file that a driver keeps open can outlive the mount of its volume, and a volume
// the view.
struct Watches {
  base::Mutex mutex;
  std::map<const io::Volume *, std::unique_ptr<Watch>> all NTEMU_GUARDED_BY(mutex);
  std::vector<InodeTable *> tables NTEMU_GUARDED_BY(mutex);
};

Watches &watches() {
  static auto *const instance = new Watches;
  return *instance;
}

void Watch::renamed(io::FileId file, io::FileId new_parent, std::u16string_view new_name) {
  base::Guard guard(watches().mutex);
  for (InodeTable *table : watches().tables) table->renamed(volume_, file, new_parent, new_name);
}

void Watch::removed(io::FileId file) {
  base::Guard guard(watches().mutex);
  for (InodeTable *table : watches().tables) table->removed(volume_, file);
}

}  // namespace

io::VolumeObserver *observer_of(const io::Volume &volume) {
  base::Guard guard(watches().mutex);
  auto &watch = watches().all[&volume];
  if (!watch) watch = std::make_unique<Watch>(volume);
  return watch.get();
}

void tell_of_changes(InodeTable &table) {
  base::Guard guard(watches().mutex);
  watches().tables.push_back(&table);
}

void stop_telling(InodeTable &table) {
  base::Guard guard(watches().mutex);
  std::erase(watches().tables, &table);
}

}  // namespace ntemu::fs
