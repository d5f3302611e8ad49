#include "ntemu/machine/line_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace ntemu::machine {
namespace {

constexpr size_t kLongestLine = 1 << 20;

// A path of any length fits into an address through its directory's descriptor.
bool with_address(const std::filesystem::path &path, auto &&use) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const int directory = open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "/proc/self/fd/" + std::to_string(directory) + "/" + path.filename().string();
  bool ok = false;
  if (name.size() < sizeof address.sun_path) {
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    ok = use(reinterpret_cast<sockaddr *>(&address), socklen_t{sizeof address});
  } else {
    errno = ENAMETOOLONG;
  }
  const int saved = errno;
  close(directory);
  errno = saved;
  return ok;
}

int new_socket() { return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

int listen_on(const std::filesystem::path &path) {
  const int listener = new_socket();
  fchmod(listener, 0600);  // bind takes the mode over, so that nobody gets in before a chmod of the path
  const bool ok = with_address(path, [&](const sockaddr *address,
                                         socklen_t length) { return bind(listener, address, length) == 0; }) &&
                  chmod(path.c_str(), 0600) == 0 && listen(listener, SOMAXCONN) == 0;
  if (ok) return listener;
  const int saved = errno;
  close(listener);
  errno = saved;
  return -1;
}

int connect_to(const std::filesystem::path &path) {
  const int client = new_socket();
  if (with_address(path,
                   [&](const sockaddr *address, socklen_t length) { return connect(client, address, length) == 0; }))
    return client;
  close(client);
  return -1;
}

LineSocket::~LineSocket() { close(socket_); }

std::optional<std::string> LineSocket::read_line(int cancel) {
  for (;;) {
    if (const size_t end = pending_.find('\n'); end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    if (line_too_long()) return std::nullopt;
    pollfd fds[] = {{socket_, POLLIN, 0}, {cancel, POLLIN, 0}};
    if (poll(fds, cancel < 0 ? 1 : 2, -1) < 0) {
      if (errno == EINTR) continue;
      return std::nullopt;
    }
    if (cancel >= 0 && fds[1].revents) return std::nullopt;
    char buffer[4096];
    const ssize_t got = read(socket_, buffer, sizeof buffer);
    if (got <= 0) return std::nullopt;
    pending_.append(buffer, static_cast<size_t>(got));
  }
}

bool LineSocket::line_too_long() const { return pending_.size() > kLongestLine; }

bool LineSocket::write_line(std::string line, int cancel) {
  line.push_back('\n');
  for (size_t at = 0; at < line.size();) {
    const ssize_t put = send(socket_, line.data() + at, line.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) {
      at += static_cast<size_t>(put);
      continue;
    }
    if (put < 0 && errno == EINTR) continue;
    if (put == 0 || errno != EAGAIN) return false;
    pollfd fds[] = {{socket_, POLLOUT, 0}, {cancel, POLLIN, 0}};
    if (poll(fds, cancel < 0 ? 1 : 2, -1) < 0 && errno != EINTR) return false;
    if (cancel >= 0 && (fds[1].revents & POLLIN)) return false;
  }
  return true;
}

}  // namespace ntemu::machine
