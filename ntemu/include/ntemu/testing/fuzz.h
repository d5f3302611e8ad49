// A libFuzzer program for a driver's device: random requests to its dispatch routines, under AddressSanitizer.
//
//   #include <ntemu/testing/fuzz.h>
//   #include "mydriver.h"
//
//   NTEMU_FUZZ_DEVICE("\\\\.\\MyDevice", IOCTL_MY_ADD, IOCTL_MY_TOTAL)
//
// An input is a list of requests (see DeviceFuzzer). The driver is started for each input and unloaded after it; what
// it leaks, and what the kit's Device finds wrong, ends the program like a crash. With NTEMU_FUZZ_TRACE=1 in the
// environment the program prints the requests: `NTEMU_FUZZ_TRACE=1 ./fuzzer crash-...`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ntifs.h"

namespace ntemu::testing {

// What an input's bytes are: one request after the other, each a byte that says which (a control code of the list, then
// read, write, and closing and opening again; modulo their number), two bytes for the length of the output, two for
// that of the input (at most what is left), all low byte first, and the input.
class DeviceFuzzer {
 public:
  DeviceFuzzer(PDRIVER_INITIALIZE entry, std::string path, std::vector<ULONG> codes);
  ~DeviceFuzzer();
  void run(std::span<const uint8_t> input);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ntemu::testing

#define NTEMU_FUZZ_DEVICE(path, ...)                                                                  \
  extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT, PUNICODE_STRING);                                   \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {                           \
    static ::ntemu::testing::DeviceFuzzer fuzzer(DriverEntry, path, std::vector<ULONG>{__VA_ARGS__}); \
    fuzzer.run({data, size});                                                                         \
    return 0;                                                                                         \
  }
