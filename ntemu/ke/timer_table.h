// The timers that are set, by due time. A timer's place is in the timer itself: TimerListEntry, and in its header Hand
// (the bucket), Inserted and Absolute.
#pragma once

#include "ntemu/ke/dispatcher.h"

namespace ntemu::ke {

// The timer's bits in its header's Lock word; they change with the dispatcher lock held.
inline constexpr LONG kTimerAbsolute = 1 << 8;
inline constexpr int kTimerHandShift = 16;
inline constexpr LONG kTimerInserted = 1 << 30;
inline constexpr LONG kTimerBits = kTimerAbsolute | 0xff << kTimerHandShift | kTimerInserted;

inline LONG timer_bits(const KTIMER &timer) { return static_cast<LONG>(load_word(timer.Header)); }
inline bool is_set(const KTIMER &timer) { return timer_bits(timer) & kTimerInserted; }
inline bool is_absolute(const KTIMER &timer) { return timer_bits(timer) & kTimerAbsolute; }
inline base::Nt100ns due_time(const KTIMER &timer) { return static_cast<base::Nt100ns>(timer.DueTime.QuadPart); }

// All timers of one kind: due at an interrupt time, or at a system time. Guarded by its owner's lock.
class TimerTable {
 public:
  void clear();
  // The timer's DueTime is set, its bits are the caller's to set to `bits_for`.
  void insert(KTIMER &timer);
  void remove(KTIMER &timer);
  // The earliest of them; null when there is none.
  KTIMER *first() const;
  // Its due time; kForever when there is none.
  base::Nt100ns next_due() const { return next_due_; }
  template <class Visit>
  void for_each(const Visit &visit) const {
    for (const LIST_ENTRY &bucket : buckets_) {
      for (LIST_ENTRY *entry = next_of(&bucket); entry != &bucket; entry = next_of(entry)) visit(timer_at(entry));
    }
  }

  static ULONG bucket_of(const KTIMER &timer) { return timer.DueTime.QuadPart >> kBucketShift & (kBuckets - 1); }
  static LONG bits_for(const KTIMER &timer, bool absolute) {
    return static_cast<LONG>(bucket_of(timer)) << kTimerHandShift | kTimerInserted | (absolute ? kTimerAbsolute : 0);
  }

 private:
  static constexpr ULONG kBuckets = 256;
  static constexpr int kBucketShift = 18;  // 26 ms a bucket
  static KTIMER &timer_at(LIST_ENTRY *entry) { return *CONTAINING_RECORD(entry, KTIMER, TimerListEntry); }
  // Bugcheck 0x139/3 when the lists do not agree: a timer that was initialized or freed while it was set may lead into
  // another bucket, where the walk would never end.
  static LIST_ENTRY *next_of(const LIST_ENTRY *entry) {
    LIST_ENTRY *next = entry->Flink;
    if (!next || next->Blink != entry) [[unlikely]]
      stop_for_damage(entry);
    return next;
  }
  static LIST_ENTRY *one_before(const LIST_ENTRY *entry) {
    LIST_ENTRY *before = entry->Blink;
    if (!before || before->Flink != entry) [[unlikely]]
      stop_for_damage(entry);
    return before;
  }
  [[noreturn]] static void stop_for_damage(const LIST_ENTRY *entry);
  void find_next();

  LIST_ENTRY buckets_[kBuckets];  // each sorted by due time
  uint64_t used_[kBuckets / 64] = {};
  base::Nt100ns next_due_ = base::kForever;
  ULONG next_bucket_ = 0;
};

}  // namespace ntemu::ke
