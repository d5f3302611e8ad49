#include <utility>

#include "ntemu/api/enter.h"
#include "ntemu/ke/wait.h"

using namespace ntemu;
using namespace ntemu::ke;

namespace {

constexpr ULONG kEvents = 1u << kNotificationEvent | 1u << kSynchronizationEvent;

}  // namespace

VOID KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
  NT_ENTER(KeInitializeEvent, Event, Type, State);
  Event->Header.Lock = 0;
  Event->Header.Type = static_cast<UCHAR>(Type);
  Event->Header.Size = sizeof(KEVENT) / sizeof(ULONG);
  Event->Header.SignalState = State ? 1 : 0;
  InitializeListHead(&Event->Header.WaitListHead);
}

LONG KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
  NT_ENTER(KeSetEvent, Event, Increment, Wait);
  DISPATCHER_HEADER &header = check_object(Event, kEvents, __builtin_return_address(0));
  WakeList wakes;
  HeaderLock lock(header);
  const LONG previous = header.SignalState;
  header.SignalState = 1;
  if (!IsListEmpty(&header.WaitListHead)) release_waiters(header, wakes);
  return previous;
}

LONG KeResetEvent(PRKEVENT Event) {
  NT_ENTER(KeResetEvent, Event);
  DISPATCHER_HEADER &header = check_object(Event, kEvents, __builtin_return_address(0));
  HeaderLock lock(header);
  return std::exchange(header.SignalState, 0);
}

VOID KeClearEvent(PRKEVENT Event) {
  NT_ENTER(KeClearEvent, Event);
  DISPATCHER_HEADER &header = check_object(Event, kEvents, __builtin_return_address(0));
  HeaderLock lock(header);
  header.SignalState = 0;
}

LONG KeReadStateEvent(PRKEVENT Event) {
  NT_ENTER(KeReadStateEvent, Event);
  DISPATCHER_HEADER &header = check_object(Event, kEvents, __builtin_return_address(0));
  HeaderLock lock(header);
  return header.SignalState;
}
