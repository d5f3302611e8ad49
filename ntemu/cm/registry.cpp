#include "ntemu/cm/registry.h"

#include <memory>
#include <type_traits>

#include "ntemu/base/clock.h"
#include "ntemu/base/lock.h"
#include "ntemu/cm/database.h"
#include "ntemu/cm/key_object.h"
#include "ntemu/rtl/case.h"

namespace ntemu::cm {
namespace {

constexpr int kMostLinks = 32;
constexpr size_t kLongestKeyName = 255;      // characters, as documented for the registry
constexpr size_t kLongestValueName = 16383;  // the same

base::Mutex mutex;
std::unique_ptr<Database> database NTEMU_GUARDED_BY(mutex);

// Runs `body(database)` under the lock; a failure of the database is its result.
template <class Body>
std::invoke_result_t<Body, Database &> with_database(Body body) NTEMU_EXCLUDES(mutex) {
  base::Guard guard(mutex);
  if (!database) return STATUS_REGISTRY_IO_FAILED;
  try {
    return body(*database);
  } catch (const DatabaseError &error) {
    return error.status;
  }
}

void require_key(Database &db, KeyId key) {
  if (!Query(db, "SELECT 1 FROM keys WHERE id=?").bind(1, key).step()) throw DatabaseError{STATUS_KEY_DELETED};
}

void touch(Database &db, KeyId key) {
  Query(db, "UPDATE keys SET last_write=? WHERE id=?").bind(1, base::clock().system_time()).bind(2, key).step();
}

struct Child {
  KeyId id;
  std::u16string link;
};

std::optional<Child> find_child(Database &db, KeyId parent, std::u16string_view name) {
  Query query(db, "SELECT id, link FROM keys WHERE parent=? AND fold=?");
  query.bind(1, parent).bind(2, std::u16string_view(rtl::upcase(name)));
  if (!query.step()) return std::nullopt;
  return Child{query.number(0), query.is_null(1) ? std::u16string() : query.text(1)};
}

KeyId add_child(Database &db, KeyId parent, std::u16string_view name) {
  Query query(db, "INSERT INTO keys(parent, name, fold, last_write) VALUES(?, ?, ?, ?)");
  query.bind(1, parent)
      .bind(2, name)
      .bind(3, std::u16string_view(rtl::upcase(name)))
      .bind(4, base::clock().system_time())
      .step();
  const KeyId id = sqlite3_last_insert_rowid(db.connection());
  touch(db, parent);
  return id;
}

// Strips \REGISTRY from a full path; what follows has no leading backslash.
Result<std::u16string> below_root(std::u16string_view path) {
  constexpr std::u16string_view kPrefix = u"\\REGISTRY";
  if (!path.starts_with(u'\\')) return STATUS_OBJECT_PATH_SYNTAX_BAD;
  if (path.size() < kPrefix.size() || !rtl::equal(path.substr(0, kPrefix.size()), kPrefix, true))
    return STATUS_OBJECT_PATH_NOT_FOUND;
  path.remove_prefix(kPrefix.size());
  if (path.empty()) return std::u16string();
  if (!path.starts_with(u'\\')) return STATUS_OBJECT_PATH_NOT_FOUND;
  return std::u16string(path.substr(1));
}

Result<KeyId> walk(Database &db, KeyId start, std::u16string path, bool create) {
  require_key(db, start);
  int links = 0;
  KeyId at = start;
  while (!path.empty()) {
    const size_t end = path.find(u'\\');
    const std::u16string name = path.substr(0, end);
    if (name.empty() || name.size() > kLongestKeyName) return STATUS_OBJECT_NAME_INVALID;
    path = end == std::u16string::npos ? u"" : path.substr(end + 1);
    if (end != std::u16string::npos && path.empty()) break;  // a backslash at the end is let pass
    const auto child = find_child(db, at, name);
    if (!child && !create) return STATUS_OBJECT_NAME_NOT_FOUND;
    if (!child && at == kRootKey) return STATUS_ACCESS_DENIED;  // \REGISTRY takes no further keys
    at = child ? child->id : add_child(db, at, name);
    if (!child || child->link.empty()) continue;
    if (++links > kMostLinks) return STATUS_OBJECT_NAME_NOT_FOUND;
    auto target = below_root(child->link);
    if (!target) return target.status();
    if (!path.empty()) target->append(u"\\").append(path);
    path = std::move(*target);
    at = kRootKey;
  }
  return at;
}

Result<KeyId> create_path(Database &db, std::u16string_view path) {
  auto rest = below_root(path);
  if (!rest) return rest.status();
  return walk(db, kRootKey, *rest, true);
}

void build_default_keys(Database &db) {
  Transaction transaction(db);
  if (!Query(db, "SELECT 1 FROM keys WHERE id=1").step()) {
    db.run("INSERT INTO keys(id, parent, name, fold, last_write) VALUES(1, NULL, 'REGISTRY', 'REGISTRY', 0)");
    for (const char16_t *top : {u"MACHINE", u"USER"}) add_child(db, kRootKey, top);
    for (const char16_t *path :
         {u"\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM", u"\\REGISTRY\\MACHINE\\HARDWARE\\DEVICEMAP",
          u"\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
          u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Control", u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Enum",
          u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services", u"\\REGISTRY\\USER\\.DEFAULT"}) {
      (void)create_path(db, path);
    }
    const auto system = create_path(db, u"\\REGISTRY\\MACHINE\\SYSTEM");
    const KeyId link = add_child(db, *system, u"CurrentControlSet");
    Query(db, "UPDATE keys SET link=? WHERE id=?")
        .bind(1, std::u16string_view(u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001"))
        .bind(2, link)
        .step();
  }
  transaction.commit();
}

Value read_value(const Query &query) {
  const auto data = query.blob(2);
  return {query.text(0), static_cast<ULONG>(query.number(1)), {data.begin(), data.end()}};
}

}  // namespace

std::optional<std::string> boot(const std::string &path) {
  auto opened = std::make_unique<Database>();
  if (std::string error = opened->open(path); !error.empty()) return error;
  try {
    build_default_keys(*opened);
  } catch (const DatabaseError &) {
    return "cannot use the registry hive " + path + ": " + sqlite3_errmsg(opened->connection());
  }
  {
    base::Guard guard(mutex);
    database = std::move(opened);
  }
  if (!NT_SUCCESS(insert_root_key())) return "out of memory for the registry's root";
  return std::nullopt;
}

void teardown() {
  base::Guard guard(mutex);
  database.reset();
}

Result<KeyId> open_key(std::u16string_view path) {
  const auto rest = below_root(path);
  if (!rest) return rest.status();
  return open_key(kRootKey, *rest);
}

Result<KeyId> open_key(KeyId parent, std::u16string_view path) {
  return with_database([&](Database &db) { return walk(db, parent, std::u16string(path), false); });
}

Result<KeyId> create_key(std::u16string_view path) {
  return with_database([&](Database &db) -> Result<KeyId> {
    Transaction transaction(db);
    const auto key = create_path(db, path);
    if (key) transaction.commit();
    return key;
  });
}

Result<std::u16string> path_of(KeyId key) {
  return with_database([&](Database &db) -> Result<std::u16string> {
    require_key(db, key);
    std::u16string path;
    for (KeyId at = key; at != 0;) {
      Query query(db, "SELECT name, parent FROM keys WHERE id=?");
      if (!query.bind(1, at).step()) return STATUS_KEY_DELETED;
      path.insert(0, u"\\" + query.text(0));
      at = query.is_null(1) ? 0 : query.number(1);
    }
    return path;
  });
}

NTSTATUS delete_key(KeyId key) {
  return with_database([&](Database &db) -> NTSTATUS {
    require_key(db, key);
    if (key == kRootKey || Query(db, "SELECT 1 FROM keys WHERE parent=?").bind(1, key).step())
      return STATUS_CANNOT_DELETE;
    Query(db, "DELETE FROM keys WHERE id=?").bind(1, key).step();
    return STATUS_SUCCESS;
  });
}

NTSTATUS delete_tree(KeyId key) {
  return with_database([&](Database &db) -> NTSTATUS {
    require_key(db, key);
    if (key == kRootKey) return STATUS_CANNOT_DELETE;
    Query(db,
          "DELETE FROM keys WHERE id IN (WITH RECURSIVE tree(id) AS "
          "(SELECT ? UNION ALL SELECT keys.id FROM keys JOIN tree ON keys.parent=tree.id) SELECT id FROM tree)")
        .bind(1, key)
        .step();
    return STATUS_SUCCESS;
  });
}

Result<Value> query_value(KeyId key, std::u16string_view name) {
  return with_database([&](Database &db) -> Result<Value> {
    require_key(db, key);
    Query query(db, "SELECT name, type, data FROM key_values WHERE key=? AND fold=?");
    if (!query.bind(1, key).bind(2, std::u16string_view(rtl::upcase(name))).step()) return STATUS_OBJECT_NAME_NOT_FOUND;
    return read_value(query);
  });
}

NTSTATUS set_value(KeyId key, std::u16string_view name, ULONG type, const void *data, size_t size) {
  if (name.size() > kLongestValueName) return STATUS_OBJECT_NAME_INVALID;
  return with_database([&](Database &db) -> NTSTATUS {
    Transaction transaction(db);
    require_key(db, key);
    // The name keeps the case in which it was first written.
    Query query(db,
                "INSERT INTO key_values(key, name, fold, type, data) VALUES(?, ?, ?, ?, ?) "
                "ON CONFLICT(key, fold) DO UPDATE SET type=excluded.type, data=excluded.data");
    query.bind(1, key)
        .bind(2, name)
        .bind(3, std::u16string_view(rtl::upcase(name)))
        .bind(4, int64_t{type})
        .bind(5, data, size)
        .step();
    touch(db, key);
    transaction.commit();
    return STATUS_SUCCESS;
  });
}

NTSTATUS set_string(KeyId key, std::u16string_view name, ULONG type, std::u16string_view text) {
  const std::u16string terminated(text);
  return set_value(key, name, type, terminated.c_str(), (terminated.size() + 1) * sizeof(char16_t));
}

NTSTATUS set_dword(KeyId key, std::u16string_view name, ULONG value) {
  return set_value(key, name, REG_DWORD, &value, sizeof(value));
}

NTSTATUS delete_value(KeyId key, std::u16string_view name) {
  return with_database([&](Database &db) -> NTSTATUS {
    Transaction transaction(db);
    require_key(db, key);
    Query query(db, "DELETE FROM key_values WHERE key=? AND fold=?");
    query.bind(1, key).bind(2, std::u16string_view(rtl::upcase(name))).step();
    if (query.changed() == 0) return STATUS_OBJECT_NAME_NOT_FOUND;
    touch(db, key);
    transaction.commit();
    return STATUS_SUCCESS;
  });
}

Result<std::vector<Value>> list_values(KeyId key) {
  return with_database([&](Database &db) -> Result<std::vector<Value>> {
    require_key(db, key);
    std::vector<Value> values;
    Query query(db, "SELECT name, type, data FROM key_values WHERE key=? ORDER BY id");
    query.bind(1, key);
    while (query.step()) values.push_back(read_value(query));
    return values;
  });
}

std::optional<NTSTATUS> create_service_key(std::u16string_view name, const ServiceSettings &settings) {
  if (name.empty() || name.size() > 256 || name.find_first_of(u"/\\,") != std::u16string_view::npos)
    return STATUS_OBJECT_NAME_INVALID;
  const auto key = create_key(kServices + std::u16string(name));
  if (!key) return key.status();
  NTSTATUS status = set_dword(*key, u"Type", settings.type);
  if (NT_SUCCESS(status)) status = set_dword(*key, u"Start", settings.start);
  if (NT_SUCCESS(status)) status = set_dword(*key, u"ErrorControl", settings.error_control);
  if (NT_SUCCESS(status)) status = set_string(*key, u"ImagePath", REG_EXPAND_SZ, settings.image_path);
  if (NT_SUCCESS(status) && !settings.display_name.empty())
    status = set_string(*key, u"DisplayName", REG_SZ, settings.display_name);
  if (NT_SUCCESS(status) && !settings.group.empty()) status = set_string(*key, u"Group", REG_SZ, settings.group);
  if (NT_SUCCESS(status) && !settings.depends.empty()) {
    std::u16string list;
    for (const std::u16string &one : settings.depends) list += one + u'\0';
    status = set_string(*key, u"DependOnService", REG_MULTI_SZ, list);
  }
  return NT_SUCCESS(status) ? std::nullopt : std::optional(status);
}

}  // namespace ntemu::cm
