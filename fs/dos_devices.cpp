#include "fs/dos_devices.h"

#include <sys/socket.h>

#include <cerrno>

#include "fs/mount_point.h"
#include "fs/mount_session.h"
#include "fs/mount_view.h"

namespace ntemu::fs {

struct DosDevices::State {
  MountView view;
  std::unique_ptr<MountSession> session;
  std::unique_ptr<MountPoint> point;  // first to go: requests are answered until it is unmounted

  ~State() {
    point.reset();
    session.reset();
    // Of programs that still hold what they had opened.
    for (const auto &file : view.inodes().take_open_files()) file->close();
  }
};

namespace {

const Error kNoSession{STATUS_INSUFFICIENT_RESOURCES,
                       "cannot serve \\DosDevices: out of memory, threads or descriptors"};

}  // namespace

DosDevices::DosDevices(std::unique_ptr<State> state) : state_(std::move(state)) {}
DosDevices::~DosDevices() = default;

Outcome<std::unique_ptr<DosDevices>> DosDevices::mount(const std::filesystem::path &directory, Options options) {
  auto state = std::make_unique<State>();
  Fd connection;
  auto point = MountPoint::mount(directory, options.allow_other, connection);
  if (!point) return point.error();
  state->session = MountSession::start(state->view, std::move(connection), MountSession::Peer::kKernel);
  state->point = std::move(*point);
  if (!state->session) return kNoSession;
  return std::unique_ptr<DosDevices>(new DosDevices(std::move(state)));
}

Outcome<std::unique_ptr<DosDevices>> DosDevices::serve(int socket) {
  Fd connection(socket);
  int type = 0;
  socklen_t length = sizeof(type);
  if (::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET) {
    return Error{STATUS_INVALID_PARAMETER, "cannot serve \\DosDevices: not a SOCK_SEQPACKET socket"};
  }
  auto state = std::make_unique<State>();
  state->session = MountSession::start(state->view, std::move(connection), MountSession::Peer::kSocket);
  if (!state->session) return kNoSession;
  return std::unique_ptr<DosDevices>(new DosDevices(std::move(state)));
}

}  // namespace ntemu::fs
