#include "ntemu/kd/debugger_data.h"

#include <sys/prctl.h>

#include <cstddef>

#include "ntemu/api/kernel_image.h"
#include "ntemu/ex/pool.h"
#include "ntemu/ex/resource.h"
#include "ntemu/kd/debug_print.h"
#include "ntemu/ke/freeze_task.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ldr/image.h"
#include "ntemu/ps/process.h"

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
                                        .adopted = offsetof(ETHREAD, adopted)};

// What image_note.S refers to: the data itself may have been moved into the program, which refers to it.
extern const kd::DebuggerData *kdp_debugger_data;
__attribute__((visibility("hidden"), used)) const kd::DebuggerData *kdp_debugger_data = &KdDebuggerDataBlock;
}

namespace ntemu::kd {

void boot_debugger_data() {
  base::Clock &clock = base::clock();
  KdDebuggerDataBlock.boot_time = clock.system_time() - clock.interrupt_time();
  // A machine is there to be looked at: where Yama lets only a parent attach, let this user's other programs, too.
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
}

}  // namespace ntemu::kd
