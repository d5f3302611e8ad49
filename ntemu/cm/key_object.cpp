#include "ntemu/cm/key_object.h"

namespace ntemu::cm {
namespace {

KeyBody *create_body(KeyId id) {
  auto *key = static_cast<KeyBody *>(ob::create(key_type, sizeof(KeyBody)));
  if (key) *key = {kKeyBodyType, id};
  return key;
}

// `rest` begins with a backslash when the walk came through \REGISTRY, and may not under RootDirectory.
Result<void *> parse_key(void *body, std::u16string_view rest, ob::OpenRequest &) {
  const auto *key = static_cast<KeyBody *>(body);
  if (rest.starts_with(u'\\')) {
    if (key->id != kRootKey) return STATUS_OBJECT_PATH_SYNTAX_BAD;
    rest.remove_prefix(1);
  }
  const auto id = open_key(key->id, rest);
  if (!id) return id.status();
  KeyBody *opened = create_body(*id);
  if (!opened) return STATUS_INSUFFICIENT_RESOURCES;
  return opened;
}

std::u16string name_of_key(void *body) {
  const auto path = path_of(static_cast<KeyBody *>(body)->id);
  return path ? *path : std::u16string();
}

}  // namespace

_OBJECT_TYPE key_type{.name = u"Key",
                      .valid_access = KEY_ALL_ACCESS,
                      .generic_mapping = {KEY_READ, KEY_WRITE, KEY_EXECUTE, KEY_ALL_ACCESS},
                      .query_name = name_of_key,
                      .parse = parse_key};

NTSTATUS insert_root_key() {
  KeyBody *key = create_body(kRootKey);
  if (!key) return STATUS_INSUFFICIENT_RESOURCES;
  const NTSTATUS status = ob::insert_name(key, u"\\REGISTRY");
  ob::dereference(key);
  return status;
}

Result<KeyBody *> reference_key(HANDLE handle, ACCESS_MASK access, KPROCESSOR_MODE mode) {
  const auto body = ob::reference_by_handle(handle, access, &key_type, mode);
  if (!body) return body.status();
  return static_cast<KeyBody *>(*body);
}

}  // namespace ntemu::cm
