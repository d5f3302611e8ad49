#include "tests/bench/locks/yardsticks.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>

#include "tests/bench/locks/lock_bench.h"

namespace ntemu::bench {
namespace {

struct alignas(64) Slot {
  pthread_mutex_t mutex;
  pthread_rwlock_t rwlock;
  pthread_spinlock_t spinlock;
  sem_t semaphore;
  std::atomic<uint32_t> word;
  alignas(64) std::atomic<uint32_t> ping, pong;
};
Slot slots[LOCK_BENCH_SLOTS];

void prepare_mutex(unsigned index, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, type);
  pthread_mutex_init(&slots[index].mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

void prepare_rwlock(unsigned index) { pthread_rwlock_init(&slots[index].rwlock, nullptr); }

template <auto Body>
void loop(unsigned index, uint64_t count) {
  Slot &slot = slots[index];
  while (count-- != 0) Body(slot);
}

void futex(std::atomic<uint32_t> &word, int operation, uint32_t value) {
  syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}
// A semaphore of the least that can work: one word, a system call to wake and one to sleep.
void post(std::atomic<uint32_t> &word) {
  word.store(1);
  futex(word, FUTEX_WAKE_PRIVATE, 1);
}
void take(std::atomic<uint32_t> &word) {
  while (word.exchange(0) == 0) futex(word, FUTEX_WAIT_PRIVATE, 0);
}

}  // namespace

const Yardstick kPthreadMutex = {"pthread_mutex", [](unsigned index) { prepare_mutex(index, PTHREAD_MUTEX_NORMAL); },
                                 loop<[](Slot &slot) {
                                   pthread_mutex_lock(&slot.mutex);
                                   pthread_mutex_unlock(&slot.mutex);
                                 }>};

const Yardstick kRecursivePthreadMutex = {"recursive pthread_mutex",
                                          [](unsigned index) { prepare_mutex(index, PTHREAD_MUTEX_RECURSIVE); },
                                          kPthreadMutex.loop};

const Yardstick kPthreadRwlockWrite = {"pthread_rwlock wr", prepare_rwlock, loop<[](Slot &slot) {
                                         pthread_rwlock_wrlock(&slot.rwlock);
                                         pthread_rwlock_unlock(&slot.rwlock);
                                       }>};

const Yardstick kPthreadRwlockRead = {"pthread_rwlock rd", prepare_rwlock, loop<[](Slot &slot) {
                                        pthread_rwlock_rdlock(&slot.rwlock);
                                        pthread_rwlock_unlock(&slot.rwlock);
                                      }>};

const Yardstick kExchangePair = {"atomic exchange pair", [](unsigned index) { slots[index].word = 0; },
                                 loop<[](Slot &slot) {
                                   slot.word.exchange(1);
                                   slot.word.exchange(0);
                                 }>};

const Yardstick kPthreadSpinlock = {
    "pthread_spinlock", [](unsigned index) { pthread_spin_init(&slots[index].spinlock, PTHREAD_PROCESS_PRIVATE); },
    loop<[](Slot &slot) {
      pthread_spin_lock(&slot.spinlock);
      pthread_spin_unlock(&slot.spinlock);
    }>};

// Enough for every round of a run.
const Yardstick kSemTrywait = {"sem_trywait", [](unsigned index) { sem_init(&slots[index].semaphore, 0, INT_MAX); },
                               loop<[](Slot &slot) { sem_trywait(&slot.semaphore); }>};

const Yardstick kSemTrywaitPost = {
    "sem_trywait+sem_post", [](unsigned index) { sem_init(&slots[index].semaphore, 0, 1); }, loop<[](Slot &slot) {
      sem_trywait(&slot.semaphore);
      sem_post(&slot.semaphore);
    }>};

const Yardstick kFutexPing = {"raw futexes", [](unsigned index) { slots[index].ping = slots[index].pong = 0; },
                              loop<[](Slot &slot) {
                                post(slot.ping);
                                take(slot.pong);
                              }>};

const Yardstick kFutexPong = {"raw futexes", [](unsigned) {}, loop<[](Slot &slot) {
                                take(slot.ping);
                                post(slot.pong);
                              }>};

}  // namespace ntemu::bench
