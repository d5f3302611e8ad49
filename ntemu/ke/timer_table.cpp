#include "ntemu/ke/timer_table.h"

#include "ntemu/ke/bugcheck.h"

namespace ntemu::ke {

void TimerTable::clear() {
  for (LIST_ENTRY &bucket : buckets_) InitializeListHead(&bucket);
  for (uint64_t &used : used_) used = 0;
  next_due_ = base::kForever;
}

void TimerTable::insert(KTIMER &timer) {
  const ULONG bucket = bucket_of(timer);
  // Behind those that are due at the same time; most timers are due later than what is there.
  LIST_ENTRY *after = one_before(&buckets_[bucket]);
  while (after != &buckets_[bucket] && due_time(timer_at(after)) > due_time(timer)) after = one_before(after);
  InsertHeadList(after, &timer.TimerListEntry);
  used_[bucket / 64] |= uint64_t{1} << bucket % 64;
  if (due_time(timer) >= next_due_) return;
  next_due_ = due_time(timer);
  next_bucket_ = bucket;
}

void TimerTable::remove(KTIMER &timer) {
  const ULONG bucket = bucket_of(timer);
  const bool was_first = next_bucket_ == bucket && buckets_[bucket].Flink == &timer.TimerListEntry;
  RemoveEntryList(&timer.TimerListEntry);
  if (IsListEmpty(&buckets_[bucket])) used_[bucket / 64] &= ~(uint64_t{1} << bucket % 64);
  if (was_first) find_next();
}

KTIMER *TimerTable::first() const {
  return next_due_ == base::kForever ? nullptr : &timer_at(next_of(&buckets_[next_bucket_]));
}

void TimerTable::stop_for_damage(const LIST_ENTRY *entry) {
  bugcheck(0x139, FAST_FAIL_CORRUPT_LIST_ENTRY, reinterpret_cast<ULONG_PTR>(entry));
}

void TimerTable::find_next() {
  next_due_ = base::kForever;
  for (ULONG word = 0; word < kBuckets / 64; ++word) {
    for (uint64_t left = used_[word]; left; left &= left - 1) {
      const ULONG bucket = word * 64 + static_cast<ULONG>(__builtin_ctzll(left));
      const base::Nt100ns due = due_time(timer_at(next_of(&buckets_[bucket])));
      if (due >= next_due_) continue;
      next_due_ = due;
      next_bucket_ = bucket;
    }
  }
}

}  // namespace ntemu::ke
