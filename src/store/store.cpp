// SPDX-License-Identifier: MIT
#include "store/store.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <system_error>

namespace fw::store {
namespace {

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Statement prepare(sqlite3* database, std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  // Null on failure; the reason is then in sqlite3_errmsg().
  (void)sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  return Statement(statement);
}

// `text` must outlive the statement's step.
bool bind(const Statement& statement, int index, std::string_view text) {
  return sqlite3_bind_text(statement.get(), index, text.data(), static_cast<int>(text.size()),
                           SQLITE_STATIC) == SQLITE_OK;
}

}  // namespace

void Store::Close::operator()(sqlite3* database) const {
  (void)sqlite3_close_v2(database);
}

std::unexpected<Error> Store::failure(std::string_view what) const {
  const int code = sqlite3_errcode(database_.get());
  std::string message =
      fmt::format("{} {}: {}", what, file_.native(), sqlite3_errmsg(database_.get()));
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
    message += "; remove the file, and it begins anew at the next start";
  return fail(std::move(message));
}

Result<Store> Store::open(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error)
    return fail(fmt::format("create {}: {}", file.parent_path().native(), error.message()));
  sqlite3* database = nullptr;
  const int opened =
      sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  if (database == nullptr) return fail(fmt::format("open {}: out of memory", file.native()));
  Store store(file, database);
  if (opened != SQLITE_OK) return store.failure("open");
  constexpr const char* kTable =
      "CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID";
  if (sqlite3_exec(database, kTable, nullptr, nullptr, nullptr) != SQLITE_OK)
    return store.failure("open");
  return store;
}

Result<std::optional<std::string>> Store::get(std::string_view name) {
  const Statement statement = prepare(database_.get(), "SELECT text FROM kept WHERE name = ?1");
  if (!statement || !bind(statement, 1, name)) return failure("read");
  const int step = sqlite3_step(statement.get());
  if (step == SQLITE_DONE) return std::nullopt;
  if (step != SQLITE_ROW) return failure("read");
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0));
  const auto bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), 0));
  return text == nullptr ? std::string() : std::string(text, bytes);
}

Result<void> Store::put(std::string_view name, std::string_view text) {
  const Statement statement =
      prepare(database_.get(), "INSERT OR REPLACE INTO kept (name, text) VALUES (?1, ?2)");
  if (!statement || !bind(statement, 1, name) || !bind(statement, 2, text) ||
      sqlite3_step(statement.get()) != SQLITE_DONE)
    return failure("write");
  return {};
}

}  // namespace fw::store
