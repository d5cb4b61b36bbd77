// SPDX-License-Identifier: MIT
// What outlives the daemon and the machine: texts by name, in a SQLite file (sqlite.org). A write
// is whole or not at all, also when the power fails.
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
  // Creates file and folder where they are missing. Fails on a file that is no database, which
  // stays as it is; the message says what to do about it.
  [[nodiscard]] static Result<Store> open(const std::filesystem::path& file);

  // None: it was never put.
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
