#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "fs/host_names.h"
#include "fs/host_node.h"
#include "fs/host_status.h"

namespace ntemu::fs {
namespace {

constexpr int kOpenFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

bool same(const timespec &a, const timespec &b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }
bool usable(const struct stat &status) { return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode); }

// renameat2 with RENAME_NOREPLACE, or, on file systems that do not know the flag, the same in two steps.
int rename_without_replacing(int from, const char *name, int to, const char *target) {
  if (::renameat2(from, name, to, target, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  struct stat status;
  if (::fstatat(to, target, &status, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::renameat(from, name, to, target);
}

}  // namespace

NTSTATUS HostDirectory::refresh() {
  struct stat status;
  if (::fstat(fd_.get(), &status) != 0) return status_from_errno(errno);
  if (loaded_ && same(status.st_ctim, stamp_)) return STATUS_SUCCESS;
  stamp_ = status.st_ctim;
  return load();
}

template <class Entry>
NTSTATUS HostDirectory::for_each(Entry entry) {
  const int fd = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return status_from_errno(errno);
  std::unique_ptr<DIR, int (*)(DIR *)> stream(::fdopendir(fd), ::closedir);
  if (!stream) {
    ::close(fd);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  for (;;) {
    errno = 0;
    const dirent *next = ::readdir(stream.get());
    if (!next) return errno ? status_from_errno(errno) : STATUS_SUCCESS;
    const std::string_view host(next->d_name);
    if (host != "." && host != ".." && !entry(host)) return STATUS_SUCCESS;
  }
}

NTSTATUS HostDirectory::load() {
  loaded_ = false;
  ++scans_;
  misses_ = 0;
  index_.clear();
  settled_ = rested();
  const NTSTATUS status = for_each([&](std::string_view host) {
    if (auto name = from_host_name(host)) index_.insert(*name, std::nullopt);
    return true;
  });
  loaded_ = NT_SUCCESS(status);
  return status;
}

Result<std::vector<io::DirectoryEntry>> HostDirectory::list() {
  std::vector<io::DirectoryEntry> entries;
  const NTSTATUS status = for_each([&](std::string_view host) {
    auto name = from_host_name(host);
    if (!name) return true;
    // What cannot be opened is not shown: links that lead nowhere, devices, what has just gone.
    if (auto found = examine(*name, std::string(host))) {
      entries.push_back({std::move(found->name), found->id, found->directory});
    }
    return true;
  });
  if (!NT_SUCCESS(status)) return status;
  return entries;
}

bool HostDirectory::rested() const {
  timespec now;
  return ::clock_gettime(CLOCK_REALTIME, &now) == 0 && now.tv_sec - stamp_.tv_sec > time_grain_;
}

void HostDirectory::stamp() {
  settled_ = false;
  struct stat status;
  if (::fstat(fd_.get(), &status) == 0) stamp_ = status.st_ctim;
}

Result<Found> HostDirectory::examine(std::u16string_view name, const std::string &host) {
  struct stat status;
  if (::fstatat(fd_.get(), host.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    // A name too long for the host is one that cannot exist here.
    return errno == ENAMETOOLONG ? STATUS_OBJECT_NAME_NOT_FOUND : status_from_errno(errno);
  }
  const bool link = S_ISLNK(status.st_mode);
  if (link) {
    Fd target = root_->open(path_of(host), O_PATH);
    if (!target && errno == ENOENT) return STATUS_OBJECT_PATH_NOT_FOUND;
    if (!target || ::fstat(target.get(), &status) != 0) return status_from_errno(errno);
  }
  if (!usable(status)) return STATUS_ACCESS_DENIED;  // a device, a pipe or a socket
  return Found{std::u16string(name), {status.st_dev, status.st_ino}, S_ISDIR(status.st_mode), link};
}

Result<Found> HostDirectory::lookup(std::u16string_view name, bool exact, bool creating) {
  const NTSTATUS status = refresh();
  if (!NT_SUCCESS(status)) return status;
  auto *entry = index_.find(name, exact);
  if (!entry) return settled_ || creating ? STATUS_OBJECT_NAME_NOT_FOUND : make_sure_of_miss(name);
  if (entry->value) return Found{entry->name, *entry->value, true};
  auto found = examine(entry->name, to_host_name(entry->name));
  if (found && found->directory && !found->link) entry->value = found->id;
  if (found || found.status() != STATUS_OBJECT_NAME_NOT_FOUND) return found;
  // Gone, but within the grain of the host's clock: look again at what is really there.
  if (NTSTATUS loaded = load(); !NT_SUCCESS(loaded)) return loaded;
  entry = index_.find(name, exact);
  if (!entry) return STATUS_OBJECT_NAME_NOT_FOUND;
  return examine(entry->name, to_host_name(entry->name));
}

// It may have come within the grain of the clock since the index was read or changed by us.
Result<Found> HostDirectory::make_sure_of_miss(std::u16string_view name) {
  // By now a scan would have cost no more than these, and may make an end of them.
  if (++misses_ > index_.size() && rested()) {
    if (NTSTATUS status = load(); !NT_SUCCESS(status)) return status;
  }
  auto found = examine(name, to_host_name(name));
  if (found) index_.insert(name, std::nullopt);
  return found;
}

Result<std::shared_ptr<Node>> HostDirectory::wrap(Fd fd, const std::string &host, bool writable) {
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return status_from_errno(errno);
  if (!usable(status)) return STATUS_ACCESS_DENIED;
  if (S_ISDIR(status.st_mode)) {
    auto child = std::make_shared<HostDirectory>(root_, std::move(fd), status, time_grain_);
    child->parent_ = shared_from_this();
    child->name_ = host;
    return std::shared_ptr<Node>(std::move(child));
  }
  return std::shared_ptr<Node>(std::make_shared<HostFile>(std::move(fd), status, writable));
}

Result<std::shared_ptr<Node>> HostDirectory::open(const Found &found, bool write) {
  const std::string host = to_host_name(found.name);
  const auto open_with = [&](int flags) {
    return found.link ? root_->open(path_of(host), flags) : Fd(::openat(fd_.get(), host.c_str(), flags | O_NOFOLLOW));
  };
  bool writable = write && !found.directory;
  Fd fd = open_with(kOpenFlags | (writable ? O_RDWR : O_RDONLY));
  if (!fd && errno != ENOENT && errno != ELOOP) return status_from_errno(errno);
  auto node = fd ? wrap(std::move(fd), host, writable) : STATUS_RETRY;
  if (node.status() == STATUS_RETRY || (node && (*node)->id() != found.id)) {
    loaded_ = false;  // what the index knows is no longer so
    return STATUS_RETRY;
  }
  return node;
}

NTSTATUS HostDirectory::refused_creation() {
  if (errno == EEXIST) loaded_ = false;  // the index did not know
  return status_from_errno(errno);
}

Result<std::shared_ptr<Node>> HostDirectory::create(std::u16string_view name, bool directory, ULONG attributes) {
  const std::string host = to_host_name(name);
  if (host.size() > kMaxHostName) return STATUS_NAME_TOO_LONG;
  Fd fd;
  if (directory) {
    if (::mkdirat(fd_.get(), host.c_str(), 0777) != 0) return refused_creation();
    fd = Fd(::openat(fd_.get(), host.c_str(), kOpenFlags | O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (!fd) {  // no descriptor left for it
      const NTSTATUS status = status_from_errno(errno);
      ::unlinkat(fd_.get(), host.c_str(), AT_REMOVEDIR);
      return status;
    }
  } else {
    fd = Fd(::openat(fd_.get(), host.c_str(), kOpenFlags | O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666));
  }
  if (!fd) return refused_creation();
  auto node = wrap(std::move(fd), host, true);
  if (!node) return node;
  index_.insert(name, std::nullopt);
  const ULONG usual = directory ? FILE_ATTRIBUTE_DIRECTORY : FILE_ATTRIBUTE_ARCHIVE;
  if (attributes != usual) {
    if (NTSTATUS status = (*node)->set_attributes(attributes); !NT_SUCCESS(status)) {
      remove(name, **node);
      return status;
    }
  }
  stamp();
  return node;
}

Result<bool> HostDirectory::leads_to(const std::string &host, const NodeId &id) {
  struct stat status;
  if (::fstatat(fd_.get(), host.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return status_from_errno(errno);
  return NodeId{status.st_dev, status.st_ino} == id;
}

NTSTATUS HostDirectory::remove(std::u16string_view name, Node &node) {
  const std::string host = to_host_name(name);
  auto ours = leads_to(host, node.id());
  if (!ours) return ours.status();
  if (!*ours) return STATUS_OBJECT_NAME_NOT_FOUND;
  if (::unlinkat(fd_.get(), host.c_str(), node.directory() ? AT_REMOVEDIR : 0) != 0) return status_from_errno(errno);
  index_.erase(name);
  stamp();
  return STATUS_SUCCESS;
}

NTSTATUS HostDirectory::rename(std::u16string_view name, Node &node, Directory &target, std::u16string_view target_name,
                               const Found *replaced) {
  auto &to = static_cast<HostDirectory &>(target);
  const std::string from_host = to_host_name(name);
  const std::string to_host = to_host_name(target_name);
  if (to_host.size() > kMaxHostName) return STATUS_NAME_TOO_LONG;
  auto ours = leads_to(from_host, node.id());
  if (!ours) return ours.status();
  if (!*ours) return STATUS_OBJECT_NAME_NOT_FOUND;

  int result;
  if (!replaced) {
    result = rename_without_replacing(fd_.get(), from_host.c_str(), to.fd_.get(), to_host.c_str());
  } else {
    // The old spelling is replaced in one step; correcting its case comes after and can be lost, but no data.
    const std::string old_host = to_host_name(replaced->name);
    if (node.directory() && !replaced->directory) {
      // A directory cannot be renamed over a file, but the two can change places.
      result = ::renameat2(fd_.get(), from_host.c_str(), to.fd_.get(), old_host.c_str(), RENAME_EXCHANGE);
      if (result == 0) result = ::unlinkat(fd_.get(), from_host.c_str(), 0);
    } else {
      result = ::renameat(fd_.get(), from_host.c_str(), to.fd_.get(), old_host.c_str());
    }
    if (result == 0 && old_host != to_host) {
      result = rename_without_replacing(to.fd_.get(), old_host.c_str(), to.fd_.get(), to_host.c_str());
    }
  }
  if (result != 0) return status_from_errno(errno);
  index_.erase(name);
  if (replaced) to.index_.erase(replaced->name);
  to.index_.insert(target_name, std::nullopt);
  stamp();
  if (&to != this) to.stamp();
  return STATUS_SUCCESS;
}

Result<bool> HostDirectory::empty() {
  // Counts every host name, also those that NT callers cannot see: rmdir will.
  bool empty = true;
  const NTSTATUS status = for_each([&](std::string_view) { return empty = false; });
  if (!NT_SUCCESS(status)) return status;
  return bool{empty};
}

void HostDirectory::relocate(Directory &parent, std::u16string_view name) {
  parent_ = static_cast<HostDirectory &>(parent).shared_from_this();
  name_ = to_host_name(name);
}

}  // namespace ntemu::fs
