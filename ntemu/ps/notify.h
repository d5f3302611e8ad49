// What drivers asked to be told of: threads that are created and end, images that are loaded.
#pragma once

#include "ntemu/ke/thread.h"

namespace ntemu::ps {

// Forgets every routine: another machine begins.
void reset_notify_routines();

// Without locks, on the thread that creates `thread` before that runs, or on the exiting thread itself.
void notify_thread(const ETHREAD &thread, bool create);
bool image_routines_exist();
// Without locks, before anything of the image has run.
void notify_image(PUNICODE_STRING full_name, void *base, size_t size);

}  // namespace ntemu::ps
