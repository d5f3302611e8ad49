// Directories and symbolic links: the bodies of the namespace's own objects. All of it is guarded by names_mutex.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "ntemu/base/lock.h"
#include "ntemu/ob/header.h"

namespace ntemu::ob {

extern base::Mutex names_mutex;

// Names are keyed by their upper-case form: names that differ in case only may stand side by side.
struct Directory {
  std::unordered_multimap<std::u16string, void *> *entries;
};

struct SymbolicLink {
  LARGE_INTEGER CreationTime;
  UNICODE_STRING LinkTarget;  // the buffer is pool of the link's own
};
NTEMU_ASSERT_OFFSET(SymbolicLink, LinkTarget, 8);

extern void *root_directory;

// A reference to the object, or nullptr.
void *look_up(Directory &directory, std::u16string_view name, bool ignore_case) NTEMU_EXCLUDES(names_mutex);
// STATUS_OBJECT_NAME_COLLISION, in which case `existing` receives a reference to the object that has the name.
NTSTATUS enter(Directory &directory, std::u16string_view name, void *body, bool permanent, bool ignore_case,
               void **existing) NTEMU_EXCLUDES(names_mutex);
// Whether the object is entered in a directory.
bool has_name(void *body) NTEMU_EXCLUDES(names_mutex);
std::vector<void *> list(Directory &directory) NTEMU_EXCLUDES(names_mutex);

void *create_directory_body();
void *create_symbolic_link_body(std::u16string_view target);
std::u16string target_of(const SymbolicLink &link);

}  // namespace ntemu::ob
