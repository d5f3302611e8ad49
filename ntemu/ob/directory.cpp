#include "ntemu/ob/directory.h"

#include <cstring>

#include "ntemu/base/clock.h"
#include "ntemu/base/utf.h"
#include "ntemu/rtl/case.h"

namespace ntemu::ob {
namespace {

void delete_directory(void *body) { delete static_cast<Directory *>(body)->entries; }

void delete_symbolic_link_body(void *body) {
  PVOID buffer = static_cast<SymbolicLink *>(body)->LinkTarget.Buffer;
  if (buffer) ExFreePoolWithTag(buffer, kNameTag);
}

}  // namespace

base::Mutex names_mutex;
void *root_directory = nullptr;

_OBJECT_TYPE directory_type{
    .name = u"Directory",
    .valid_access = DIRECTORY_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ | DIRECTORY_QUERY | DIRECTORY_TRAVERSE,
                        STANDARD_RIGHTS_WRITE | DIRECTORY_CREATE_OBJECT | DIRECTORY_CREATE_SUBDIRECTORY,
                        STANDARD_RIGHTS_EXECUTE | DIRECTORY_QUERY | DIRECTORY_TRAVERSE, DIRECTORY_ALL_ACCESS},
    .on_delete = delete_directory};
_OBJECT_TYPE symbolic_link_type{
    .name = u"SymbolicLink",
    .valid_access = SYMBOLIC_LINK_ALL_ACCESS,
    .generic_mapping = {STANDARD_RIGHTS_READ | SYMBOLIC_LINK_QUERY, STANDARD_RIGHTS_WRITE,
                        STANDARD_RIGHTS_EXECUTE | SYMBOLIC_LINK_QUERY, SYMBOLIC_LINK_ALL_ACCESS},
    .on_delete = delete_symbolic_link_body};

namespace {

void *find(Directory &directory, std::u16string_view name, bool ignore_case) NTEMU_REQUIRES(names_mutex) {
  const auto [first, last] = directory.entries->equal_range(rtl::upcase(name));
  for (auto entry = first; entry != last; ++entry) {
    if (ignore_case || base::view(name_info_of(header_of(entry->second)).Name) == name) return entry->second;
  }
  return nullptr;
}

// Takes the name out of its directory; what is to be freed without the lock.
struct Removed {
  void *body = nullptr;
  void *directory = nullptr;
  PVOID name = nullptr;

  void release() const {
    if (name) ExFreePoolWithTag(name, kNameTag);
    if (directory) dereference(directory);
    if (body) dereference(body);
  }
};

Removed take_out(void *body) NTEMU_REQUIRES(names_mutex) {
  OBJECT_HEADER_NAME_INFO &info = name_info_of(header_of(body));
  if (!info.Directory) return {};
  const auto [first, last] = info.Directory->entries->equal_range(rtl::upcase(base::view(info.Name)));
  for (auto entry = first; entry != last; ++entry) {
    if (entry->second != body) continue;
    info.Directory->entries->erase(entry);
    break;
  }
  const Removed removed{body, info.Directory, info.Name.Buffer};
  info.Directory = nullptr;
  info.Name = {};
  return removed;
}

}  // namespace

UNICODE_STRING pool_copy(std::u16string_view text) {
  const size_t bytes = text.size() * sizeof(WCHAR);
  if (bytes > 0xFFFC) return {};
  auto *buffer = static_cast<PWSTR>(ExAllocatePool2(POOL_FLAG_PAGED, bytes + sizeof(WCHAR), kNameTag));
  if (!buffer) return {};
  std::memcpy(buffer, text.data(), bytes);
  buffer[text.size()] = 0;
  return {static_cast<USHORT>(bytes), static_cast<USHORT>(bytes + sizeof(WCHAR)), buffer};
}

void *create_directory_body() {
  void *body = create(directory_type, sizeof(Directory));
  if (body) static_cast<Directory *>(body)->entries = new std::unordered_multimap<std::u16string, void *>;
  return body;
}

void *create_symbolic_link_body(std::u16string_view target) {
  auto *link = static_cast<SymbolicLink *>(create(symbolic_link_type, sizeof(SymbolicLink)));
  if (!link) return nullptr;
  link->CreationTime.QuadPart = base::clock().system_time();
  link->LinkTarget = pool_copy(target);
  if (link->LinkTarget.Buffer) return link;
  dereference(link);
  return nullptr;
}

std::u16string target_of(const SymbolicLink &link) { return std::u16string(base::view(link.LinkTarget)); }

void *look_up(Directory &directory, std::u16string_view name, bool ignore_case) {
  base::Guard guard(names_mutex);
  void *body = find(directory, name, ignore_case);
  if (body) reference(body);
  return body;
}

NTSTATUS enter(Directory &directory, std::u16string_view name, void *body, bool permanent, bool ignore_case,
               void **existing) {
  UNICODE_STRING copy = pool_copy(name);
  if (!copy.Buffer) return STATUS_INSUFFICIENT_RESOURCES;
  {
    base::Guard guard(names_mutex);
    void *other = find(directory, name, ignore_case);
    if (!other) {
      OBJECT_HEADER &header = header_of(body);
      OBJECT_HEADER_NAME_INFO &info = name_info_of(header);
      reference(body);
      reference(&directory);
      info.Directory = &directory;
      info.Name = copy;
      header.Flags = static_cast<UCHAR>(permanent ? header.Flags | kPermanentFlag : header.Flags & ~kPermanentFlag);
      directory.entries->emplace(rtl::upcase(name), body);
      return STATUS_SUCCESS;
    }
    reference(other);
    *existing = other;
  }
  ExFreePoolWithTag(copy.Buffer, kNameTag);
  return STATUS_OBJECT_NAME_COLLISION;
}

bool has_name(void *body) {
  base::Guard guard(names_mutex);
  return name_info_of(header_of(body)).Directory != nullptr;
}

std::vector<void *> list(Directory &directory) {
  base::Guard guard(names_mutex);
  std::vector<void *> bodies;
  for (const auto &[name, body] : *directory.entries) {
    reference(body);
    bodies.push_back(body);
  }
  return bodies;
}

void remove_name(void *body) {
  Removed removed;
  {
    base::Guard guard(names_mutex);
    removed = take_out(body);
  }
  removed.release();
}

void remove_temporary_name(void *body) {
  Removed removed;
  {
    base::Guard guard(names_mutex);
    if (!(header_of(body).Flags & kPermanentFlag) && handle_count(body) == 0) removed = take_out(body);
  }
  removed.release();
}

void make_temporary(void *body) {
  {
    base::Guard guard(names_mutex);
    header_of(body).Flags &= static_cast<UCHAR>(~kPermanentFlag);
  }
  remove_temporary_name(body);
}

std::u16string name_of(void *body) {
  if (const _OBJECT_TYPE &type = type_of(body); type.query_name) {
    if (std::u16string name = type.query_name(body); !name.empty()) return name;
  }
  base::Guard guard(names_mutex);
  if (body == root_directory) return u"\\";
  std::u16string name;
  for (void *at = body; at != root_directory; at = name_info_of(header_of(at)).Directory) {
    const OBJECT_HEADER_NAME_INFO &info = name_info_of(header_of(at));
    if (!info.Directory) return {};  // never had a name, or lies in a directory that lost its own
    name.insert(0, base::view(info.Name));
    name.insert(0, 1, u'\\');
  }
  return name;
}

}  // namespace ntemu::ob
