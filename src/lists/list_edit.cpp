// SPDX-License-Identifier: MIT
// Editing list files.
#include "lists/list_edit.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "base/file.hpp"
#include "lists/list_file.hpp"

namespace fw::lists {

namespace {

using Range = std::pair<Address, Address>;

Range range_of(const Prefix& prefix) {
  return {prefix.address, prefix.last()};
}

Result<std::string> read_or_empty(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown) && !unknown) return std::string{};
  auto text = read_file(path);
  // A byte order mark of UTF-8 stays; UTF-16 becomes UTF-8, as what is added is.
  if (text && !text->starts_with("\xef\xbb\xbf")) *text = in_utf8(std::move(*text));
  return text;
}

// The requested prefixes, and whether the file has them.
std::map<Range, bool> wanted(std::span<const Prefix> prefixes) {
  std::map<Range, bool> out;
  for (const Prefix& prefix : prefixes) out.emplace(range_of(prefix), false);
  return out;
}

// Copies the lines of `text` for which keep(line) holds. A byte order mark stays in front.
template <typename Keep>
std::string filter_lines(std::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  if (text.starts_with("\xef\xbb\xbf")) {
    out = text.substr(0, 3);
    text.remove_prefix(3);
  }
  while (!text.empty()) {
    std::string_view rest = text;
    const std::string_view line = take_line(rest);
    if (keep(line)) out += text.substr(0, text.size() - rest.size());
    text = rest;
  }
  return out;
}

// A comment stays on its line.
std::string one_line(std::string_view comment) {
  std::string out{comment};
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return out;
}

}  // namespace

Result<std::vector<Prefix>> add_entries(const std::filesystem::path& path,
                                        std::span<const Prefix> prefixes,
                                        std::string_view comment) {
  auto text = read_or_empty(path);
  if (!text) return std::unexpected(std::move(text.error()));
  std::map<Range, bool> there = wanted(prefixes);
  std::string edited = filter_lines(*text, [&](std::string_view line) {
    const Line parsed = parse_line(line);
    if (parsed.kind == Line::Kind::entry)
      if (const auto at = there.find({parsed.entry.first, parsed.entry.last}); at != there.end())
        at->second = true;
    return true;
  });

  const std::string_view end = edited.find("\r\n") != std::string::npos ? "\r\n" : "\n";
  if (!edited.empty() && !edited.ends_with('\n')) edited += end;
  std::vector<Prefix> added;
  for (const Prefix& prefix : prefixes) {
    if (std::exchange(there.at(range_of(prefix)), true)) continue;
    edited += prefix.text();
    if (!comment.empty()) edited += fmt::format("  # {}", one_line(comment));
    edited += end;
    added.push_back(prefix);
  }
  if (added.empty()) return added;
  if (auto written = write_file(path, edited); !written)
    return std::unexpected(std::move(written.error()));
  return added;
}

Result<std::vector<Prefix>> remove_entries(const std::filesystem::path& path,
                                           std::span<const Prefix> prefixes) {
  auto text = read_or_empty(path);
  if (!text) return std::unexpected(std::move(text.error()));
  std::map<Range, bool> there = wanted(prefixes);
  const std::string edited = filter_lines(*text, [&](std::string_view line) {
    const Line parsed = parse_line(line);
    if (parsed.kind != Line::Kind::entry) return true;
    const auto at = there.find({parsed.entry.first, parsed.entry.last});
    if (at == there.end()) return true;
    at->second = true;
    return false;
  });

  std::vector<Prefix> removed;
  for (const Prefix& prefix : prefixes)
    if (std::exchange(there.at(range_of(prefix)), false)) removed.push_back(prefix);
  if (removed.empty()) return removed;
  if (auto written = write_file(path, edited); !written)
    return std::unexpected(std::move(written.error()));
  return removed;
}

}  // namespace fw::lists
