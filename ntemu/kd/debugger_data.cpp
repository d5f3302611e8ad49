#include "ntemu/kd/debugger_data.h"

#include <sys/prctl.h>

#include <cstddef>

#include "ntemu/api/kernel_image.h"
#include "ntemu/ex/pool_large.h"
#include "ntemu/ex/pool_small.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ex/special_pool.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/ke/freeze_task.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ke/timer_expiry.h"
#include "ntemu/ldr/image.h"
#include "ntemu/ob/directory.h"
#include "ntemu/ps/process.h"
#include "ntemu/vf/verified.h"

using namespace ntemu;

extern "C" {

extern ULONG_PTR KiBugCheckData[5];

__attribute__((visibility("default"))) kd::TickCount KeTickCount = {};

__attribute__((visibility("default")))
kd::DebuggerData KdDebuggerDataBlock = {.tag = {'K', 'D', 'B', 'G'},
                                        .version = kd::kDebuggerDataVersion,
                                        .size = sizeof(kd::DebuggerData),
                                        .KernBase = __ehdr_start,
                                        .PsActiveProcessHead = &PsActiveProcessHead,
                                        .PsLoadedModuleList = &PsLoadedModuleList,
                                        .ExpSystemResourcesList = &ExpSystemResourcesList,
                                        .PoolTrackTable = &PoolTrackTable,
                                        .PoolTrackTableSize = &PoolTrackTableSize,
                                        .KiProcessorBlock = KiProcessorBlock,
                                        .KiBugCheckData = KiBugCheckData,
                                        .KeTickCount = &KeTickCount,
                                        .boot_time = 0,
                                        .active_process_links = offsetof(EPROCESS, ActiveProcessLinks),
                                        .thread_list_head = offsetof(EPROCESS, Pcb.ThreadListHead),
                                        .thread_list_entry = offsetof(ETHREAD, Tcb.ThreadListEntry),
                                        .kernel_stack = offsetof(ETHREAD, Tcb.KernelStack),
                                        .host_id = offsetof(ETHREAD, host_id),
                                        .host_thread = offsetof(ETHREAD, host_thread),
                                        .KiSwapContextResume = &KiSwapContextResume,
                                        .held_locks = offsetof(ETHREAD, held),
                                        .wanted_lock = offsetof(ETHREAD, wanted),
                                        .wait_count = offsetof(ETHREAD, wait_count),
                                        .wait_began = offsetof(ETHREAD, wait_began),
                                        .wait_deadline = offsetof(ETHREAD, wait_deadline),
                                        .wait_absolute = offsetof(ETHREAD, wait_deadline_absolute),
                                        .irql = offsetof(ETHREAD, irql),
                                        .adopted = offsetof(ETHREAD, adopted),
                                        .timer_table_size = sizeof(ke::TimerTable),
                                        .timer_tables = nullptr,
                                        .root_directory = &ob::root_directory,
                                        .handle_segments = nullptr,
                                        .small_pool = reinterpret_cast<const void *>(ex::kSmallPool),
                                        .small_pool_bytes = &ex::small_pool_bytes,
                                        .large_pool = nullptr,
                                        .special_pool = nullptr,
                                        .special_runs = 0,
                                        .special_pages = reinterpret_cast<const void *>(ex::kSpecialPool),
                                        .verified_images = nullptr,
                                        .verified_image_count = 0};

// What image_note.S refers to: the data itself may have been moved into the program, which refers to it.
extern const kd::DebuggerData *kdp_debugger_data;
__attribute__((visibility("hidden"), used)) const kd::DebuggerData *kdp_debugger_data = &KdDebuggerDataBlock;
}

namespace ntemu::kd {

void boot_debugger_data() NTEMU_NO_THREAD_SAFETY_ANALYSIS {
  base::Clock &clock = base::clock();
  KdDebuggerDataBlock.boot_time = clock.system_time() - clock.interrupt_time();
  KdDebuggerDataBlock.timer_tables = ke::timers().tables;
  KdDebuggerDataBlock.handle_segments = ob::handle_segments();
  KdDebuggerDataBlock.large_pool = ex::large_pool_root();
  const ex::SpecialPoolRoot special = ex::special_pool_root();
  KdDebuggerDataBlock.special_pool = special.pointer;
  KdDebuggerDataBlock.special_runs = special.runs;
  const auto [images, count] = vf::verified_images();
  KdDebuggerDataBlock.verified_images = images;
  KdDebuggerDataBlock.verified_image_count = count;
  // A machine is there to be looked at: where Yama lets only a parent attach, let this user's other programs, too.
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
}

}  // namespace ntemu::kd
