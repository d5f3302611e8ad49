#include <ntemu/testing/fuzz.h>

#include "@NAME@.h"

// Random requests to the device. Each input begins with a driver that has just been loaded.
NTEMU_FUZZ_DEVICE("\\\\.\\@NAME@", IOCTL_@NAME_UPPER@_ADD, IOCTL_@NAME_UPPER@_TOTAL)
