// A connection to the kernel, or to who plays it, and the threads that answer its requests.
#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>
#include <vector>

#include "fs/beneath.h"
#include "ntemu/base/lock.h"
#include "ntemu/ob/object.h"

struct fuse_session;

namespace ntemu::fs {

class MountView;

class MountSession {
 public:
  enum class Peer { kKernel, kSocket };
  // nullptr when memory or threads are short. Requests are answered from now on.
  static std::unique_ptr<MountSession> start(MountView &view, Fd connection, Peer peer);
  // Ends and joins the threads. Requests that are being answered are waited for, but not a driver's answer.
  ~MountSession();
  MountSession(const MountSession &) = delete;
  MountSession &operator=(const MountSession &) = delete;

 private:
  struct FreeSession {
    void operator()(fuse_session *session) const;
  };
  struct Worker {
    MountSession *session;
    pthread_t thread;
    std::unique_ptr<char[]> buffer;
    ob::Ref<_ETHREAD> object;  // guarded by the session's lock
    std::atomic<uint32_t> resting{0};
    std::atomic<uint32_t> ended{0};
  };

  MountSession(Fd connection, Peer peer) : connection_(std::move(connection)), peer_(peer) {}
  static void *run(void *worker);
  // The length of the next request, 0 at the end of the connection.
  size_t receive(Worker &worker);
  void answer(Worker &worker, size_t length);
  // Returns when the worker is to read the next request.
  void await_turn(Worker &worker);
  static void rouse(Worker &worker);
  bool add_worker() NTEMU_REQUIRES(mutex_);

  Fd connection_;
  const Peer peer_;
  std::unique_ptr<fuse_session, FreeSession> session_;
  base::Mutex mutex_;
  std::atomic<bool> stopping_{false};
  size_t readers_ NTEMU_GUARDED_BY(mutex_) = 0;
  std::vector<Worker *> resting_ NTEMU_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Worker>> workers_ NTEMU_GUARDED_BY(mutex_);
};

}  // namespace ntemu::fs
