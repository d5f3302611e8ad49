// Host locks with Clang's thread-safety annotations, for ntemu's own state (never held while a driver is called).
#pragma once

#include <mutex>

#ifdef __clang__
#define NTEMU_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define NTEMU_THREAD_ANNOTATION(x)
#endif
#define NTEMU_CAPABILITY(name) NTEMU_THREAD_ANNOTATION(capability(name))
#define NTEMU_SCOPED_CAPABILITY NTEMU_THREAD_ANNOTATION(scoped_lockable)
#define NTEMU_GUARDED_BY(lock) NTEMU_THREAD_ANNOTATION(guarded_by(lock))
#define NTEMU_REQUIRES(...) NTEMU_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define NTEMU_EXCLUDES(...) NTEMU_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NTEMU_ACQUIRE(...) NTEMU_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define NTEMU_RELEASE(...) NTEMU_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define NTEMU_NO_THREAD_SAFETY_ANALYSIS NTEMU_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace ntemu::base {

class NTEMU_CAPABILITY("mutex") Mutex {
 public:
  void lock() NTEMU_ACQUIRE() { mutex_.lock(); }
  void unlock() NTEMU_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class NTEMU_SCOPED_CAPABILITY Guard {
 public:
  explicit Guard(Mutex &mutex) NTEMU_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Guard() NTEMU_RELEASE() { mutex_.unlock(); }
  Guard(const Guard &) = delete;
  Guard &operator=(const Guard &) = delete;

 private:
  Mutex &mutex_;
};

}  // namespace ntemu::base
