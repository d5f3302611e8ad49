// Which threads set an event: those of verified drivers, while deadlock detection is on. If none of them can ever set
// it again, who waits for it waits for them.
#pragma once

#include <array>
#include <cstddef>

#include "ntemu/ke/thread.h"

namespace ntemu::vf {

struct Setters {
  static constexpr size_t kMost = 4;
  struct Setter {
    const ETHREAD *thread;
    const void *site;
  };
  std::array<Setter, kMost> known{};
  size_t count = 0;
  bool others = false;  // more, or a DPC
};

void note_setter(const void *event, const ETHREAD &thread, const void *site, bool in_dpc);
// Nobody, where the event is not known. May be called with the dispatcher lock held.
Setters setters_of(const void *event);
void forget_events(const void *begin, size_t bytes);
void forget_all_events();

}  // namespace ntemu::vf
