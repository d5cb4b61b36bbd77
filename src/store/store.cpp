// SPDX-License-Identifier: MIT
#include "store/store.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <system_error>
#include <utility>

namespace fw::store {
namespace {

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

// Judgement: how long another program may hold the file, such as `sqlite3 state.db .dump`.
constexpr int kBusyMs = 1000;

Statement prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  // Null on failure; the reason is then in sqlite3_errmsg().
  (void)sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  return Statement(statement);
}

// `text` must outlive the statement's step.
bool bind_text(const Statement& statement, int index, std::string_view text) {
  return sqlite3_bind_text(statement.get(), index, text.data(), static_cast<int>(text.size()),
                           SQLITE_STATIC) == SQLITE_OK;
}

std::string column(const Statement& statement, int index) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), index));
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), index));
  return text == nullptr ? std::string() : std::string(text, bytes);
}

// Renames a damaged file, with what SQLite keeps beside it, to a name that is free.
Result<std::filesystem::path> set_aside(const std::filesystem::path& file) {
  const std::string stamp = fmt::format(
      "{:%Y%m%dT%H%M%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
  std::filesystem::path aside = file.native() + ".damaged-" + stamp;
  std::error_code error;
  for (unsigned n = 2; std::filesystem::exists(aside, error); n++)
    aside = fmt::format("{}.damaged-{}-{}", file.native(), stamp, n);
  // The log first: beside a new file, that of the old one would be taken for its own.
  for (const char* part : {"-wal", "-shm", ""}) {
    std::filesystem::rename(file.native() + part, aside.native() + part, error);
    if (error && error != std::errc::no_such_file_or_directory)
      return fail(fmt::format("rename the damaged {}{} to {}{}: {}", file.native(), part,
                              aside.native(), part, error.message()));
  }
  return aside;
}

}  // namespace

void Store::Close::operator()(sqlite3* database) const {
  (void)sqlite3_close_v2(database);
}

bool Store::is_damaged() const {
  const int code = sqlite3_errcode(database_.get());
  return code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
}

std::unexpected<Error> Store::failure(std::string_view what) const {
  return fail(fmt::format("{} {}: {}", what, file_.native(), sqlite3_errmsg(database_.get())));
}

Result<void> Store::run(const char* sql, std::string_view what) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure(what);
  return {};
}

Result<Opened> Store::open(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error)
    return fail(fmt::format("create {}: {}", file.parent_path().native(), error.message()));
  bool damaged = false;
  Result<Opened> opened = open_as_it_is(file, damaged);
  if (opened || !damaged) return opened;
  Result<std::filesystem::path> aside = set_aside(file);
  if (!aside) return std::unexpected(aside.error());
  opened = open_as_it_is(file, damaged);
  if (opened) opened->set_aside = std::move(*aside);
  return opened;
}

Result<Opened> Store::open_as_it_is(const std::filesystem::path& file, bool& damaged) {
  std::error_code error;
  const bool is_new = !std::filesystem::exists(file, error);
  sqlite3* database = nullptr;
  const int opened =
      sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  if (database == nullptr) return fail(fmt::format("open {}: out of memory", file.native()));
  Store store(file, database);
  if (opened != SQLITE_OK) return store.failure("open");
  (void)sqlite3_busy_timeout(database, kBusyMs);
  // FULL: a commit is on the disk. The log is cut when it has been copied into the file.
  constexpr const char* kSetUp =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576;"
      "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID";
  const Result<void> set_up = store.run(kSetUp, "open");
  Result<KeptRows> rows = set_up ? store.read() : std::unexpected(set_up.error());
  if (!rows) {
    damaged = store.is_damaged();
    return std::unexpected(std::move(rows.error()));
  }
  return Opened{
      .store = std::move(store), .rows = std::move(*rows), .set_aside = {}, .is_new = is_new};
}

Result<KeptRows> Store::read() {
  const Statement statement = prepare(database_.get(), "SELECT name, text FROM kept");
  if (!statement) return failure("read");
  KeptRows rows;
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(statement.get())) == SQLITE_ROW)
    rows.push_back({.name = column(statement, 0), .text = column(statement, 1)});
  if (step != SQLITE_DONE) return failure("read");
  return rows;
}

Result<void> Store::write(std::span<const KeptRow> changes) {
  const Statement put =
      prepare(database_.get(), "INSERT OR REPLACE INTO kept (name, text) VALUES (?1, ?2)");
  const Statement erase = prepare(database_.get(), "DELETE FROM kept WHERE name = ?1");
  if (!put || !erase) return failure("write");
  if (Result<void> begun = run("BEGIN IMMEDIATE", "write"); !begun) return begun;
  const auto one = [&](const KeptRow& row) {
    const Statement& statement = row.text ? put : erase;
    const bool done = bind_text(statement, 1, row.name) &&
                      (!row.text || bind_text(statement, 2, *row.text)) &&
                      sqlite3_step(statement.get()) == SQLITE_DONE;
    return done && sqlite3_reset(statement.get()) == SQLITE_OK;
  };
  for (const KeptRow& row : changes) {
    if (one(row)) continue;
    const std::unexpected<Error> error = failure("write");
    (void)sqlite3_reset(put.get());
    (void)sqlite3_reset(erase.get());
    (void)run("ROLLBACK", "write");
    return error;
  }
  Result<void> committed = run("COMMIT", "write");
  if (!committed) (void)run("ROLLBACK", "write");
  return committed;
}

}  // namespace fw::store
