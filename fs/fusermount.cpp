#include "fs/fusermount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

extern char **environ;

namespace ntemu::fs {
namespace {

constexpr char kProgram[] = "fusermount3";
// How it learns where to send the connection; its documented interface.
constexpr char kSocketVariable[] = "_FUSE_COMMFD=";

struct Ended {
  int error = 0;  // of starting it
  int status = 0;
  std::string text;  // what it wrote to standard error
};

std::string read_all(int fd) {
  std::string text;
  char buffer[512];
  for (;;) {
    const ssize_t length = ::read(fd, buffer, sizeof(buffer));
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) break;
    text.append(buffer, static_cast<size_t>(length));
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// `socket`: to be open in the program under the number that it is told, or -1.
Ended run(std::vector<std::string> words, int socket) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return {errno, 0, {}};
  Fd reader(pipe[0]), writer(pipe[1]);
  constexpr int kChildSocket = 3;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, writer.get(), STDERR_FILENO);
  if (socket >= 0) posix_spawn_file_actions_adddup2(&actions, socket, kChildSocket);

  std::vector<std::string> variables;
  for (char **variable = environ; *variable; ++variable) {
    if (std::strncmp(*variable, kSocketVariable, std::strlen(kSocketVariable)) != 0) variables.emplace_back(*variable);
  }
  if (socket >= 0) variables.push_back(kSocketVariable + std::to_string(kChildSocket));
  std::vector<char *> argv, environment;
  words.insert(words.begin(), kProgram);
  for (std::string &word : words) argv.push_back(word.data());
  for (std::string &variable : variables) environment.push_back(variable.data());
  argv.push_back(nullptr);
  environment.push_back(nullptr);

  Ended ended;
  pid_t child = 0;
  ended.error = ::posix_spawnp(&child, kProgram, &actions, nullptr, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  writer = Fd();
  if (ended.error) return ended;
  ended.text = read_all(reader.get());
  while (::waitpid(child, &ended.status, 0) < 0 && errno == EINTR) {
  }
  return ended;
}

Fd receive_descriptor(int socket) {
  char byte = 0;
  iovec piece{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t length;
  do {
    length = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (length < 0 && errno == EINTR);
  const cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
  int fd;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return Fd(fd);
}

}  // namespace

std::optional<std::string> fusermount_mount(const std::filesystem::path &directory, bool allow_other, Fd &connection) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return std::strerror(errno);
  Fd ours(pair[0]), theirs(pair[1]);
  std::string options = "nosuid,nodev,fsname=ntemu,subtype=ntemu";
  if (allow_other) options += ",allow_other,default_permissions";
  const Ended ended = run({"-o", options, "--", directory.string()}, theirs.get());
  if (ended.error == ENOENT) return "fusermount3 (package fuse3) is not installed, and only root can do without";
  if (ended.error) return fmt::format("{}: {}", kProgram, std::strerror(ended.error));
  connection = receive_descriptor(ours.get());
  if (connection) return std::nullopt;
  return ended.text.empty() ? fmt::format("{} failed", kProgram) : ended.text;
}

bool fusermount_unmount(const std::filesystem::path &directory, bool lazily) {
  std::vector<std::string> words{"-u"};
  if (lazily) words.push_back("-z");
  words.insert(words.end(), {"-q", "--", directory.string()});
  const Ended ended = run(std::move(words), -1);
  return ended.error == 0 && WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 0;
}

}  // namespace ntemu::fs
