#include "fs/mount_session.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "fs/mount_operations.h"
#include "ntemu/ke/wait.h"

namespace ntemu::fs {
namespace {

// A request may wait as long as a driver pleases; the others need somebody to answer them.
constexpr size_t kMostWorkers = 256;
// The request itself, beside what it carries: libfuse's own measure is a page.
constexpr size_t kBufferSize = kMostWritten + 4096;

ssize_t send_reply(int fd, iovec *pieces, int count, void *) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = static_cast<size_t>(count);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

ssize_t receive_nothing(int, void *, size_t, void *) {
  errno = ENODEV;
  return -1;
}

}  // namespace

void MountSession::FreeSession::operator()(fuse_session *session) const { fuse_session_destroy(session); }

std::unique_ptr<MountSession> MountSession::start(MountView &view, Fd connection, Peer peer) {
  std::unique_ptr<MountSession> self(new MountSession(std::move(connection), peer));
  self->session_.reset(new_session(view));
  if (!self->session_) return nullptr;
  // The session closes its descriptor, which therefore becomes its own.
  const int fd = self->connection_.get();
  if (peer == Peer::kKernel) {
    if (fuse_session_mount(self->session_.get(), fmt::format("/dev/fd/{}", fd).c_str()) != 0) return nullptr;
  } else {
    // Requests are read here for both peers; libfuse only sends the answers.
    const fuse_custom_io io{nullptr, receive_nothing, nullptr, nullptr};
    fuse_custom_io with_send = io;
    with_send.writev = send_reply;
    if (fuse_session_custom_io(self->session_.get(), &with_send, fd) != 0) return nullptr;
  }
  static_cast<void>(self->connection_.release());
  base::Guard guard(self->mutex_);
  return self->add_worker() ? std::move(self) : nullptr;
}

bool MountSession::add_worker() {
  auto worker = std::make_unique<Worker>();
  worker->session = this;
  worker->buffer.reset(new (std::nothrow) char[kBufferSize]);
  if (!worker->buffer) return false;
  // Signals are for the host's own threads.
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int error = pthread_create(&worker->thread, nullptr, run, worker.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return false;
  ++idle_;
  workers_.push_back(std::move(worker));
  return true;
}

// The thread is ended by pthread_cancel, in the read alone: nothing in the frames of this function and of receive needs
// to be undone there.
void *MountSession::run(void *argument) {
  auto &worker = *static_cast<Worker *>(argument);
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  pthread_setname_np(pthread_self(), "ntemu-mount");
  {
    base::Guard guard(worker.session->mutex_);
    worker.object = ob::Ref<ETHREAD>::share(&ke::current());
  }
  while (const size_t length = worker.session->receive(worker)) worker.session->answer(worker, length);
  return nullptr;
}

size_t MountSession::receive(Worker &worker) {
  const int fd = fuse_session_fd(session_.get());
  for (;;) {
    int state = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    const ssize_t length = ::read(fd, worker.buffer.get(), kBufferSize);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    if (length > 0) return static_cast<size_t>(length);
    // ENOENT: the request was interrupted before it could be read.
    if (length < 0 && (errno == ENOENT || errno == EINTR || errno == EAGAIN)) continue;
    return 0;
  }
}

void MountSession::answer(Worker &worker, size_t length) {
  {
    base::Guard guard(mutex_);
    // Somebody has to wait for the next request while this one is answered.
    if (--idle_ == 0 && !stopping_ && workers_.size() < kMostWorkers) add_worker();
  }
  fuse_buf request{};
  request.size = length;
  request.mem = worker.buffer.get();
  fuse_session_process_buf(session_.get(), &request);
  base::Guard guard(mutex_);
  ++idle_;
}

MountSession::~MountSession() {
  std::vector<std::unique_ptr<Worker>> workers;
  {
    base::Guard guard(mutex_);
    stopping_ = true;
    workers.swap(workers_);
    // A driver may keep an IRP for ever. It then keeps what the IRP points to, too.
    for (const auto &worker : workers) {
      if (worker->object) ke::recall(*worker->object);
    }
  }
  if (session_) {
    fuse_session_exit(session_.get());  // what cannot be sent any more is nobody's error
    if (peer_ == Peer::kSocket && !workers.empty()) ::shutdown(fuse_session_fd(session_.get()), SHUT_RDWR);
  }
  for (const auto &worker : workers) pthread_cancel(worker->thread);
  for (const auto &worker : workers) pthread_join(worker->thread, nullptr);
}

}  // namespace ntemu::fs
