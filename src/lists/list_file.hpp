// SPDX-License-Identifier: MIT
// List files as people and feeds write them. A line is an entry: an address, a prefix or a range
// a-b of either family; `#` and `;` start a comment. The output of `ipset save` is read too. A line
// that cannot be read is reported and skipped. Files are untrusted input.
//
// Thread rule: free functions without state.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::lists {

struct Entry {
  Address first, last;  // inclusive, of one family
  std::uint32_t line = 0;
  std::string comment;  // the one on the same line
};

inline constexpr std::size_t kMaxProblems = 20;  // per file; then only a count

struct List {
  std::filesystem::path path;
  bool missing = false;  // there is no such file, which was named without wildcards
  std::vector<Entry> entries;
  // "deny.list:3: \"10.0.0.300\" is not an address: ...", a line each; the last one may say how
  // many more there are.
  std::vector<std::string> problems;
  std::size_t bad_lines = 0;
};

// `name` is the name of the file in `problems`.
[[nodiscard]] List parse_list(std::string_view text, const std::string& name);

// A file that cannot be read is an empty list with a problem.
[[nodiscard]] List read_list(const std::filesystem::path& path);

// The files that `patterns` name: relative ones below `folder`, with * ? [] expanded in name order.
// A name without wildcards is kept even if there is no such file. Each file is in it once.
[[nodiscard]] std::vector<std::filesystem::path> expand(std::span<const std::string> patterns,
                                                        const std::filesystem::path& folder);

// The meaning of one line: an entry, nothing (blank, comment) or a problem.
struct Line {
  enum class Kind { nothing, entry, bad } kind = Kind::nothing;
  Entry entry;
  std::string problem;
};
[[nodiscard]] Line parse_line(std::string_view line);

// Removes the first line from `text` and returns it without its line end (LF, CRLF).
[[nodiscard]] std::string_view take_line(std::string_view& text);

// "192.0.2.0/24", or "192.0.2.1-192.0.2.7" if the range is no prefix.
[[nodiscard]] std::string range_text(const Address& first, const Address& last);

}  // namespace fw::lists
