#include "ntemu/include/ntemu/testing/device.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "ntemu/include/ntemu/testing/matchers.h"
#include "ntemu/io/file.h"
#include "ntemu/io/irp.h"
#include "ntemu/io/irp_buffers.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ke/wait.h"
#include "ntemu/machine/rest.h"
#include "ntemu/testing/nt_path.h"
#include "ntemu/testing/quiet.h"
#include "ntemu/testing/report.h"

namespace ntemu::testing {

struct Request::State {
  std::string name;  // for reports
  std::string input, output;
  PFILE_OBJECT file = nullptr;
  PIRP irp = nullptr;
  Answer answer;
  std::atomic<bool> completed{false};
  bool finished = false;

  ~State() {
    const Quiet quiet;
    if (irp) io::drop_irp(irp);
    if (file) ob::dereference(file);
  }
  void finish();
};

namespace {

NTSTATUS note_completion(PDEVICE_OBJECT, PIRP irp, PVOID context) {
  const Quiet quiet;
  auto &state = *static_cast<Request::State *>(context);
  state.answer.irql = ke::current().irql;
  state.answer.status = irp->IoStatus.Status;
  state.answer.information = irp->IoStatus.Information;
  state.answer.pended = irp->PendingReturned;
  state.completed.store(true, std::memory_order_release);
  ke::note_rest();
  return STATUS_MORE_PROCESSING_REQUIRED;
}

const char *name_of(UCHAR major_function) {
  switch (major_function) {
    case IRP_MJ_READ:
      return "IRP_MJ_READ";
    case IRP_MJ_WRITE:
      return "IRP_MJ_WRITE";
    case IRP_MJ_DEVICE_CONTROL:
      return "IRP_MJ_DEVICE_CONTROL";
    default:
      return "IRP_MJ_FLUSH_BUFFERS";
  }
}

}  // namespace

// On the sender's thread, when the driver is done with it.
void Request::State::finish() {
  finished = true;
  if (answer.returned != STATUS_PENDING && answer.pended) {
    FAIL_TEST() << name << ": the IRP was marked pending, but the dispatch routine returned "
                << status_name(answer.returned) << " instead of STATUS_PENDING";
  } else if (answer.returned == STATUS_PENDING && !answer.pended) {
    FAIL_TEST() << name << ": the dispatch routine returned STATUS_PENDING without IoMarkIrpPending";
  }
  // What comes through the system buffer is copied, by the I/O manager in real life: as much as Information says.
  const bool copied = irp->Flags & IRP_INPUT_OPERATION;
  if (copied && answer.information > output.size() && !NT_ERROR(answer.status)) {
    FAIL_TEST() << name << ": Information is " << answer.information << ", but the output has only " << output.size()
                << " bytes";
  }
  const size_t good = std::min<size_t>(answer.information, output.size());
  if (NT_ERROR(answer.status)) return;
  if (copied && good > 0) std::memcpy(output.data(), irp->AssociatedIrp.SystemBuffer, good);
  answer.output = output.substr(0, good);
}

Request::Request(std::unique_ptr<State> state) : state_(std::move(state)) {}
Request::Request(Request &&) noexcept = default;
Request &Request::operator=(Request &&) noexcept = default;

Request::~Request() {
  if (!state_) return;
  if (!completed()) cancel();
  if (!state_->finished) wait();
  // A driver that never lets go of it still has the IRP: it may look at it until the machine's end.
  if (!completed()) static_cast<void>(state_.release());
}

bool Request::completed() const { return state_->completed.load(std::memory_order_acquire); }

bool Request::cancel() {
  const api::BypassOne bypass;
  return IoCancelIrp(state_->irp);
}

Answer Request::wait() {
  State &state = *state_;
  const std::atomic<bool> never{false};
  const auto idle = [] {
    const Rest rest = machine::look_for_rest();
    return rest == Rest::kDone || rest == Rest::kWaiting;
  };
  machine::wait_until([&] { return completed() || idle(); }, std::nullopt, never);
  if (!completed()) {
    FAIL_TEST() << state.name << " is not completed, and nothing that runs or is due will complete it.\n"
                << "Its dispatch routine returned " << status_name(state.answer.returned)
                << "; a request that it keeps has to be completed by another routine of the driver, or cancelled.";
    cancel();
    if (!completed()) return state.answer;
  }
  if (!state.finished) state.finish();
  return state.answer;
}

struct Device::State {
  std::string path;
  NTSTATUS status = STATUS_UNSUCCESSFUL;
  HANDLE handle = nullptr;
  FILE_OBJECT *file = nullptr;
  KPROCESSOR_MODE mode = KernelMode;
};

Device::Device(std::string_view path, ACCESS_MASK access) : state_(std::make_unique<State>()) {
  State &state = *state_;
  state.path = path;
  const std::u16string name = nt_path(path);
  UNICODE_STRING unicode = base::to_unicode_string(name);
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, &unicode, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
  IO_STATUS_BLOCK io;
  {
    const api::BypassOne bypass;
    state.status = ZwCreateFile(&state.handle, access | SYNCHRONIZE, &attributes, &io, nullptr, 0,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_OPEN, 0, nullptr, 0);
  }
  if (!NT_SUCCESS(state.status)) return;
  const Quiet quiet;
  state.file = static_cast<FILE_OBJECT *>(*ob::reference_by_handle(state.handle, 0, &io::file_type, KernelMode));
}

Device::~Device() { close(); }

NTSTATUS Device::status() const { return state_->status; }
PFILE_OBJECT Device::file() const { return state_->file; }
PDEVICE_OBJECT Device::device() const {
  const Quiet quiet;
  return state_->file ? IoGetRelatedDeviceObject(state_->file) : nullptr;
}
void Device::set_requestor_mode(KPROCESSOR_MODE mode) { state_->mode = mode; }

void Device::close() {
  if (!state_->file) return;
  {
    const api::BypassOne bypass;
    ZwClose(state_->handle);
  }
  const api::BypassOne bypass;
  ObfDereferenceObject(std::exchange(state_->file, nullptr));
}

Request Device::send(UCHAR major_function, ULONG code, std::string_view input, ULONG output_length, int64_t offset) {
  const State &from = *state_;
  if (!from.file) throw std::logic_error(fmt::format("'{}' is not open", from.path));
  auto state = std::make_unique<Request::State>();
  state->name = fmt::format("{} to {}", name_of(major_function), from.path);
  if (major_function == IRP_MJ_DEVICE_CONTROL) state->name += fmt::format(" (code {:#x})", code);
  state->input = input;
  state->output.resize(output_length);
  PDEVICE_OBJECT top = device();
  {
    const Quiet quiet;
    ob::reference(from.file);
    state->file = from.file;
    state->irp = io::make_irp(top, from.file, major_function, 0);
    if (!state->irp) throw std::bad_alloc();
    state->irp->RequestorMode = from.mode;
    const auto input_length = static_cast<ULONG>(input.size());
    PIO_STACK_LOCATION location = io::first_location(state->irp);
    NTSTATUS status = STATUS_SUCCESS;
    if (major_function == IRP_MJ_DEVICE_CONTROL) {
      status = io::attach_control(state->irp, code,
                                  {state->input.data(), input_length, state->output.data(), output_length}, KernelMode);
    } else if (major_function == IRP_MJ_READ) {
      status = io::attach_transfer(state->irp, top->Flags, true, state->output.data(), output_length, KernelMode);
      location->Parameters.Read.Length = output_length;
      location->Parameters.Read.ByteOffset.QuadPart = offset;
    } else if (major_function == IRP_MJ_WRITE) {
      status = io::attach_transfer(state->irp, top->Flags, false, state->input.data(), input_length, KernelMode);
      location->Parameters.Write.Length = input_length;
      location->Parameters.Write.ByteOffset.QuadPart = offset;
    }
    if (!NT_SUCCESS(status)) throw std::bad_alloc();
    IoSetCompletionRoutine(state->irp, note_completion, state.get(), TRUE, TRUE, TRUE);
  }
  Request::State &sent = *state;
  Request request(std::move(state));
  sent.answer.returned = io::call_driver(top, sent.irp);
  if (sent.answer.returned != STATUS_PENDING && !request.completed()) {
    FAIL_TEST() << sent.name << ": the dispatch routine returned " << status_name(sent.answer.returned)
                << " without completing the IRP; it has to complete it, or to return STATUS_PENDING";
  }
  return request;
}

Request Device::start_read(ULONG length, int64_t offset) { return send(IRP_MJ_READ, 0, {}, length, offset); }
Request Device::start_write(std::string_view data, int64_t offset) { return send(IRP_MJ_WRITE, 0, data, 0, offset); }
Request Device::start_control(ULONG code, std::string_view input, ULONG output_length) {
  return send(IRP_MJ_DEVICE_CONTROL, code, input, output_length, 0);
}
Answer Device::read(ULONG length, int64_t offset) { return start_read(length, offset).wait(); }
Answer Device::write(std::string_view data, int64_t offset) { return start_write(data, offset).wait(); }
Answer Device::control(ULONG code, std::string_view input, ULONG output_length) {
  return start_control(code, input, output_length).wait();
}
Answer Device::flush() { return send(IRP_MJ_FLUSH_BUFFERS, 0, {}, 0, 0).wait(); }

}  // namespace ntemu::testing
