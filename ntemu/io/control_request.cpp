#include "ntemu/io/control_request.h"

#include "ntemu/base/utf.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/thread.h"

namespace ntemu::io {
namespace {

PVOID data(std::vector<UCHAR> &bytes) { return bytes.empty() ? nullptr : bytes.data(); }

void perform(ControlRequest &request) {
  UNICODE_STRING name = base::to_unicode_string(request.device);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  HANDLE file;
  IO_STATUS_BLOCK io{};
  request.opened = ZwCreateFile(&file, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE, &attributes, &io, nullptr,
                                FILE_ATTRIBUTE_NORMAL, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
  if (!NT_SUCCESS(request.opened)) return;
  io = {};
  request.status = ZwDeviceIoControlFile(file, nullptr, nullptr, nullptr, &io, request.code, data(request.input),
                                         static_cast<ULONG>(request.input.size()), data(request.output),
                                         static_cast<ULONG>(request.output.size()));
  if (!NT_ERROR(request.status)) request.information = io.Information;
  ZwClose(file);
}

}  // namespace
}  // namespace ntemu::io

using namespace ntemu;

// The name that lists of threads show. A thread that leaves because the machine ends runs no destructors: it owns
// nothing on its stack.
extern "C" VOID DeviceControlThread(PVOID context) {
  auto *const owned = static_cast<std::shared_ptr<io::ControlRequest> *>(context);
  io::perform(**owned);
  (*owned)->done = true;
  delete owned;
  ke::note_rest();
}

namespace ntemu::io {

NTSTATUS start_request(const std::shared_ptr<ControlRequest> &request) {
  auto *const owned = new std::shared_ptr<ControlRequest>(request);
  const auto thread = ps::create_thread(DeviceControlThread, owned);
  if (!thread) {
    delete owned;
    return thread.status();
  }
  ob::dereference(*thread);
  return STATUS_SUCCESS;
}

}  // namespace ntemu::io
