#include "fs/mount_inodes.h"

#include <algorithm>
#include <optional>

#include "ntemu/rtl/case.h"

namespace ntemu::fs {

// Where one file is; all of its inodes share it.
struct InodeTable::Place {
  std::shared_ptr<const Drive> drive;
  io::FileId id;
  bool directory;
  std::shared_ptr<Place> parent;  // nullptr: the drive's root
  std::u16string name;
  bool through_link = false;  // known only by a link that leads to it
  bool known = true;
  bool gone = false;
  uint64_t canonical = 0;          // its inode by its own name
  std::vector<uint64_t> inodes{};  // that one and the aliases
};

struct InodeTable::Inode {
  uint64_t number;
  InodeKind kind;
  std::shared_ptr<Place> place;
  std::u16string device_link;
  uint64_t shown;
  uint64_t lookups = 0;
  std::optional<AliasKey> alias;
  std::vector<std::shared_ptr<MountedFile>> open;
};

namespace {

constexpr uint64_t kMix = 0x9E3779B97F4A7C15u;
// Beside the numbers of the volumes' own files.
constexpr uint64_t kAliasNumbers = uint64_t{1} << 62;
constexpr uint64_t kDeviceNumbers = uint64_t{1} << 63;
constexpr int kOrdinalShift = 48;

}  // namespace

InodeTable::InodeTable() { tell_of_changes(*this); }
InodeTable::~InodeTable() { stop_telling(*this); }

uint64_t InodeTable::shown_number(const Drive &drive, io::FileId id) {
  return (id.index ^ (id.device * kMix & ~uint64_t{0xFFFF} & (kAliasNumbers - 1))) + (drive.ordinal << kOrdinalShift);
}

uint64_t InodeTable::shown_number(std::u16string_view device_link) {
  uint64_t hash = 0;
  for (const char16_t c : device_link) hash = (hash ^ c) * kMix;
  return kDeviceNumbers | hash >> 2;
}

std::optional<Located> InodeTable::locate(uint64_t number) {
  Located result;
  if (number == kRootInode) return result;
  base::Guard guard(mutex_);
  const auto found = inodes_.find(number);
  if (found == inodes_.end()) return std::nullopt;
  const Inode &inode = *found->second;
  result.kind = inode.kind;
  result.shown = inode.shown;
  result.alias = inode.alias.has_value();
  if (!inode.open.empty()) result.open = inode.open.front();
  if (inode.kind == InodeKind::kDevice) {
    result.path = root_path(inode.device_link);
    return result;
  }
  result.id = inode.place->id;
  result.drive = inode.place->drive;
  for (const Place *at = inode.place.get(); at; at = at->parent.get()) {
    result.known &= at->known;
    result.gone |= at->gone;
    if (at->parent) {
      result.path.insert(0, at->name);
      result.path.insert(0, 1, u'\\');
    }
  }
  const std::u16string drive_path = root_path(result.drive->link);
  result.prefix = drive_path.size();
  result.path.insert(0, drive_path);
  return result;
}

std::shared_ptr<InodeTable::Place> InodeTable::find_place(const PlaceKey &key) {
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<InodeTable::Place> InodeTable::place_of(const std::shared_ptr<const Drive> &drive,
                                                        const std::shared_ptr<Place> &parent,
                                                        const Sighting &sighting) {
  const PlaceKey key{drive->ordinal, sighting.id};
  auto place = find_place(key);
  // The host may have given the number of a file that ended behind our back to another one.
  if (place && place->directory != sighting.directory) place = nullptr;
  if (!place) {
    place = std::make_shared<Place>(Place{drive, sighting.id, sighting.directory, parent,
                                          std::u16string(sighting.real_name), sighting.through_link});
    places_[key] = place;
    return place;
  }
  // A link says where a file can be found, but not where it is. A drive's root stays what it is.
  if (!place->parent || (sighting.through_link && place->known && !place->through_link)) return place;
  for (const Place *at = parent.get(); at; at = at->parent.get()) {
    if (at == place.get()) return place;  // a link to a directory above
  }
  place->parent = parent;
  place->name = sighting.real_name;
  place->through_link = sighting.through_link;
  place->known = true;
  return place;
}

InodeTable::Inode &InodeTable::new_inode(std::shared_ptr<Place> place) {
  auto inode = std::make_unique<Inode>();
  inode->number = next_inode_++;
  inode->kind = place ? InodeKind::kFile : InodeKind::kDevice;
  if (place) {
    inode->shown = shown_number(*place->drive, place->id);
    place->inodes.push_back(inode->number);
  }
  inode->place = std::move(place);
  return *(inodes_[inode->number] = std::move(inode));
}

Entered InodeTable::canonical_inode(const std::shared_ptr<Place> &place) {
  if (place->canonical == 0) place->canonical = new_inode(place).number;
  Inode &inode = *inodes_[place->canonical];
  ++inode.lookups;
  return {inode.number, inode.shown};
}

// A name in another case, or a directory that a link leads to: the kernel must not take it for the same directory, or
// it would move programs that work there to this name; and it would find nothing to do in `mv a A`.
Entered InodeTable::alias_inode(const std::shared_ptr<Place> &place, AliasKey key) {
  uint64_t &number = aliases_[key];
  Inode *inode = number ? inodes_[number].get() : nullptr;
  if (!inode || inode->place != place) {
    inode = &new_inode(place);
    number = inode->number;
    uint64_t hash = inode->shown ^ key.first * kMix;
    for (const char16_t c : key.second) hash = (hash ^ c) * kMix;
    inode->shown = kAliasNumbers | (hash >> 2 & (kAliasNumbers - 1));
    inode->alias = std::move(key);
  }
  ++inode->lookups;
  return {inode->number, inode->shown};
}

Entered InodeTable::enter(const Sighting &sighting) {
  base::Guard guard(mutex_);
  const auto parent = inodes_.find(sighting.parent);
  if (parent == inodes_.end() || !parent->second->place) return {};
  const bool below_alias = parent->second->alias && sighting.directory;
  const auto place = place_of(parent->second->place->drive, parent->second->place, sighting);
  if (sighting.spelling == sighting.real_name && !below_alias && !(sighting.through_link && sighting.directory)) {
    return canonical_inode(place);
  }
  return alias_inode(place, {sighting.parent, std::u16string(sighting.spelling)});
}

std::shared_ptr<const Drive> InodeTable::drive_of(const RootEntry &entry, const io::Volume &volume) {
  const auto same_link = [&](const auto &drive) { return drive->link == entry.name; };
  const auto found = std::find_if(drives_.begin(), drives_.end(), same_link);
  if (found != drives_.end()) {
    if ((*found)->device.get() == entry.device.get() && (*found)->volume == &volume) return *found;
    drives_.erase(found);
  }
  drives_.push_back(std::make_shared<Drive>(Drive{entry.name, entry.device, &volume, next_drive_++}));
  return drives_.back();
}

Entered InodeTable::enter_drive(const RootEntry &entry, std::u16string_view spelling, const io::Volume &volume,
                                io::FileId root) {
  base::Guard guard(mutex_);
  const auto drive = drive_of(entry, volume);
  const auto place = place_of(drive, nullptr, {kRootInode, spelling, u"", false, root, true});
  if (spelling == entry.name) return canonical_inode(place);
  return alias_inode(place, {kRootInode, std::u16string(spelling)});
}

Entered InodeTable::enter_device(const RootEntry &entry) {
  base::Guard guard(mutex_);
  uint64_t &number = devices_[rtl::upcase(entry.name)];
  if (number == 0) {
    Inode &inode = new_inode(nullptr);
    inode.device_link = entry.name;
    inode.shown = shown_number(entry.name);
    number = inode.number;
  }
  Inode &inode = *inodes_[number];
  ++inode.lookups;
  return {inode.number, inode.shown};
}

void InodeTable::forget(uint64_t number, uint64_t lookups) {
  std::unique_ptr<Inode> ended;  // what it holds goes without the lock: an object may end with it
  base::Guard guard(mutex_);
  const auto found = inodes_.find(number);
  if (found == inodes_.end()) return;
  Inode &inode = *found->second;
  inode.lookups -= std::min(inode.lookups, lookups);
  if (inode.lookups != 0) return;
  if (inode.alias) {
    const auto alias = aliases_.find(*inode.alias);
    if (alias != aliases_.end() && alias->second == number) aliases_.erase(alias);
  }
  if (inode.kind == InodeKind::kDevice) devices_.erase(rtl::upcase(inode.device_link));
  if (Place *place = inode.place.get()) {
    if (place->canonical == number) place->canonical = 0;
    std::erase(place->inodes, number);
  }
  ended = std::move(found->second);
  inodes_.erase(found);
  // Keys of places that ended are dropped now and then, not one by one.
  if (places_.size() > 64 && places_.size() > 2 * inodes_.size() + 64) {
    std::erase_if(places_, [](const auto &entry) { return entry.second.expired(); });
  }
}

void InodeTable::opened(uint64_t number, std::shared_ptr<MountedFile> file) {
  base::Guard guard(mutex_);
  const auto found = inodes_.find(number);
  if (found != inodes_.end()) found->second->open.push_back(std::move(file));
}

std::shared_ptr<MountedFile> InodeTable::released(uint64_t number, const MountedFile *file) {
  base::Guard guard(mutex_);
  const auto found = inodes_.find(number);
  if (found == inodes_.end()) return nullptr;
  auto &open = found->second->open;
  const auto at = std::find_if(open.begin(), open.end(), [&](const auto &each) { return each.get() == file; });
  if (at == open.end()) return nullptr;
  auto result = std::move(*at);
  open.erase(at);
  return result;
}

bool InodeTable::open_under_other_spelling(uint64_t number) {
  base::Guard guard(mutex_);
  const auto found = inodes_.find(number);
  if (found == inodes_.end() || !found->second->place) return false;
  for (const uint64_t other : found->second->place->inodes) {
    if (other != number && !inodes_[other]->open.empty()) return true;
  }
  return false;
}

std::vector<std::shared_ptr<MountedFile>> InodeTable::take_open_files() {
  base::Guard guard(mutex_);
  std::vector<std::shared_ptr<MountedFile>> all;
  for (auto &[number, inode] : inodes_) {
    for (auto &file : inode->open) all.push_back(std::move(file));
    inode->open.clear();
  }
  return all;
}

std::vector<uint64_t> InodeTable::drives_on(const io::Volume &volume) {
  std::vector<uint64_t> ordinals;
  for (const auto &drive : drives_) {
    if (drive->volume == &volume) ordinals.push_back(drive->ordinal);
  }
  return ordinals;
}

void InodeTable::renamed(const io::Volume &volume, io::FileId file, io::FileId new_parent,
                         std::u16string_view new_name) {
  base::Guard guard(mutex_);
  for (const uint64_t drive : drives_on(volume)) {
    const auto place = find_place({drive, file});
    if (!place || !place->parent) continue;
    place->name = new_name;
    place->through_link = false;
    const auto parent = find_place({drive, new_parent});
    place->known = parent != nullptr;
    if (parent) place->parent = parent;
  }
}

void InodeTable::removed(const io::Volume &volume, io::FileId file) {
  base::Guard guard(mutex_);
  for (const uint64_t drive : drives_on(volume)) {
    const auto place = find_place({drive, file});
    if (!place || !place->parent) continue;
    place->gone = true;
    places_.erase({drive, file});
  }
}

}  // namespace ntemu::fs
