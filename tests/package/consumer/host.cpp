// A program that hosts a machine and asks the kernel in it.
#include <ntddk.h>
#include <ntemu/machine.h>

#include <cstdio>

int main() {
  auto machine = ntemu::Machine::boot({});
  if (!machine) return 1;
  std::printf("booted at IRQL %d\n", KeGetCurrentIrql());
}
