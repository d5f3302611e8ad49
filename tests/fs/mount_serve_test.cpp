// The view over a socket: what FUSE's peer asks and hears.
#include <linux/fuse.h>
#include <sys/socket.h>

#include "tests/fs/mount_fixture.h"

namespace ntemu::fs::test {
namespace {

// The kernel's side of FUSE on a socket, as far as needed here.
class Peer {
 public:
  Peer() {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    socket_ = pair[0];
    server = pair[1];
  }
  ~Peer() { ::close(socket_); }
  Peer(const Peer &) = delete;
  Peer &operator=(const Peer &) = delete;

  // The answer's error, and what comes with it.
  std::pair<int, std::string> ask_text(uint32_t opcode, uint64_t inode, std::string_view arguments) {
    fuse_in_header header{};
    header.len = static_cast<uint32_t>(sizeof(header) + arguments.size());
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = inode;
    std::string request(reinterpret_cast<const char *>(&header), sizeof(header));
    request += arguments;
    EXPECT_EQ(::send(socket_, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string answer(65536, 0);
    const ssize_t length = ::recv(socket_, answer.data(), answer.size(), 0);
    fuse_out_header out{};
    if (length < static_cast<ssize_t>(sizeof(out))) return {-1, {}};
    std::memcpy(&out, answer.data(), sizeof(out));
    EXPECT_EQ(out.unique, unique_);
    return {-out.error, answer.substr(sizeof(out), static_cast<size_t>(length) - sizeof(out))};
  }
  template <class Arguments>
  std::pair<int, std::string> ask(uint32_t opcode, uint64_t inode, const Arguments &arguments,
                                  std::string_view text = {}) {
    return ask_text(opcode, inode,
                    std::string(reinterpret_cast<const char *>(&arguments), sizeof(arguments)).append(text));
  }

  int server;

 private:
  int socket_;
  uint64_t unique_ = 0;
};

template <class Answer>
Answer as(const std::string &text) {
  Answer answer{};
  EXPECT_GE(text.size(), sizeof(answer));
  std::memcpy(&answer, text.data(), std::min(text.size(), sizeof(answer)));
  return answer;
}

TEST(Serve, AnswersOnASocket) {
  auto machine = Machine::boot({});
  ASSERT_TRUE(machine) << machine.error().text;
  Peer peer;
  auto view = DosDevices::serve(peer.server);
  ASSERT_TRUE(view) << view.error().text;
  fuse_init_in init{};
  init.major = FUSE_KERNEL_VERSION;
  init.minor = 36;
  ASSERT_EQ(peer.ask(FUSE_INIT, 0, init).first, 0);
  using namespace std::string_view_literals;
  EXPECT_EQ(peer.ask_text(FUSE_LOOKUP, 1, "D:\0"sv).first, ENOENT);
  auto [error, drive] = peer.ask_text(FUSE_LOOKUP, 1, "C:\0"sv);
  ASSERT_EQ(error, 0);
  const uint64_t root = as<fuse_entry_out>(drive).nodeid;
  fuse_create_in create{};
  create.flags = O_CREAT | O_WRONLY;
  create.mode = S_IFREG | 0644;
  auto [create_error, created] = peer.ask(FUSE_CREATE, root, create, "a\0"sv);
  ASSERT_EQ(create_error, 0);
  fuse_write_in write{};
  write.fh = as<fuse_open_out>(created.substr(sizeof(fuse_entry_out))).fh;
  write.size = 5;
  const uint64_t file = as<fuse_entry_out>(created).nodeid;
  EXPECT_EQ(peer.ask(FUSE_WRITE, file, write, "hello"sv).first, 0);
  EXPECT_EQ(as<fuse_attr_out>(peer.ask(FUSE_GETATTR, file, fuse_getattr_in{}).second).attr.size, 5u);
  DriverFile driver("C:\\a", FILE_READ_DATA, 0);
  EXPECT_EQ(driver.status(), STATUS_SHARING_VIOLATION);
  fuse_release_in release{};
  release.fh = write.fh;
  EXPECT_EQ(peer.ask(FUSE_RELEASE, file, release).first, 0);
  EXPECT_EQ(DriverFile("C:\\a", FILE_READ_DATA, 0).status(), STATUS_SUCCESS);
}

TEST(Serve, RefusesOtherSockets) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  EXPECT_FALSE(DosDevices::serve(pair[1]));
  ::close(pair[0]);
}

}  // namespace
}  // namespace ntemu::fs::test
