// The source line of an address, out of the debug information of the image it lies in, or lay in.
#pragma once

#include <string>

namespace ntemu::ldr {
struct Image;
}

namespace ntemu::machine {

// A loaded driver's addresses can be told from now on, also when it is gone.
void note_image(const ldr::Image &image);

struct SourceLine {
  const char *file = nullptr;  // stays; null when it is not known
  int line = -1;
  std::string function;  // "kmutex!MoverThread", or what is known instead
};
// Of the call that returns to `address`.
SourceLine find_line(const void *address);

// "driver/kmutex.c:42 (kmutex!MoverThread)"; without debug information what is known of it.
std::string describe_line(const SourceLine &line);
std::string describe_line(const void *address);
// "kmutex!MoverThread+0x1c (driver/kmutex.c @ 42)", as a debugger's stack shows it.
std::string describe_place(const void *address);

}  // namespace ntemu::machine
