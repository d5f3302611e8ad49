#include <ntemu/testing/fuzz.h>

#include "planted.h"

NTEMU_FUZZ_DEVICE("\\Device\\Planted", IOCTL_PLANTED_STORE, IOCTL_PLANTED_LENGTH)
