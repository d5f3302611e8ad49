// Where a debugger finds the kernel's lists, in a running process and in a dump. ELF notes of the name NTEMU lead here:
// the one in libntoskrnl.so, and the one that each dump has.
#pragma once

#include "nt/basetsd.h"
#include "ntemu/base/clock.h"

namespace ntemu::kd {

// Types of the notes named NTEMU; numbers that nobody takes for one of Linux's.
inline constexpr uint32_t kDumpNote = 0x4E540001;  // in a dump: DumpNote of kd/dump.h
inline constexpr uint32_t kImageNote =
    0x4E540002;  // in libntoskrnl.so: int64_t from itself to a pointer to KdDebuggerDataBlock

inline constexpr uint32_t kDebuggerDataVersion = 3;

// Addresses and offsets in bytes. Later versions only add members.
struct DebuggerData {
  char tag[4];  // "KDBG"
  uint32_t version;
  uint64_t size;
  const void *KernBase;
  const void *PsActiveProcessHead;     // LIST_ENTRY of EPROCESS
  const void *PsLoadedModuleList;      // LIST_ENTRY of KLDR_DATA_TABLE_ENTRY
  const void *ExpSystemResourcesList;  // LIST_ENTRY of ERESOURCE
  const void *PoolTrackTable;          // of the variable, a pointer to the first row
  const void *PoolTrackTableSize;      // of the variable, the number of rows
  const void *KiProcessorBlock;        // of the array of pointers, null behind the last
  const void *KiBugCheckData;          // ULONG_PTR[5]
  const void *KeTickCount;
  base::Nt100ns boot_time;        // since 1601, UTC
  uint32_t active_process_links;  // in EPROCESS
  uint32_t thread_list_head;      // in EPROCESS
  uint32_t thread_list_entry;     // in ETHREAD
  uint32_t kernel_stack;          // in ETHREAD: where KiSwapContext pushed r15 r14 r13 r12 rbx rbp; null: it runs
  uint32_t host_id;               // in ETHREAD: the host's thread id
  uint32_t host_thread;           // in ETHREAD: fs base
  // Since version 2.
  const void *KiSwapContextResume;  // of the variable, a pointer to the instruction at which every waiting thread is
  // Since version 3. Offsets in ETHREAD, which lie behind what is public; in its members: ke/held_locks.h,
  // ke/wanted_lock.h.
  uint32_t held_locks;
  uint32_t wanted_lock;
  uint32_t wait_count;  // ULONG: how many blocks are at WaitBlockList
  uint32_t wait_began;  // interrupt time
  uint32_t
      wait_deadline;  // an interrupt time, or a system time if the byte `wait_absolute` is not 0; Nt100ns' greatest
  uint32_t wait_absolute;
  uint32_t irql;                 // KIRQL
  uint32_t adopted;              // bool: a host thread that entered the kernel by itself
  uint32_t timer_table_size;     // of one of timer_tables
  const void *timer_tables;      // two, by interrupt and by system time; each begins with 256 heads of lists of KTIMER
  const void *root_directory;    // of the variable, a pointer to the body of the root
  const void *handle_segments;   // pointers to segments of 1024 entries (ob/handle_table.cpp), null behind the last
  const void *small_pool;        // its first page (ex/pool_block.h)
  const void *small_pool_bytes;  // of the variable
  const void *large_pool;        // std::map of ex::PoolBlock by address
  const void *special_pool;      // of a pointer to a structure that has, at special_runs, ...
  uint64_t special_runs;         // ... a pointer to pointers to ex::SpecialRun, one for each page
  const void *special_pages;     // the first of those pages
  const void *verified_images;   // as vf/verified.cpp has them: begin, end, options, 24 bytes each; options 0: none
  uint64_t verified_image_count;
};

// KSYSTEM_TIME
struct TickCount {
  ULONG LowPart;
  LONG High1Time;
  LONG High2Time;
};

// Notes when the machine boots, and lets debuggers attach.
void boot_debugger_data();

}  // namespace ntemu::kd

extern "C" {
extern ntemu::kd::DebuggerData KdDebuggerDataBlock;
// Ticks of 15.625 ms since boot, in dumps: the running kernel computes them when asked.
extern ntemu::kd::TickCount KeTickCount;
}
