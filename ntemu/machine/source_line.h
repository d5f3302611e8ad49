// The source line of an address, out of the debug information of the image it lies in, or lay in.
#pragma once

#include <string>

namespace ntemu::ldr {
struct Image;
}

namespace ntemu::machine {

// A loaded driver's addresses can be told from now on, also when it is gone.
void note_image(const ldr::Image &image);

// "driver/kmutex.c:42 (kmutex!MoverThread)" of the call that returns to `address`; without debug information what is
// known of it.
std::string describe_line(const void *address);

}  // namespace ntemu::machine
