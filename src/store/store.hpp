// SPDX-License-Identifier: MIT
// Texts by name that survive a restart of the daemon and of the machine, in a SQLite file
// (sqlite.org). A write is atomic, also when the power fails.
//
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

struct sqlite3;

namespace fw::store {

class Store {
 public:
  // Creates the file and its folder if they are missing. Fails on a file that is no database and
  // leaves it as it is; the message says what to do about it.
  [[nodiscard]] static Result<Store> open(const std::filesystem::path& file);

  // Nothing if there was no put() of that name.
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view name);
  // After an error the old text stays.
  [[nodiscard]] Result<void> put(std::string_view name, std::string_view text);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  Store(std::filesystem::path file, sqlite3* database)
      : file_(std::move(file)), database_(database) {}
  [[nodiscard]] std::unexpected<Error> failure(std::string_view what) const;

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace fw::store
