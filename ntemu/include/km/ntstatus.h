/* NTSTATUS values. */
#ifndef NTEMU_KM_NTSTATUS_H
#define NTEMU_KM_NTSTATUS_H

#include "nt/status.h"

#endif
