// SPDX-License-Identifier: MIT
// Edits of a list file: one atomic replacement each, every other line stays as it is. One editor of
// a file at a time.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::lists {

// Appends those that have no line yet, with the comment behind each if there is one, and returns
// them. A file that is not there is made. After an error the file is as it was.
[[nodiscard]] Result<std::vector<Prefix>> add_entries(const std::filesystem::path& path,
                                                      std::span<const Prefix> prefixes,
                                                      std::string_view comment);

// Takes out the lines that list exactly one of them, however they write it, and returns those that
// had one. An entry that only contains one stays. A file that is not there has no lines.
[[nodiscard]] Result<std::vector<Prefix>> remove_entries(const std::filesystem::path& path,
                                                         std::span<const Prefix> prefixes);

}  // namespace fw::lists
