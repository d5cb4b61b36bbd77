// SPDX-License-Identifier: MIT
// Edits of a list file. Each is one atomic replacement that keeps every other line as it is.
//
// Thread rule: one editor of a file at a time.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::lists {

// Appends the prefixes that have no line yet, each followed by the comment if there is one, and
// returns them. Creates the file if it is missing. After an error the file is unchanged.
[[nodiscard]] Result<std::vector<Prefix>> add_entries(const std::filesystem::path& path,
                                                      std::span<const Prefix> prefixes,
                                                      std::string_view comment);

// Removes the lines that list exactly one of the prefixes, in whatever form, and returns the
// prefixes that had one. An entry that contains more stays. A missing file counts as empty.
[[nodiscard]] Result<std::vector<Prefix>> remove_entries(const std::filesystem::path& path,
                                                         std::span<const Prefix> prefixes);

}  // namespace fw::lists
