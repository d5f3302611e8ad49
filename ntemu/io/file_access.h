// Which rights a handle needs for what (MS-FSA, WDK: ZwQueryInformationFile, ZwSetInformationFile).
#pragma once

#include "ntifs.h"

namespace ntemu::io {

// 0: none needed.
ACCESS_MASK access_to_query(FILE_INFORMATION_CLASS info_class);
ACCESS_MASK access_to_set(FILE_INFORMATION_CLASS info_class);

inline constexpr ACCESS_MASK kAccessToRead = FILE_READ_DATA;
// Either of them suffices.
inline constexpr ACCESS_MASK kAccessToWrite = FILE_WRITE_DATA | FILE_APPEND_DATA;

// Whether a handle with these rights may only write at the end.
inline bool appends_only(ACCESS_MASK granted) { return (granted & kAccessToWrite) == FILE_APPEND_DATA; }

}  // namespace ntemu::io
