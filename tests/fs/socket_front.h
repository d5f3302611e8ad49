// The kernel's part in FUSE, played by a test over a socket: path walks, lookups and their forgetting, the flush and
// the later release of a close. Nothing is cached, as with the zero timeouts that the mount asks for.
#pragma once

#include <condition_variable>
#include <cstring>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/fs/linux_front.h"

struct fuse_entry_out;

namespace ntemu::fs::test {

struct FuseAnswer {
  int error = 0;  // an errno
  std::string body;

  template <class Answer>
  Answer as(size_t offset = 0) const {
    Answer answer{};
    if (offset + sizeof(answer) <= body.size()) std::memcpy(&answer, body.data() + offset, sizeof(answer));
    return answer;
  }
};

// Requests of any number of threads, each answered in whatever order.
class FusePeer {
 public:
  FusePeer();
  ~FusePeer();
  FusePeer(const FusePeer &) = delete;
  FusePeer &operator=(const FusePeer &) = delete;
  // The other end, for DosDevices::serve, which closes it.
  int server() const { return server_; }
  // The first request of all.
  int start();
  bool truncates_when_opening() const { return truncates_; }

  FuseAnswer ask(uint32_t opcode, uint64_t node, std::string_view body);
  // Without waiting for an answer, as the kernel forgets and releases.
  void tell(uint32_t opcode, uint64_t node, std::string_view body);

 private:
  uint64_t send(uint32_t opcode, uint64_t node, std::string_view body, std::promise<FuseAnswer> *promise);
  void receive();

  int socket_ = -1;
  int server_ = -1;
  bool truncates_ = false;
  std::mutex mutex_;
  uint64_t unique_ = 0;
  bool closed_ = false;
  std::map<uint64_t, std::promise<FuseAnswer>> waiting_;
  std::thread receiver_;
};

class SocketFront final : public LinuxFront {
 public:
  static constexpr uint64_t kRoot = 1;

  FusePeer &peer() { return peer_; }
  int open(const std::string &path, int flags, int &file) override;
  int read(int file, std::string &data) override;
  int write(int file, std::string_view data) override { return append(file, data, 0); }
  int append(int file, std::string_view data, off_t offset) override;
  // Flushed, then released, unless releases are held back.
  int close(int file) override;
  int rename(const std::string &from, const std::string &to, unsigned flags) override;
  int unlink(const std::string &path) override;
  int mkdir(const std::string &path) override;
  int rmdir(const std::string &path) override;
  int stat(const std::string &path, struct stat &out) override;
  int list(const std::string &path, std::set<std::string> &names) override;

  void hold_releases() { holding_ = true; }
  void let_releases_go();

  // Inodes that were looked up and are forgotten in the end.
  class Walk {
   public:
    Walk(SocketFront &front, const std::string &path);
    ~Walk();
    Walk(const Walk &) = delete;
    Walk &operator=(const Walk &) = delete;
    int error() const { return error_; }
    uint64_t node() const { return nodes_.empty() ? kRoot : nodes_.back(); }
    bool directory() const { return directory_; }
    // One component further; ENOENT leaves the walk where it was.
    int step(std::string_view name);
    // The last inode stays known.
    void keep() { nodes_.pop_back(); }

   private:
    SocketFront &front_;
    std::vector<uint64_t> nodes_;
    bool directory_ = true;
    int error_ = 0;
  };

 private:
  struct File {
    uint64_t node;
    uint64_t handle;
    bool directory = false;
  };
  int open_once(const std::string &path, int flags, int &file);
  int remove(const std::string &path, bool directory);
  File file_of(int file);
  void release(const File &file);

  FusePeer peer_;
  bool holding_ = false;
  std::mutex mutex_;
  std::map<int, File> files_;
  std::vector<File> held_;
  int next_file_ = 0;
};

// A structure as it goes over the socket.
template <class Arguments>
std::string packed(const Arguments &arguments, std::string_view names = {}) {
  return std::string(reinterpret_cast<const char *>(&arguments), sizeof(arguments)).append(names);
}
inline std::string zero_ended(std::string_view name) { return std::string(name) + '\0'; }

}  // namespace ntemu::fs::test
