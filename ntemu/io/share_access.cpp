// SHARE_ACCESS: which opens of a file agree with each other. Its owner, a file system, keeps others from it.
#include "ntemu/api/enter.h"
#include "ntifs.h"

using namespace ntemu;

namespace {

void store_access(FILE_OBJECT &file, ACCESS_MASK access) {
  file.ReadAccess = (access & (FILE_READ_DATA | FILE_EXECUTE)) != 0;
  file.WriteAccess = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
  file.DeleteAccess = (access & DELETE) != 0;
}

void store_share(FILE_OBJECT &file, ULONG share) {
  file.SharedRead = (share & FILE_SHARE_READ) != 0;
  file.SharedWrite = (share & FILE_SHARE_WRITE) != 0;
  file.SharedDelete = (share & FILE_SHARE_DELETE) != 0;
}

// Opens that neither read, write nor delete are not counted.
bool counts(const FILE_OBJECT &file) { return file.ReadAccess || file.WriteAccess || file.DeleteAccess; }

void count(const FILE_OBJECT &file, SHARE_ACCESS &sharing, int by) {
  const auto add = [by](ULONG &counter, BOOLEAN applies) { counter += applies ? static_cast<ULONG>(by) : 0; };
  add(sharing.OpenCount, TRUE);
  add(sharing.Readers, file.ReadAccess);
  add(sharing.Writers, file.WriteAccess);
  add(sharing.Deleters, file.DeleteAccess);
  add(sharing.SharedRead, file.SharedRead);
  add(sharing.SharedWrite, file.SharedWrite);
  add(sharing.SharedDelete, file.SharedDelete);
}

// One kind of access: what this open wants the others have to share, and the other way round.
bool conflicts(BOOLEAN wants, ULONG sharers, BOOLEAN shares, ULONG users, ULONG opens) {
  return (wants && sharers < opens) || (users && !shares);
}

}  // namespace

NTSTATUS IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                            PSHARE_ACCESS ShareAccess, BOOLEAN Update) {
  NT_ENTER(IoCheckShareAccess, DesiredAccess, DesiredShareAccess, FileObject, ShareAccess, Update);
  FILE_OBJECT &file = *FileObject;
  SHARE_ACCESS &sharing = *ShareAccess;
  store_access(file, DesiredAccess);
  if (!counts(file)) return STATUS_SUCCESS;
  store_share(file, DesiredShareAccess);
  const ULONG opens = sharing.OpenCount;
  if (conflicts(file.ReadAccess, sharing.SharedRead, file.SharedRead, sharing.Readers, opens) ||
      conflicts(file.WriteAccess, sharing.SharedWrite, file.SharedWrite, sharing.Writers, opens) ||
      conflicts(file.DeleteAccess, sharing.SharedDelete, file.SharedDelete, sharing.Deleters, opens)) {
    return STATUS_SHARING_VIOLATION;
  }
  if (Update) count(file, sharing, 1);
  return STATUS_SUCCESS;
}

VOID IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess, PFILE_OBJECT FileObject,
                      PSHARE_ACCESS ShareAccess) {
  NT_ENTER(IoSetShareAccess, DesiredAccess, DesiredShareAccess, FileObject, ShareAccess);
  *ShareAccess = {};
  store_access(*FileObject, DesiredAccess);
  if (!counts(*FileObject)) return;
  store_share(*FileObject, DesiredShareAccess);
  count(*FileObject, *ShareAccess, 1);
}

VOID IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess) {
  NT_ENTER(IoUpdateShareAccess, FileObject, ShareAccess);
  if (counts(*FileObject)) count(*FileObject, *ShareAccess, 1);
}

VOID IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess) {
  NT_ENTER(IoRemoveShareAccess, FileObject, ShareAccess);
  if (counts(*FileObject)) count(*FileObject, *ShareAccess, -1);
}
