// Unix sockets that carry lines.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace ntemu::machine {

// A listening socket of mode 0600 at `path`, however long that is; -1 and errno on failure.
int listen_on(const std::filesystem::path &path);
int connect_to(const std::filesystem::path &path);

class LineSocket {
 public:
  // Owns `socket`.
  explicit LineSocket(int socket) : socket_(socket) {}
  ~LineSocket();
  LineSocket(const LineSocket &) = delete;
  LineSocket &operator=(const LineSocket &) = delete;
  // nullopt at the end, after an error, for a line over 1 MiB, or once `cancel` (a descriptor or -1) becomes readable.
  std::optional<std::string> read_line(int cancel);
  // The last read_line gave up because of that length.
  bool line_too_long() const;
  // Gives up on a peer that does not read once `cancel` becomes readable.
  bool write_line(std::string line, int cancel = -1);

 private:
  int socket_;
  std::string pending_;
};

}  // namespace ntemu::machine
