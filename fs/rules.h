// The rules that decide an open without looking at any file system: parameters, share access, dispositions.
#pragma once

#include "ntemu/io/file_system.h"

namespace ntemu::fs {

// What create's parameters allow, before any name is looked at. KernelMode callers skip most of it.
NTSTATUS check_parameters(const io::CreateRequest &request);

// Share access (WDK: IoCheckShareAccess). Rights that neither read, write nor delete are not counted.
bool share_conflict(const SHARE_ACCESS &state, ACCESS_MASK access, ULONG share);
void add_share(SHARE_ACCESS &state, ACCESS_MASK access, ULONG share);
void remove_share(SHARE_ACCESS &state, ACCESS_MASK access, ULONG share);
// What would be left of `state` without the opens counted in `part`.
SHARE_ACCESS without(const SHARE_ACCESS &state, const SHARE_ACCESS &part);

// Rights that a disposition needs on an existing file beside those asked for; the handle does not get them.
ACCESS_MASK added_access(ULONG disposition);

enum class Existing { kAbsent, kFile, kDirectory };
// STATUS_SUCCESS with the create's Information, or why the disposition refuses what is there.
NTSTATUS apply_disposition(ULONG disposition, ULONG options, Existing existing, ULONG_PTR &information);

// Whether a file's attributes let it be opened so. `granted` is the access with MAXIMUM_ALLOWED resolved.
NTSTATUS check_attributes(const io::CreateRequest &request, ULONG existing, bool directory, ACCESS_MASK &granted);
// The attributes of a file after it was created or overwritten.
ULONG new_attributes(ULONG requested, ULONG previous, ULONG disposition, bool directory);

inline bool replaces_data(ULONG disposition) {
  return disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF;
}

}  // namespace ntemu::fs
