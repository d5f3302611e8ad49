// Interrupts, which the host fires: there are no devices.
#pragma once

#include "nt/basetsd.h"

namespace ntemu::ke {

// Calls the service routines that are connected to `vector`, each at its IRQL and under its lock, on a processor of the
// calling thread's; TRUE from one ends a level-sensitive interrupt. Whether one claimed it.
bool fire_interrupt(ULONG vector);
// The machine ends: takes off what drivers left connected.
void forget_interrupts();

}  // namespace ntemu::ke
