#include "ntemu/api/enter.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

constexpr ULONG kEvents = 1u << kNotificationEvent | 1u << kSynchronizationEvent;

// Gives the event its new state, unless it has waiters. The exchange happens even where nothing changes: what the
// caller wrote before must be seen by whoever takes the signal that was there already.
inline bool try_set(DISPATCHER_HEADER &header, HeaderWord &seen, LONG state) {
  do {
    if (seen & kHasWaiters) [[unlikely]]
      return false;
  } while (!exchange_word(header, seen, with_state(seen, state)));
  return true;
}

__attribute__((noinline)) LONG set_slowly(KEVENT &event, LONG state, KPRIORITY increment, BOOLEAN wait) {
  WakeList wakes;
  LONG previous;
  {
    DispatcherLock lock;
    freeze(event.Header);
    previous = signal_state(event.Header);
    set_state(event.Header, state);
    release_waiters(event.Header, increment, wakes);
    thaw(event.Header);
  }
  announce_if(wait, wakes);
  return previous;
}

inline LONG set_event(PRKEVENT event, KPRIORITY increment, BOOLEAN wait, const void *caller) {
  HeaderWord seen = check_object(event, kEvents, caller);
  if (!wait && try_set(event->Header, seen, 1)) [[likely]]
    return state_in(seen);
  return set_slowly(*event, 1, increment, wait);
}

inline LONG reset_event(PRKEVENT event, const void *caller) {
  HeaderWord seen = check_object(event, kEvents, caller);
  return try_set(event->Header, seen, 0) ? state_in(seen) : set_slowly(*event, 0, 0, FALSE);
}

inline VOID clear_event(PRKEVENT event, const void *caller) { reset_event(event, caller); }

}  // namespace

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
  NT_ENTER(KeInitializeEvent, Event, Type, State);
  initialize_header(Event->Header, static_cast<UCHAR>(Type), sizeof(KEVENT), State ? 1 : 0);
}

LONG KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
  NT_FAST(KeSetEvent, set_event, Event, Increment, Wait);
}

LONG KePulseEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
  NT_ENTER(KePulseEvent, Event, Increment, Wait);
  check_object(Event, kEvents, __builtin_return_address(0));
  WakeList wakes;
  LONG previous;
  {
    DispatcherLock lock;
    freeze(Event->Header);
    previous = signal_state(Event->Header);
    set_state(Event->Header, 1);
    release_waiters(Event->Header, Increment, wakes);
    set_state(Event->Header, 0);
    thaw(Event->Header);
  }
  announce_if(Wait, wakes);
  return previous;
}

LONG KeResetEvent(PRKEVENT Event) { NT_FAST(KeResetEvent, reset_event, Event); }

VOID KeClearEvent(PRKEVENT Event) { NT_FAST(KeClearEvent, clear_event, Event); }

LONG KeReadStateEvent(PRKEVENT Event) {
  NT_ENTER(KeReadStateEvent, Event);
  return state_in(check_object(Event, kEvents, __builtin_return_address(0)));
}
