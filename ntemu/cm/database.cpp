#include "ntemu/cm/database.h"

#include <fmt/format.h>

#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"

namespace ntemu::cm {
namespace {

constexpr int kApplicationId = 0x6E74726D;  // tells a hive from any other database
constexpr int kSchemaVersion = 1;

// Names are UTF-8; `fold` is the upper-case form that lookups use. `link` is the full path that a key stands for.
// AUTOINCREMENT: the id of a deleted key must not come back under an open handle.
constexpr char kSchema[] = R"(
CREATE TABLE keys(id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES keys(id), name TEXT NOT NULL,
  fold TEXT NOT NULL, last_write INTEGER NOT NULL, link TEXT, UNIQUE(parent, fold));
CREATE TABLE key_values(id INTEGER PRIMARY KEY, key INTEGER NOT NULL REFERENCES keys(id) ON DELETE CASCADE,
  name TEXT NOT NULL, fold TEXT NOT NULL, type INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE(key, fold));
)";

[[noreturn]] void fail(sqlite3 *connection) {
  const int code = sqlite3_errcode(connection) & 0xFF;
  base::log(base::Level::kError, "cm", "registry: {}", sqlite3_errmsg(connection));
  switch (code) {
    case SQLITE_NOMEM:
      throw DatabaseError{STATUS_INSUFFICIENT_RESOURCES};
    case SQLITE_FULL:
      throw DatabaseError{STATUS_DISK_FULL};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw DatabaseError{STATUS_REGISTRY_CORRUPT};
    default:
      throw DatabaseError{STATUS_REGISTRY_IO_FAILED};
  }
}

int pragma(Database &database, const char *name) {
  Query query(database, name);
  return query.step() ? static_cast<int>(query.number(0)) : 0;
}

}  // namespace

Database::~Database() {
  for (const auto &[sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(connection_);
}

std::string Database::open(const std::string &path) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  std::string error;
  if (sqlite3_open_v2(path.c_str(), &connection_, flags, nullptr) != SQLITE_OK) {
    error = connection_ ? sqlite3_errmsg(connection_) : "out of memory";
  } else {
    try {
      error = check_and_prepare();
    } catch (const DatabaseError &) {
      error = sqlite3_errmsg(connection_);
    }
  }
  if (error.empty()) return error;
  return fmt::format(
      "cannot use the registry hive {}: {}; it was left as it is, and without it the machine starts with a new one",
      path, error);
}

std::string Database::check_and_prepare() {
  sqlite3_busy_timeout(connection_, 2000);
  // NORMAL in WAL mode: what was committed survives the death of the process, if not always that of the host.
  run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON");
  if (Query query(*this, "PRAGMA quick_check(1)"); query.step() && query.text(0) != u"ok") {
    return base::to_utf8(query.text(0));
  }
  const int application = pragma(*this, "PRAGMA application_id");
  const int version = pragma(*this, "PRAGMA user_version");
  if (application == kApplicationId && version == kSchemaVersion) return {};
  if (application == kApplicationId) return fmt::format("made by another version of ntemu (format {})", version);
  if (application != 0 || pragma(*this, "SELECT count(*) FROM sqlite_schema") != 0)
    return "a database of another program";
  Transaction transaction(*this);
  run(kSchema);
  run(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", kApplicationId, kSchemaVersion).c_str());
  transaction.commit();
  return {};
}

void Database::run(const char *sql) {
  if (sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(connection_);
}

sqlite3_stmt *Database::statement(const char *sql) {
  sqlite3_stmt *&statement = statements_[sql];
  if (!statement &&
      sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    fail(connection_);
  }
  return statement;
}

Query &Query::bind(int index, int64_t value) {
  if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) fail(database_.connection());
  return *this;
}

Query &Query::bind(int index, std::u16string_view text) {
  const std::string utf8 = base::to_utf8(text);
  if (sqlite3_bind_text(statement_, index, utf8.data(), static_cast<int>(utf8.size()), SQLITE_TRANSIENT) != SQLITE_OK) {
    fail(database_.connection());
  }
  return *this;
}

Query &Query::bind(int index, const void *data, size_t size) {
  const void *bytes = size ? data : "";
  if (sqlite3_bind_blob64(statement_, index, bytes, size, SQLITE_TRANSIENT) != SQLITE_OK) fail(database_.connection());
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(database_.connection());
  return false;
}

std::u16string Query::text(int column) const {
  const auto *bytes = reinterpret_cast<const char *>(sqlite3_column_text(statement_, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return base::to_utf16_lossy({bytes ? bytes : "", size});
}

std::basic_string_view<unsigned char> Query::blob(int column) const {
  const auto *bytes = static_cast<const unsigned char *>(sqlite3_column_blob(statement_, column));
  return {bytes, bytes ? static_cast<size_t>(sqlite3_column_bytes(statement_, column)) : 0};
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.connection(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace ntemu::cm
