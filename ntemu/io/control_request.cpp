#include "ntemu/io/control_request.h"

#include <map>

#include "ntemu/base/lock.h"
#include "ntemu/base/utf.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ke/wait.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/thread.h"

namespace ntemu::io {
namespace {

// A thread that leaves because the machine ends runs no destructors: it owns nothing, and what it had stays here.
struct UnderWay {
  base::Mutex mutex;
  std::map<void *, std::shared_ptr<ControlRequest>> requests NTEMU_GUARDED_BY(mutex);
};

UnderWay &under_way() {
  static auto *all = new UnderWay;
  return *all;
}

std::shared_ptr<ControlRequest> take(void *request) {
  base::Guard guard(under_way().mutex);
  auto node = under_way().requests.extract(request);
  return std::move(node.mapped());
}

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

// The name that lists of threads show.
extern "C" VOID DeviceControlThread(PVOID context) {
  // What the device's driver does here it does in a system service of whoever sent the request.
  ETHREAD &thread = ke::current();
  __atomic_fetch_and(&thread.CrossThreadFlags, ~ULONG{ke::kSystemThreadFlag}, __ATOMIC_RELAXED);
  thread.serves_user = true;
  io::perform(*static_cast<io::ControlRequest *>(context));
  thread.serves_user = false;
  __atomic_fetch_or(&thread.CrossThreadFlags, ke::kSystemThreadFlag, __ATOMIC_RELAXED);
  io::take(context)->done = true;
  ke::note_rest();
}

namespace ntemu::io {

NTSTATUS start_request(const std::shared_ptr<ControlRequest> &request) {
  {
    base::Guard guard(under_way().mutex);
    under_way().requests[request.get()] = request;
  }
  const auto thread = ps::create_thread(DeviceControlThread, request.get());
  if (!thread) {
    take(request.get());
    return thread.status();
  }
  ob::dereference(*thread);
  return STATUS_SUCCESS;
}

}  // namespace ntemu::io
