// SQLite with NT names and statuses; one connection, used under one lock.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ntemu/base/result.h"

namespace ntemu::cm {

// Failed SQLite calls are thrown as this, and caught where the registry's functions return.
struct DatabaseError {
  NTSTATUS status;
};

class Database {
 public:
  ~Database();
  // The text says what is wrong; empty when all is well.
  std::string open(const std::string &path);
  void run(const char *sql);
  // Compiled once, kept for the next use.
  sqlite3_stmt *statement(const char *sql);
  sqlite3 *connection() { return connection_; }

 private:
  std::string check_and_prepare();
  sqlite3 *connection_ = nullptr;
  std::map<const char *, sqlite3_stmt *> statements_;
};

// One execution of a statement; parameters and columns count from 1 and 0, as in SQLite.
class Query {
 public:
  Query(Database &database, const char *sql) : database_(database), statement_(database.statement(sql)) {}
  ~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Query(const Query &) = delete;
  Query &operator=(const Query &) = delete;

  Query &bind(int index, int64_t value);
  Query &bind(int index, std::u16string_view text);
  Query &bind(int index, const void *data, size_t size);
  // True with a row, false at the end.
  bool step();
  int changed() const { return sqlite3_changes(database_.connection()); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  std::u16string text(int column) const;
  std::basic_string_view<unsigned char> blob(int column) const;

 private:
  Database &database_;
  sqlite3_stmt *statement_;
};

// All changes in its life, or none when it ends without commit.
class Transaction {
 public:
  explicit Transaction(Database &database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
  ~Transaction();
  void commit();

 private:
  Database &database_;
  bool open_ = true;
};

}  // namespace ntemu::cm
