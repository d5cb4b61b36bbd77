// SPDX-License-Identifier: MIT
// Reading list files.
#include "lists/list_file.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "base/terminal_text.hpp"

namespace fw::lists {

namespace {

constexpr std::string_view kBlank = " \t\v\f";
constexpr std::string_view kWanted = "an entry is an address, a prefix or a range a-b";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view take_token(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_of(kBlank), text.size());
  const std::string_view token = text.substr(0, length);
  text = trim(text.substr(length));
  return token;
}

Line bad(std::string problem) {
  Line line;
  line.kind = Line::Kind::bad;
  line.problem = std::move(problem);
  return line;
}

Line parse_range(std::string_view token, std::size_t dash) {
  const std::string_view low = trim(token.substr(0, dash));
  const std::string_view high = trim(token.substr(dash + 1));
  auto first = Address::parse(low);
  if (!first) return bad(std::move(first.error().message));
  auto last = Address::parse(high);
  if (!last) return bad(std::move(last.error().message));
  if (first->is_v4() != last->is_v4()) return bad(fmt::format("\"{}\" mixes IPv4 and IPv6", token));
  if (*last < *first)
    return bad(fmt::format("\"{}\" ends before it begins: did you mean {}-{}?", token, high, low));
  Line line;
  line.kind = Line::Kind::entry;
  line.entry.first = *first;
  line.entry.last = *last;
  return line;
}

// An address, a prefix or a range without blanks around it.
Line parse_entry(std::string_view token) {
  if (token.size() > 100 || printable(token) != token)
    return bad(fmt::format("\"{}\": {}", printable_excerpt(token), kWanted));
  const std::size_t dash = token.find('-');
  if (dash != std::string_view::npos) return parse_range(token, dash);
  auto prefix = Prefix::parse(token);
  if (!prefix) return bad(std::move(prefix.error().message));
  Line line;
  line.kind = Line::Kind::entry;
  line.entry.first = prefix->address;
  line.entry.last = prefix->is_single() ? prefix->address : prefix->last();
  return line;
}

// "add NAME ENTRY [timeout 60] [comment "text"] ...", after "add".
Line parse_ipset(std::string_view rest) {
  const std::string_view set = take_token(rest);
  const std::string_view token = take_token(rest);
  if (set.empty() || token.empty())
    return bad("\"add\" wants a set and an entry: add NAME 192.0.2.1");
  if (token.find(',') != std::string_view::npos)
    return bad(fmt::format("\"{}\": entries with a port, protocol or pair are not supported",
                           printable_excerpt(token)));
  Line line = parse_entry(token);
  for (std::string_view option = take_token(rest); !option.empty(); option = take_token(rest)) {
    if (option == "nomatch")
      return bad(
          fmt::format("\"{}\": nomatch is not supported: put the exception on the allow "
                      "list",
                      printable_excerpt(token)));
    if (option != "comment") continue;
    const bool quoted = rest.starts_with('"');
    line.entry.comment = quoted ? rest.substr(1, rest.find('"', 1) - 1) : take_token(rest);
    if (quoted) rest = rest.substr(std::min(rest.find('"', 1), rest.size() - 1) + 1);
  }
  return line;
}

bool is_ipset_frame(std::string_view text) {
  return text.starts_with("create ") || text.starts_with("flush ");
}

}  // namespace

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Line parse_line(std::string_view text) {
  text = trim(text);
  if (is_ipset_frame(text)) return {};
  if (text.starts_with("add ")) return parse_ipset(trim(text.substr(4)));

  const std::size_t mark = text.find_first_of("#;");
  const std::string_view entry = trim(text.substr(0, mark));
  if (entry.empty()) return {};
  Line line;
  if (entry.find_first_of(kBlank) == std::string_view::npos) {
    line = parse_entry(entry);
  } else if (const std::size_t dash = entry.find('-'); dash != std::string_view::npos) {
    line = printable(entry) == entry ? parse_range(entry, dash) : parse_entry(entry);
  } else {
    return bad(
        fmt::format("\"{}\": one entry a line, a comment begins with #", printable_excerpt(entry)));
  }
  if (line.kind == Line::Kind::entry && mark != std::string_view::npos)
    line.entry.comment = trim(text.substr(mark + 1));
  return line;
}

List parse_list(std::string_view text, const std::string& name) {
  List list;
  list.path = name;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // byte order mark
  list.entries.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1);
  for (std::uint32_t number = 1; !text.empty(); number++) {
    Line line = parse_line(take_line(text));
    if (line.kind == Line::Kind::entry) {
      line.entry.line = number;
      list.entries.push_back(std::move(line.entry));
    } else if (line.kind == Line::Kind::bad && list.bad_lines++ < kMaxProblems) {
      list.problems.push_back(fmt::format("{}:{}: {}", name, number, line.problem));
    }
  }
  if (list.bad_lines > kMaxProblems)
    list.problems.push_back(
        fmt::format("{}: {} more bad lines", name, list.bad_lines - kMaxProblems));
  return list;
}

List read_list(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (text) return parse_list(*text, path.native());
  List list;
  list.path = path;
  std::error_code unknown;
  list.missing = !std::filesystem::exists(path, unknown) && !unknown;
  if (!list.missing) list.problems.push_back(text.error().message);
  return list;
}

std::vector<std::filesystem::path> expand(std::span<const std::string> patterns,
                                          const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::set<std::string> seen;
  const auto add = [&](const std::filesystem::path& file) {
    const std::filesystem::path plain = file.lexically_normal();
    if (seen.insert(plain.native()).second) files.push_back(plain);
  };
  for (const std::string& pattern : patterns) {
    const std::filesystem::path path = folder / pattern;
    if (pattern.find_first_of("*?[") == std::string::npos) {
      add(path);
      continue;
    }
    glob_t found{};
    if (::glob(path.c_str(), 0, nullptr, &found) == 0)  // sorts
      for (std::size_t i = 0; i < found.gl_pathc; i++) add(found.gl_pathv[i]);
    ::globfree(&found);
  }
  return files;
}

std::string range_text(const Address& first, const Address& last) {
  for (unsigned bits = 128; bits-- > 0;) {
    // Of the prefixes that begin at `first`, only one can end at `last`.
    const Prefix prefix{first, bits + 1};
    if (masked(first, bits + 1) == first && prefix.last() == last) return prefix.text();
  }
  if (first == Address{} && last == Address{~0ULL, ~0ULL}) return "::/0";
  return fmt::format("{}-{}", first.text(), last.text());
}

}  // namespace fw::lists
