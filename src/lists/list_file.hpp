// SPDX-License-Identifier: MIT
// List files as people and feeds write them. A line is an entry: an address, a prefix or a range
// a-b of either family; `#` and `;` start a comment. A prefix may have host bits (192.0.2.7/24) or
// a dotted netmask (192.0.2.0/255.255.255.0, or the two as words). The output of `ipset save` and
// DShield's columns (first, last, bits, ...) are read too, in UTF-8 or, with a byte order mark, in
// UTF-16. A line that cannot be read is reported and skipped. Files are untrusted input.
//
// Thread rule: free functions without state.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw::lists {

// An entry of lists that were read: there may be tens of millions.
struct ListEntry {
  Address first, last;          // inclusive, of one family
  std::uint32_t line = 0;       // counts from 1
  std::uint32_t file = 0;       // of whoever joins several files
  std::uint32_t comment = 0;    // index into List::comments
  std::uint32_t timeout_s = 0;  // of `ipset save`: it ends so long after it was loaded; 0: never
};

inline constexpr std::size_t kMaxProblems = 20;  // per file; then only a count

// All entries of all lists together (judgement): an image of 1 GiB holds no more, and 20 million
// take 2.8 GiB while they are read. read_file() bounds the bytes of a file.
inline constexpr std::size_t kMostEntries = 32'000'000;

// What reading lists may use up. It ends reading early, and then says so.
struct Budget {
  std::size_t entries = kMostEntries;  // left for the files to come
  std::chrono::steady_clock::time_point end = std::chrono::steady_clock::time_point::max();
  std::stop_token stop{};
  std::string reached{};  // a sentence; empty: not reached

  // Whether reading must end, `used` entries into a file. Reads the clock: not for every line.
  [[nodiscard]] bool is_used_up(std::size_t used);
};

struct List {
  std::filesystem::path path;
  bool missing = false;  // there is no such file, which was named without wildcards
  std::vector<ListEntry> entries;
  std::vector<std::string> comments{""};  // those on the same lines
  // "deny.list:3: \"10.0.0.300\" is not an address: ...", a line each; the last one may say how
  // many more there are.
  std::vector<std::string> problems;
  std::size_t bad_lines = 0;

  // Of the lines that are not blank and no comment, more than 5 % cannot be read: rather another
  // kind of file (an error page) than a list with a slip in it. The share is judgement.
  [[nodiscard]] bool is_mostly_odd() const { return bad_lines * 20 > bad_lines + entries.size(); }
};

// `name` is the name of the file in `problems`.
[[nodiscard]] List parse_list(std::string_view text, const std::string& name);
// The same, as far as the budget reaches, from which the entries are taken.
[[nodiscard]] List parse_list(std::string_view text, const std::string& name, Budget& budget);
// How many entries that would be.
[[nodiscard]] std::size_t count_entries(std::string_view text, Budget& budget);

// A file that cannot be read is an empty list with a problem.
[[nodiscard]] List read_list(const std::filesystem::path& path);
[[nodiscard]] List read_list(const std::filesystem::path& path, Budget& budget);

// The files that `patterns` name: relative ones below `folder`, with * ? [] expanded in name order.
// A name without wildcards is kept even if there is no such file. Each file is in it once.
[[nodiscard]] std::vector<std::filesystem::path> expand(std::span<const std::string> patterns,
                                                        const std::filesystem::path& folder);

// The meaning of one line: an entry, nothing (blank, comment) or a problem.
struct Line {
  enum class Kind { nothing, entry, bad } kind = Kind::nothing;
  ListEntry entry{};  // its comment is the next member
  std::string comment{};
  std::string problem{};
};
[[nodiscard]] Line parse_line(std::string_view line);

// `text` in UTF-8 without a byte order mark, if it begins with one (of UTF-8 or UTF-16).
[[nodiscard]] std::string in_utf8(std::string text);

// Removes the first line from `text` and returns it without its line end (LF, CRLF).
[[nodiscard]] std::string_view take_line(std::string_view& text);

// "192.0.2.0/24", or "192.0.2.1-192.0.2.7" if the range is no prefix.
[[nodiscard]] std::string range_text(const Address& first, const Address& last);

}  // namespace fw::lists
