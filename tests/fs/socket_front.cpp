#include "tests/fs/socket_front.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace ntemu::fs::test {
namespace {

constexpr uint32_t kChunk = 64 * 1024;
constexpr size_t kLongestName = 1024;  // the kernel's limit for FUSE

std::pair<std::string, std::string> split(const std::string &path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::pair{std::string(), path}
                                    : std::pair{path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

FusePeer::FusePeer() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return;
  socket_ = pair[0];
  server_ = pair[1];
  receiver_ = std::thread([this] { receive(); });
}

FusePeer::~FusePeer() {
  ::shutdown(socket_, SHUT_RDWR);
  if (receiver_.joinable()) receiver_.join();
  ::close(socket_);
}

int FusePeer::start() {
  fuse_init_in init{};
  init.major = FUSE_KERNEL_VERSION;
  init.minor = 36;
  init.max_readahead = kChunk;
  init.flags = FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS;
  const FuseAnswer answer = ask(FUSE_INIT, 0, packed(init));
  truncates_ = answer.as<fuse_init_out>().flags & FUSE_ATOMIC_O_TRUNC;
  return answer.error;
}

uint64_t FusePeer::send(uint32_t opcode, uint64_t node, std::string_view body, std::promise<FuseAnswer> *promise) {
  std::lock_guard guard(mutex_);
  fuse_in_header header{};
  header.len = static_cast<uint32_t>(sizeof(header) + body.size());
  header.opcode = opcode;
  header.unique = unique_ += 2;  // as the kernel counts
  header.nodeid = node;
  header.uid = ::getuid();
  header.gid = ::getgid();
  header.pid = static_cast<uint32_t>(::getpid());
  const std::string request = packed(header, body);
  const bool sent = !closed_ && ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) >= 0;
  if (promise) {
    if (sent) {
      waiting_.emplace(header.unique, std::move(*promise));
    } else {
      promise->set_value({ENOTCONN, {}});
    }
  }
  return header.unique;
}

FuseAnswer FusePeer::ask(uint32_t opcode, uint64_t node, std::string_view body) {
  std::promise<FuseAnswer> promise;
  auto answer = promise.get_future();
  send(opcode, node, body, &promise);
  return answer.get();
}

void FusePeer::tell(uint32_t opcode, uint64_t node, std::string_view body) { send(opcode, node, body, nullptr); }

void FusePeer::receive() {
  std::string buffer(2 * kChunk + 4096, 0);
  for (;;) {
    const ssize_t length = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (length < 0 && errno == EINTR) continue;
    fuse_out_header header{};
    std::lock_guard guard(mutex_);
    if (length < static_cast<ssize_t>(sizeof(header))) {
      closed_ = true;
      for (auto &[unique, promise] : waiting_) promise.set_value({ENOTCONN, {}});
      waiting_.clear();
      return;
    }
    std::memcpy(&header, buffer.data(), sizeof(header));
    const auto it = waiting_.find(header.unique);
    if (it == waiting_.end()) continue;  // nobody waits for what a release answers
    it->second.set_value({-header.error, buffer.substr(sizeof(header), static_cast<size_t>(length) - sizeof(header))});
    waiting_.erase(it);
  }
}

SocketFront::Walk::Walk(SocketFront &front, const std::string &path) : front_(front) {
  for (size_t at = 0; at < path.size() && error_ == 0;) {
    const size_t end = std::min(path.find('/', at), path.size());
    error_ = directory_ ? step(path.substr(at, end - at)) : ENOTDIR;
    at = end + 1;
  }
}

int SocketFront::Walk::step(std::string_view name) {
  if (name.size() > kLongestName) return ENAMETOOLONG;
  const FuseAnswer answer = front_.peer_.ask(FUSE_LOOKUP, node(), zero_ended(name));
  if (answer.error) return answer.error;
  const auto entry = answer.as<fuse_entry_out>();
  if (entry.nodeid == 0) return ENOENT;
  nodes_.push_back(entry.nodeid);
  directory_ = S_ISDIR(entry.attr.mode);
  return 0;
}

SocketFront::Walk::~Walk() {
  for (const uint64_t node : nodes_) front_.peer_.tell(FUSE_FORGET, node, packed(fuse_forget_in{1}));
}

// A file that was another by the time of its open is looked up again, once.
int SocketFront::open(const std::string &path, int flags, int &file) {
  const int error = open_once(path, flags, file);
  return error == ESTALE ? open_once(path, flags, file) : error;
}

int SocketFront::open_once(const std::string &path, int flags, int &file) {
  const auto [parent, name] = split(path);
  Walk walk(*this, parent);
  if (walk.error()) return walk.error();
  if (!walk.directory()) return ENOTDIR;
  const uint64_t directory = walk.node();
  const int found = walk.step(name);
  if (found && (found != ENOENT || !(flags & O_CREAT))) return found;
  File opened{};
  if (found == ENOENT) {
    fuse_create_in create{};
    create.flags = static_cast<uint32_t>(flags);
    create.mode = S_IFREG | 0644;
    const FuseAnswer answer = peer_.ask(FUSE_CREATE, directory, packed(create, zero_ended(name)));
    if (answer.error) return answer.error;
    opened = {answer.as<fuse_entry_out>().nodeid, answer.as<fuse_open_out>(sizeof(fuse_entry_out)).fh};
  } else {
    if ((flags & O_CREAT) && (flags & O_EXCL)) return EEXIST;
    if (walk.directory() && (flags & (O_ACCMODE | O_CREAT | O_TRUNC))) return EISDIR;
    if (!walk.directory() && (flags & O_DIRECTORY)) return ENOTDIR;
    fuse_open_in open{};
    open.flags = static_cast<uint32_t>(flags & ~(O_CREAT | O_EXCL));
    if (!peer_.truncates_when_opening()) open.flags &= ~static_cast<uint32_t>(O_TRUNC);
    const FuseAnswer answer = peer_.ask(walk.directory() ? FUSE_OPENDIR : FUSE_OPEN, walk.node(), packed(open));
    if (answer.error) return answer.error;
    opened = {walk.node(), answer.as<fuse_open_out>().fh, walk.directory()};
    walk.keep();  // forgotten when the file is released
  }
  std::lock_guard guard(mutex_);
  file = next_file_++;
  files_.emplace(file, opened);
  return 0;
}

SocketFront::File SocketFront::file_of(int file) {
  std::lock_guard guard(mutex_);
  return files_.at(file);
}

int SocketFront::read(int file, std::string &data) {
  const File opened = file_of(file);
  fuse_read_in read{};
  read.fh = opened.handle;
  read.size = std::min(kChunk, static_cast<uint32_t>(data.size()));
  FuseAnswer answer = peer_.ask(FUSE_READ, opened.node, packed(read));
  if (answer.error == 0) data = std::move(answer.body);
  return answer.error;
}

int SocketFront::append(int file, std::string_view data, off_t offset) {
  const File opened = file_of(file);
  for (size_t done = 0; done < data.size();) {
    const std::string_view piece = data.substr(done, kChunk);
    fuse_write_in write{};
    write.fh = opened.handle;
    write.offset = static_cast<uint64_t>(offset) + done;
    write.size = static_cast<uint32_t>(piece.size());
    const FuseAnswer answer = peer_.ask(FUSE_WRITE, opened.node, packed(write, piece));
    if (answer.error) return answer.error;
    const uint32_t moved = answer.as<fuse_write_out>().size;
    if (moved == 0) return ENOSPC;
    done += moved;
  }
  return 0;
}

int SocketFront::close(int file) {
  File opened{};
  {
    std::lock_guard guard(mutex_);
    const auto it = files_.find(file);
    if (it == files_.end()) return EBADF;
    opened = it->second;
    files_.erase(it);
  }
  fuse_flush_in flush{};
  flush.fh = opened.handle;
  const int error = opened.directory ? 0 : peer_.ask(FUSE_FLUSH, opened.node, packed(flush)).error;
  if (!holding_) {
    release(opened);
  } else {
    std::lock_guard guard(mutex_);
    held_.push_back(opened);
  }
  return error;
}

void SocketFront::release(const File &file) {
  fuse_release_in release{};
  release.fh = file.handle;
  peer_.tell(file.directory ? FUSE_RELEASEDIR : FUSE_RELEASE, file.node, packed(release));
  peer_.tell(FUSE_FORGET, file.node, packed(fuse_forget_in{1}));
}

void SocketFront::let_releases_go() {
  std::lock_guard guard(mutex_);
  for (const File &file : held_) release(file);
  held_.clear();
}

int SocketFront::rename(const std::string &from, const std::string &to, unsigned flags) {
  const auto [from_parent, from_name] = split(from);
  const auto [to_parent, to_name] = split(to);
  Walk source(*this, from_parent);
  if (source.error()) return source.error();
  Walk target(*this, to_parent);
  if (target.error()) return target.error();
  const uint64_t from_directory = source.node();
  const uint64_t to_directory = target.node();
  if (const int error = source.step(from_name)) return error;
  const int existing = target.step(to_name);
  if (existing && existing != ENOENT) return existing;
  if (existing == 0) {
    if (flags & RENAME_NOREPLACE) return EEXIST;
    if (source.node() == target.node()) return 0;
    if (source.directory() && !target.directory()) return ENOTDIR;
    if (!source.directory() && target.directory()) return EISDIR;
  }
  const std::string names = zero_ended(from_name) + zero_ended(to_name);
  if (flags == 0) return peer_.ask(FUSE_RENAME, from_directory, packed(fuse_rename_in{to_directory}, names)).error;
  fuse_rename2_in rename{};
  rename.newdir = to_directory;
  rename.flags = flags;
  return peer_.ask(FUSE_RENAME2, from_directory, packed(rename, names)).error;
}

int SocketFront::remove(const std::string &path, bool directory) {
  const auto [parent, name] = split(path);
  Walk walk(*this, parent);
  if (walk.error()) return walk.error();
  const uint64_t where = walk.node();
  if (const int error = walk.step(name)) return error;
  if (walk.directory() != directory) return directory ? ENOTDIR : EISDIR;
  return peer_.ask(directory ? FUSE_RMDIR : FUSE_UNLINK, where, zero_ended(name)).error;
}

int SocketFront::unlink(const std::string &path) { return remove(path, false); }
int SocketFront::rmdir(const std::string &path) { return remove(path, true); }

int SocketFront::mkdir(const std::string &path) {
  const auto [parent, name] = split(path);
  Walk walk(*this, parent);
  if (walk.error()) return walk.error();
  const uint64_t where = walk.node();
  const int existing = walk.step(name);
  if (existing != ENOENT) return existing ? existing : EEXIST;
  fuse_mkdir_in mkdir{};
  mkdir.mode = 0755;
  const FuseAnswer answer = peer_.ask(FUSE_MKDIR, where, packed(mkdir, zero_ended(name)));
  if (answer.error == 0) {
    peer_.tell(FUSE_FORGET, answer.as<fuse_entry_out>().nodeid, packed(fuse_forget_in{1}));
  }
  return answer.error;
}

int SocketFront::stat(const std::string &path, struct stat &out) {
  Walk walk(*this, path);
  if (walk.error()) return walk.error();
  const FuseAnswer answer = peer_.ask(FUSE_GETATTR, walk.node(), packed(fuse_getattr_in{}));
  const auto attributes = answer.as<fuse_attr_out>().attr;
  out = {};
  out.st_ino = attributes.ino;
  out.st_size = static_cast<off_t>(attributes.size);
  out.st_mode = attributes.mode;
  out.st_nlink = attributes.nlink;
  return answer.error;
}

int SocketFront::list(const std::string &path, std::set<std::string> &names) {
  names.clear();
  Walk walk(*this, path);
  if (walk.error()) return walk.error();
  const FuseAnswer opened = peer_.ask(FUSE_OPENDIR, walk.node(), packed(fuse_open_in{}));
  if (opened.error) return opened.error;
  fuse_read_in read{};
  read.fh = opened.as<fuse_open_out>().fh;
  read.size = 4096;
  int error = 0;
  for (;;) {
    const FuseAnswer answer = peer_.ask(FUSE_READDIR, walk.node(), packed(read));
    error = answer.error;
    if (error || answer.body.empty()) break;
    for (size_t at = 0; at + FUSE_NAME_OFFSET < answer.body.size();) {
      const auto entry = answer.as<fuse_dirent>(at);
      const std::string name = answer.body.substr(at + FUSE_NAME_OFFSET, entry.namelen);
      if (name != "." && name != "..") names.insert(name);
      read.offset = entry.off;
      at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
    }
  }
  fuse_release_in release{};
  release.fh = read.fh;
  peer_.tell(FUSE_RELEASEDIR, walk.node(), packed(release));
  return error;
}

}  // namespace ntemu::fs::test
