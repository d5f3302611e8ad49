// What users know the numbers of the dispatcher by; for the kernel's reports and for debuggers.
#pragma once

#include <array>

namespace ntemu::ke {

inline constexpr std::array kThreadStateNames{"Initialized", "Ready",   "Running",    "Standby",
                                              "Terminated",  "Waiting", "Transition", "DeferredReady"};

// KWAIT_REASON
inline constexpr std::array kWaitReasonNames{"Executive",        "FreePage",          "PageIn",
                                             "PoolAllocation",   "DelayExecution",    "Suspended",
                                             "UserRequest",      "WrExecutive",       "WrFreePage",
                                             "WrPageIn",         "WrPoolAllocation",  "WrDelayExecution",
                                             "WrSuspended",      "WrUserRequest",     "WrSpare0",
                                             "WrQueue",          "WrLpcReceive",      "WrLpcReply",
                                             "WrVirtualMemory",  "WrPageOut",         "WrRendezvous",
                                             "WrKeyedEvent",     "WrTerminated",      "WrProcessInSwap",
                                             "WrCpuRateControl", "WrCalloutStack",    "WrKernel",
                                             "WrResource",       "WrPushLock",        "WrMutex",
                                             "WrQuantumEnd",     "WrDispatchInt",     "WrPreempted",
                                             "WrYieldExecution", "WrFastMutex",       "WrGuardedMutex",
                                             "WrRundown",        "WrAlertByThreadId", "WrDeferredPreempt",
                                             "WrPhysicalFault",  "WrIoRing",          "WrMdlCache"};

// Types of a DISPATCHER_HEADER
inline constexpr std::array kDispatcherTypeNames{
    "NotificationEvent", "SynchronizationEvent", "Mutant", "Process", "Queue", "Semaphore", "Thread", "Gate",
    "NotificationTimer", "SynchronizationTimer"};

}  // namespace ntemu::ke
