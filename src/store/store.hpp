// SPDX-License-Identifier: MIT
// Texts by name that survive a restart of the daemon and of the machine, in a SQLite file
// (sqlite.org) with a write-ahead log. A batch of changes is written whole or not at all, and is on
// the disk when write() returns, also when the power fails then.
//
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/kept_row.hpp"

struct sqlite3;

namespace fw::store {

struct Opened;

class Store {
 public:
  // Opens the file and reads it whole. Creates it, and its folder, if they are missing. A file that
  // is no database, or damaged anywhere, is renamed beside itself, and an empty one takes its
  // place. Fails when the disk or its rights do not permit it; then nothing was renamed.
  [[nodiscard]] static Result<Opened> open(const std::filesystem::path& file);

  // In one transaction. After an error nothing of it is stored; open() finds out whether the file
  // is damaged.
  [[nodiscard]] Result<void> write(std::span<const KeptRow> changes);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  Store(std::filesystem::path file, sqlite3* database)
      : file_(std::move(file)), database_(database) {}
  [[nodiscard]] static Result<Opened> open_as_it_is(const std::filesystem::path& file,
                                                    bool& damaged);
  [[nodiscard]] Result<KeptRows> read();
  [[nodiscard]] Result<void> run(const char* sql, std::string_view what);
  [[nodiscard]] std::unexpected<Error> failure(std::string_view what) const;
  [[nodiscard]] bool is_damaged() const;

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> database_;
};

struct Opened {
  Store store;
  KeptRows rows;                    // all of them
  std::filesystem::path set_aside;  // where a damaged file is now; empty: it was whole, or missing
  bool is_new = false;              // it holds nothing, since it was missing or set aside
};

}  // namespace fw::store
