// Requests to a driver's device, as a program's would come: opened by name, read, written, controlled, cancelled,
// closed.
//
//   Device device("\\\\.\\NtemuIoctl");
//   const Answer answer = device.control(IOCTL_NTEMU_UPPERCASE, "abc", 16);
//   EXPECT_THAT(answer.status, NtSucceeds());
//   EXPECT_EQ(answer.output, "ABC");
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ntifs.h"

namespace ntemu::testing {

// What became of a request.
struct Answer {
  NTSTATUS returned = STATUS_PENDING;  // by the dispatch routine
  NTSTATUS status = STATUS_PENDING;    // IoStatus.Status at the completion
  ULONG_PTR information = 0;           // IoStatus.Information
  std::string output;                  // the first `information` bytes of the caller's buffer
  KIRQL irql = PASSIVE_LEVEL;          // at which it was completed
  bool pended = false;                 // marked pending
};

// A request on its way. It is cancelled and awaited, at the latest, when it is destroyed.
class Request {
 public:
  ~Request();
  Request(Request &&) noexcept;
  Request &operator=(Request &&) noexcept;
  bool completed() const;
  // IoCancelIrp; whether there was a cancel routine, which then has run.
  bool cancel();
  // Waits for the completion. When nothing that runs or is due will complete it, the test fails, the request is
  // cancelled, and `status` is STATUS_PENDING unless that has helped.
  Answer wait();

  struct State;  // the kit's

 private:
  friend class Device;
  explicit Request(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// An open file of a device. Breaches of the I/O manager's rules fail the test: a routine that neither completes a
// request nor returns STATUS_PENDING, one that pends without marking the IRP or the reverse, an Information that is
// larger than the output.
class Device {
 public:
  // Opens it: IRP_MJ_CREATE. `path` is an object's name, \Device\Foo or \DosDevices\Foo, or a program's, \\.\Foo.
  explicit Device(std::string_view path, ACCESS_MASK access = GENERIC_READ | GENERIC_WRITE);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;
  NTSTATUS status() const;        // of the open
  PFILE_OBJECT file() const;      // nullptr when it failed
  PDEVICE_OBJECT device() const;  // the top of its stack, where requests go

  // Who sends, as the driver sees it; KernelMode by default.
  void set_requestor_mode(KPROCESSOR_MODE mode);

  Answer read(ULONG length, int64_t offset = 0);
  Answer write(std::string_view data, int64_t offset = 0);
  Answer control(ULONG code, std::string_view input = {}, ULONG output_length = 0);
  Answer flush();
  // The same without waiting for the completion.
  Request start_read(ULONG length, int64_t offset = 0);
  Request start_write(std::string_view data, int64_t offset = 0);
  Request start_control(ULONG code, std::string_view input = {}, ULONG output_length = 0);

  // IRP_MJ_CLEANUP, and IRP_MJ_CLOSE when no request holds the file any more.
  void close();

 private:
  struct State;
  Request send(UCHAR major_function, ULONG code, std::string_view input, ULONG output_length, int64_t offset);
  std::unique_ptr<State> state_;
};

}  // namespace ntemu::testing
