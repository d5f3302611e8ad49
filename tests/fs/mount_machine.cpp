// A machine on a directory with its \DosDevices mounted: mount_machine MACHINE MOUNT_POINT
// Says "mounted", and ends with its standard input.
#include <cstdio>

#include "fs/dos_devices.h"

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fputs("usage: mount_machine MACHINE MOUNT_POINT\n", stderr);
    return 2;
  }
  auto machine = ntemu::Machine::boot({.directory = argv[1], .debug_print = {}, .message = {}});
  if (!machine) {
    std::fprintf(stderr, "mount_machine: %s\n", machine.error().text.c_str());
    return 1;
  }
  auto view = ntemu::fs::DosDevices::mount(argv[2]);
  if (!view) {
    std::fprintf(stderr, "mount_machine: %s\n", view.error().text.c_str());
    return 77;
  }
  std::puts("mounted");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  (*view).reset();
  return (*machine)->shut_down() ? 0 : 1;
}
