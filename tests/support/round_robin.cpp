#include "tests/support/round_robin.h"

#include "ntemu/ps/ps.h"

extern "C" char __executable_start, etext;

namespace ntemu::test {

RoundRobin::Place &RoundRobin::place_of(ETHREAD &thread) {
  for (Place &place : ring_) {
    if (place.thread == &thread) return place;
  }
  std::abort();  // a thread that nobody added
}

// The next thread behind `from` that can run gets the turn; `from` itself comes last.
void RoundRobin::pass_on(Place *from) {
  running_ = nullptr;
  auto at = ring_.begin();
  while (at != ring_.end() && &*at != from) ++at;
  for (size_t i = 0; i < ring_.size(); ++i) {
    if (at == ring_.end() || ++at == ring_.end()) at = ring_.begin();
    if (at->word) continue;
    running_ = &*at;
    turns_.fetch_add(1);
    running_->turn.notify_one();
    return;
  }
  Place *first = nullptr;
  for (Place &place : ring_) {
    if (place.deadline.when == base::kForever) continue;
    if (!first || clock_.left_until(place.deadline) < clock_.left_until(first->deadline)) first = &place;
  }
  if (!first) return;  // until the outside world wakes one
  if (const base::Nt100ns left = clock_.left_until(first->deadline); left > 0) clock_.advance(left);
  first->word = nullptr;
  pass_on(from);
}

void RoundRobin::await_turn(Lock &lock, Place &place) {
  place.turn.wait(lock, [&] { return running_ == &place; });
}

void RoundRobin::add(ETHREAD &thread) {
  Lock lock(mutex_);
  ring_.emplace_back().thread = &thread;
  if (!running_) pass_on(nullptr);
}

void RoundRobin::begin(ETHREAD &thread) {
  Lock lock(mutex_);
  await_turn(lock, place_of(thread));
}

void RoundRobin::end(ETHREAD &thread) {
  Lock lock(mutex_);
  Place &place = place_of(thread);
  place.word = &never_;
  pass_on(&place);
  ring_.remove_if([&](const Place &each) { return &each == &place; });
}

void RoundRobin::block(ETHREAD &thread, std::atomic<uint32_t> &word, uint32_t expected, base::Deadline deadline) {
  Lock lock(mutex_);
  if (word.load() != expected) return;
  blocks_.fetch_add(1);
  Place &place = place_of(thread);
  place.word = &word;
  place.deadline = deadline;
  pass_on(&place);
  await_turn(lock, place);
  place.deadline = {};
}

void RoundRobin::wake(std::atomic<uint32_t> &word) {
  Lock lock(mutex_);
  for (Place &place : ring_) {
    if (place.word == &word) place.word = nullptr;
  }
  if (!running_) pass_on(nullptr);
}

void RoundRobin::yield(ETHREAD &thread) {
  Lock lock(mutex_);
  Place &place = place_of(thread);
  pass_on(&place);
  await_turn(lock, place);
}

PolicyTest::PolicyTest(unsigned cpus) {
  base::set_clock(&clock);
  ke::set_policy(&policy);
  MachineOptions options;
  options.cpus = cpus;
  auto booted = Machine::boot(std::move(options));
  EXPECT_TRUE(booted);
  if (booted) machine_ = std::move(*booted);
  ps::is_driver_code = +[](const void *address) { return address >= &__executable_start && address < &etext; };
}

PolicyTest::~PolicyTest() {
  EXPECT_TRUE(machine_->shut_down());
  ke::set_policy(nullptr);
  base::set_clock(nullptr);
}

}  // namespace ntemu::test
