// SPDX-License-Identifier: MIT
// The last good version of each list file, kept below the state folder: a feed that failed takes
// nothing out of force, not even over a restart. A copy has the path of its file, so that a pattern
// finds the copies of files that vanished.
//
// Thread rule: read() may run beside anything but keep().
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "lists/list_file.hpp"

namespace fw::lists {

// Which files the operator takes as they are, however little is left of them.
struct Accepted {
  bool all = false;
  std::set<std::filesystem::path> files{};  // absolute

  [[nodiscard]] bool contains(const std::filesystem::path& file) const {
    return all || files.contains(file);
  }
};

// What a list file amounts to.
struct Version {
  List list;
  // Why this is the kept copy and not the file, as in "it has 3 entries instead of 1,000"; empty:
  // it is the file.
  std::string stale;
  // When the file had this text for the first time; none: it has it now.
  std::optional<std::filesystem::file_time_type> since;

  // What keep() has to do: store this text, or (empty optional) nothing.
  std::optional<std::string> text;
  bool forget = false;  // or remove the copy
};

class KeptLists {
 public:
  // Below this absolute folder; empty: nothing is kept, and every file is taken as it is.
  explicit KeptLists(std::filesystem::path folder = {}) : folder_(std::move(folder)) {}

  // As lists::expand(), with the files that are gone and have a copy.
  [[nodiscard]] std::vector<std::filesystem::path> expand(
      std::span<const std::string> patterns, const std::filesystem::path& folder) const;

  // The file, or its copy if the file is gone, cannot be read, is mostly odd, or lost more than
  // half of its entries. What cannot be read is never taken, accepted or not.
  [[nodiscard]] Version read(const std::filesystem::path& file, bool accepted) const;
  // The same, as far as the budget reaches.
  [[nodiscard]] Version read(const std::filesystem::path& file, bool accepted,
                             Budget& budget) const;

  // To be called when the version is in force.
  [[nodiscard]] Result<void> keep(const Version& version) const;

 private:
  [[nodiscard]] std::filesystem::path copy_of(const std::filesystem::path& file) const;

  std::filesystem::path folder_;
};

}  // namespace fw::lists
