#include "ntemu/io/file_lock.h"

#include <utility>

namespace ntemu::io {

FileInUse::FileInUse(HANDLE handle, KPROCESSOR_MODE mode) {
  auto found = ob::reference_by_handle(handle, 0, &file_type, mode, &granted_);
  if (!found) {
    status_ = found.status();
    return;
  }
  file_ = static_cast<FILE_OBJECT *>(*found);
  if (!open_file_of(*file_)) status_ = STATUS_INVALID_DEVICE_REQUEST;
}

FileInUse::~FileInUse() {
  if (!file_) return;
  if (locked_) {
    __atomic_store_n(&file_->Busy, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&file_->Waiters, __ATOMIC_SEQ_CST)) KeSetEvent(&file_->Lock, IO_NO_INCREMENT, FALSE);
  }
  ob::dereference(file_);
}

void FileInUse::lock() {
  if (!synchronous()) return;
  locked_ = true;
  if (__atomic_exchange_n(&file_->Busy, 1, __ATOMIC_SEQ_CST) == 0) [[likely]]
    return;
  // Announced before looking again: whoever frees the file looks at Waiters after freeing it.
  __atomic_add_fetch(&file_->Waiters, 1, __ATOMIC_SEQ_CST);
  while (__atomic_exchange_n(&file_->Busy, 1, __ATOMIC_SEQ_CST) != 0) {
    KeWaitForSingleObject(&file_->Lock, Executive, KernelMode, FALSE, nullptr);
  }
  __atomic_sub_fetch(&file_->Waiters, 1, __ATOMIC_SEQ_CST);
}

CompletionEvent::CompletionEvent(HANDLE handle, KPROCESSOR_MODE mode) {
  if (!handle) return;
  auto found = ob::reference_by_handle(handle, EVENT_MODIFY_STATE, nullptr, mode);
  if (!found) {
    status_ = found.status();
    return;
  }
  object_ = ob::Ref<char>::adopt(static_cast<char *>(*found));
  const LONG offset = ob::type_of(*found).dispatcher_offset;
  auto *header = reinterpret_cast<DISPATCHER_HEADER *>(static_cast<char *>(*found) + offset);
  const bool event =
      offset == 0 && ((header->Type & 0x7F) == NotificationEvent || (header->Type & 0x7F) == SynchronizationEvent);
  if (!event) {
    status_ = STATUS_OBJECT_TYPE_MISMATCH;
    return;
  }
  event_ = static_cast<KEVENT *>(*found);
  KeClearEvent(event_);
}

PKEVENT CompletionEvent::release() {
  object_.release();
  return std::exchange(event_, nullptr);
}

void CompletionEvent::set() {
  if (event_) KeSetEvent(event_, IO_NO_INCREMENT, FALSE);
}

}  // namespace ntemu::io
