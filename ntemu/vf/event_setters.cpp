#include "ntemu/vf/event_setters.h"

#include <map>

#include "ntemu/base/lock.h"
#include "ntemu/ke/blocking.h"

namespace ntemu::vf {
namespace {

constexpr size_t kMostEvents = 4096;

struct Events {
  base::Mutex mutex;
  std::map<const void *, Setters> all NTEMU_GUARDED_BY(mutex);
};

Events &events() {
  static Events *the_events = new Events;
  return *the_events;
}

}  // namespace

void note_setter(const void *event, const ETHREAD &thread, const void *site, bool in_dpc) {
  base::Guard guard(events().mutex);
  auto &all = events().all;
  if (all.size() == kMostEvents && !all.contains(event)) return;  // without setters, no cycle goes over it
  Setters &setters = all[event];
  ke::every_wait_concerns = true;
  if (in_dpc) setters.others = true;
  for (size_t i = 0; i < setters.count; ++i) {
    if (setters.known[i].thread != &thread) continue;
    setters.known[i].site = site;
    return;
  }
  if (setters.count == Setters::kMost) {
    setters.others = true;
  } else {
    setters.known[setters.count++] = {&thread, site};
  }
}

Setters setters_of(const void *event) {
  base::Guard guard(events().mutex);
  const auto found = events().all.find(event);
  return found == events().all.end() ? Setters{} : found->second;
}

void forget_events(const void *begin, size_t bytes) {
  const auto *end = static_cast<const char *>(begin) + bytes;
  base::Guard guard(events().mutex);
  auto &all = events().all;
  all.erase(all.lower_bound(begin), all.lower_bound(end));
}

void forget_all_events() {
  base::Guard guard(events().mutex);
  events().all.clear();
  ke::every_wait_concerns = false;
}

}  // namespace ntemu::vf
