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
#include "ntemu/base/clock.h"
#include "ntemu/ke/freeze.h"
#include "ntemu/ke/wait.h"

namespace ntemu::fs {
namespace {

// A request may wait as long as a driver pleases; the others need somebody to answer them.
constexpr size_t kMostWorkers = 256;
// As many wait for the next request; the others rest until all of these are busy. With two, bench_mount takes twice as
// long as with six; why is not known, perhaps since each request then wakes a processor that has just gone to sleep.
constexpr size_t kReaders = 6;
// The request itself, beside what it carries: libfuse's own measure is a page.
constexpr size_t kBufferSize = kMostWritten + 4096;

ssize_t send_reply(int fd, iovec *pieces, int count, void *) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = static_cast<size_t>(count);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

// A signal without meaning, sent to single threads of ours: it makes a read return.
int ending_signal() { return SIGRTMIN + 7; }

void let_reads_end() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  sigaction(ending_signal(), &action, nullptr);
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
  let_reads_end();
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
  if (!self->add_worker()) return nullptr;
  for (size_t i = 1; i < kReaders; ++i) self->add_worker();
  return self;
}

bool MountSession::add_worker() {
  auto worker = std::make_unique<Worker>();
  worker->session = this;
  worker->buffer.reset(new (std::nothrow) char[kBufferSize]);
  if (!worker->buffer) return false;
  // Signals are for the host's own threads.
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int own :
       {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF, ending_signal(), ke::freeze_signal()}) {
    sigdelset(&blocked, own);
  }
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int error = pthread_create(&worker->thread, nullptr, run, worker.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return false;
  ++readers_;
  workers_.push_back(std::move(worker));
  return true;
}

void *MountSession::run(void *argument) {
  auto &worker = *static_cast<Worker *>(argument);
  pthread_setname_np(pthread_self(), "ntemu-mount");
  {
    base::Guard guard(worker.session->mutex_);
    worker.object = ob::Ref<ETHREAD>::share(&ke::current());
    worker.object->serves_user = true;
  }
  while (const size_t length = worker.session->receive(worker)) {
    worker.session->answer(worker, length);
    worker.session->await_turn(worker);
  }
  worker.ended = 1;
  base::wake_word(worker.ended);
  return nullptr;
}

size_t MountSession::receive(Worker &worker) {
  const int fd = fuse_session_fd(session_.get());
  while (!stopping_) {
    const ssize_t length = ::read(fd, worker.buffer.get(), kBufferSize);
    if (length > 0) return static_cast<size_t>(length);
    // ENOENT: the request was interrupted before it could be read.
    if (length < 0 && (errno == ENOENT || errno == EINTR || errno == EAGAIN)) continue;
    break;
  }
  return 0;
}

void MountSession::answer(Worker &worker, size_t length) {
  {
    base::Guard guard(mutex_);
    // Somebody has to wait for the next request while this one is answered.
    if (--readers_ == 0 && !stopping_) {
      if (!resting_.empty()) {
        ++readers_;
        rouse(*resting_.back());
        resting_.pop_back();
      } else if (workers_.size() < kMostWorkers) {
        add_worker();
      }
    }
  }
  fuse_buf request{};
  request.size = length;
  request.mem = worker.buffer.get();
  fuse_session_process_buf(session_.get(), &request);
}

void MountSession::await_turn(Worker &worker) {
  {
    base::Guard guard(mutex_);
    if (readers_ < kReaders || stopping_) {
      ++readers_;
      return;
    }
    worker.resting = 1;
    resting_.push_back(&worker);
  }
  while (worker.resting) base::wait_word(worker.resting, 1);
}

void MountSession::rouse(Worker &worker) {
  worker.resting = 0;
  base::wake_word(worker.resting);
}

MountSession::~MountSession() {
  std::vector<std::unique_ptr<Worker>> workers;
  {
    base::Guard guard(mutex_);
    stopping_ = true;
    workers.swap(workers_);
    for (Worker *worker : resting_) rouse(*worker);
    // A driver may keep an IRP for ever. It then keeps what the IRP points to, too.
    for (const auto &worker : workers) {
      if (worker->object) ke::recall(*worker->object);
    }
  }
  if (session_) {
    fuse_session_exit(session_.get());  // what cannot be sent any more is nobody's error
    if (peer_ == Peer::kSocket && !workers.empty()) ::shutdown(fuse_session_fd(session_.get()), SHUT_RDWR);
  }
  for (const auto &worker : workers) {
    // Again and again: it may have come just before the read.
    while (worker->ended == 0) {
      pthread_kill(worker->thread, ending_signal());
      base::wait_word(worker->ended, 0, base::kNtPerMillisecond);
    }
    pthread_join(worker->thread, nullptr);
  }
}

}  // namespace ntemu::fs
