// SPDX-License-Identifier: MIT
// Reading list files.
#include "lists/list_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/file.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "lists/glob.hpp"

namespace fw::lists {

namespace {

constexpr unsigned kMappedBits = 96;  // of an IPv4 prefix's length in Prefix::bits
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

Line entry_of(const Prefix& prefix) {
  Line line;
  line.kind = Line::Kind::entry;
  line.entry.first = prefix.address;
  line.entry.last = prefix.is_single() ? prefix.address : prefix.last();
  return line;
}

std::optional<unsigned> parse_number(std::string_view digits) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// The length of a dotted netmask: 24 for 255.255.255.0; none: it is another address.
std::optional<unsigned> netmask_bits(std::string_view text) {
  const auto mask = Address::parse(text);
  if (!mask || !mask->is_v4() || text.find(':') != std::string_view::npos) return std::nullopt;
  const auto bits = static_cast<std::uint32_t>(mask->lo);
  const int ones = std::countl_one(bits);
  if (ones != std::popcount(bits)) return std::nullopt;
  return static_cast<unsigned>(ones);
}

// A prefix as feeds write it: bits beyond its length do not count, and IPv4's may be a netmask.
Result<Prefix> parse_prefix(std::string_view token) {
  Result<Prefix> strict = Prefix::parse(token);
  const std::size_t slash = token.find('/');
  if (strict || slash == std::string_view::npos) return strict;
  const auto address = Address::parse(token.substr(0, slash));
  const std::string_view length = token.substr(slash + 1);
  const bool as_v6 = token.substr(0, slash).find(':') != std::string_view::npos;
  auto bits = as_v6 ? std::nullopt : netmask_bits(length);
  if (!bits) bits = parse_number(length);
  if (!address || !bits || *bits > (as_v6 ? 128U : 32U)) return strict;
  if (!as_v6) *bits += kMappedBits;
  const Prefix lenient{.address = masked(*address, *bits), .bits = *bits};
  if (!lenient.is_v4() && lenient.last().is_v4()) return strict;
  return lenient;
}

// An address, a prefix or a range without blanks around it.
Line parse_entry(std::string_view token) {
  if (token.size() > 100 || printable(token) != token)
    return bad(fmt::format("\"{}\": {}", printable_excerpt(token), kWanted));
  const std::size_t dash = token.find('-');
  if (dash != std::string_view::npos) return parse_range(token, dash);
  auto prefix = parse_prefix(token);
  if (!prefix) return bad(std::move(prefix.error().message));
  return entry_of(*prefix);
}

// Two or more words: DShield's columns "first last bits ...", or an address and its netmask.
Line parse_words(std::string_view entry) {
  std::string_view rest = entry;
  const std::string_view first = take_token(rest);
  const std::string_view second = take_token(rest);
  const std::string_view third = take_token(rest);
  if (const auto bits = parse_number(third)) {
    const auto prefix = parse_prefix(fmt::format("{}/{}", first, *bits));
    const auto last = Address::parse(second);
    if (prefix && last && prefix->last() == *last) {
      Line line = entry_of(*prefix);
      line.comment = rest;
      return line;
    }
  }
  if (const auto bits = netmask_bits(second); bits && *bits != 0 && third.empty())
    return parse_entry(fmt::format("{}/{}", first, *bits));
  return bad(
      fmt::format("\"{}\": one entry a line, a comment begins with #", printable_excerpt(entry)));
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
    if (option == "timeout") line.entry.timeout_s = parse_number(take_token(rest)).value_or(0);
    if (option != "comment") continue;
    const bool quoted = rest.starts_with('"');
    line.comment = quoted ? rest.substr(1, rest.find('"', 1) - 1) : take_token(rest);
    if (quoted) rest = rest.substr(std::min(rest.find('"', 1), rest.size() - 1) + 1);
  }
  return line;
}

// Lines that belong to a format and name no address: of `ipset save`, and DShield's headings.
bool is_frame(std::string_view text) {
  return text.starts_with("create ") || text.starts_with("flush ") || text == "COMMIT" ||
         text.starts_with("Start\tEnd\t");
}

// A code point; 0xfffd for what is none.
void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    if (code >= 0x10000) {
      out += static_cast<char>(0xf0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    } else {
      out += static_cast<char>(0xe0 | code >> 12);
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// RFC 2781. Surrogates without their other half become U+FFFD.
std::string from_utf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t at) -> std::uint32_t {
    const auto a = static_cast<unsigned char>(bytes[at]);
    const auto b = static_cast<unsigned char>(bytes[at + 1]);
    return big_endian ? static_cast<std::uint32_t>(a << 8 | b)
                      : static_cast<std::uint32_t>(b << 8 | a);
  };
  const auto is_half = [](std::uint32_t code, std::uint32_t begin) {
    return code >= begin && code < begin + 0x400;
  };
  std::string out;
  out.reserve(bytes.size() / 2);
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t code = unit(at);
    if (is_half(code, 0xd800) && at + 3 < bytes.size() && is_half(unit(at + 2), 0xdc00)) {
      code = 0x10000 + ((code - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
      at += 2;
    } else if (is_half(code, 0xd800) || is_half(code, 0xdc00)) {
      code = 0xfffd;
    }
    append_utf8(out, code);
  }
  return out;
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
  if (is_frame(text)) return {};
  if (text.starts_with("add ")) return parse_ipset(trim(text.substr(4)));

  const std::size_t mark = text.find_first_of("#;");
  const std::string_view entry = trim(text.substr(0, mark));
  if (entry.empty()) return {};
  Line line;
  if (entry.find_first_of(kBlank) == std::string_view::npos) {
    line = parse_entry(entry);
  } else {
    line = parse_words(entry);
    const std::size_t dash = entry.find('-');
    if (line.kind == Line::Kind::bad && dash != std::string_view::npos)
      line = printable(entry) == entry ? parse_range(entry, dash) : parse_entry(entry);
  }
  if (line.kind == Line::Kind::entry && mark != std::string_view::npos)
    line.comment = trim(text.substr(mark + 1));
  return line;
}

std::string in_utf8(std::string text) {
  const std::string_view bytes = text;
  if (bytes.starts_with("\xef\xbb\xbf")) return text.substr(3);
  if (bytes.starts_with("\xff\xfe")) return from_utf16(bytes.substr(2), false);
  if (bytes.starts_with("\xfe\xff")) return from_utf16(bytes.substr(2), true);
  return text;
}

bool Budget::is_used_up(std::size_t used) {
  if (!reached.empty()) return true;
  if (stop.stop_requested())
    reached = "the daemon ends";
  else if (used > entries)
    reached = fmt::format(
        "the lists have more than {} entries: shorten them, or join addresses to "
        "prefixes",
        grouped(kMostEntries));
  else if (std::chrono::steady_clock::now() > end)
    reached = "reading the lists takes too long: shorten them";
  return !reached.empty();
}

namespace {

constexpr std::uint32_t kLinesPerLook = 1U << 16;  // at the budget

// Calls use(line, its number) for each line that is an entry or bad, while the budget reaches.
template <typename Use>
void for_each_line(std::string_view text, Budget& budget, Use use) {
  std::size_t entries = 0;
  for (std::uint32_t number = 1; !text.empty(); number++) {
    if (number % kLinesPerLook == 0 && budget.is_used_up(entries)) return;
    Line line = parse_line(take_line(text));
    if (line.kind == Line::Kind::nothing) continue;
    if (line.kind == Line::Kind::entry) entries++;
    use(line, number);
  }
  (void)budget.is_used_up(entries);
}

}  // namespace

List parse_list(std::string_view text, const std::string& name) {
  Budget budget;
  return parse_list(text, name, budget);
}

List parse_list(std::string_view text, const std::string& name, Budget& budget) {
  List list;
  list.path = name;
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  list.entries.reserve(std::min(lines, budget.entries));
  for_each_line(text, budget, [&](Line& line, std::uint32_t number) {
    if (line.kind == Line::Kind::bad) {
      if (list.bad_lines++ < kMaxProblems)
        list.problems.push_back(fmt::format("{}:{}: {}", name, number, line.problem));
      return;
    }
    line.entry.line = number;
    if (!line.comment.empty()) {
      line.entry.comment = static_cast<std::uint32_t>(list.comments.size());
      list.comments.push_back(std::move(line.comment));
    }
    list.entries.push_back(line.entry);
  });
  budget.entries -= std::min(budget.entries, list.entries.size());
  if (list.bad_lines > kMaxProblems)
    list.problems.push_back(
        fmt::format("{}: {} more bad lines", name, list.bad_lines - kMaxProblems));
  return list;
}

std::size_t count_entries(std::string_view text, Budget& budget) {
  std::size_t count = 0;
  for_each_line(text, budget, [&](const Line& line, std::uint32_t) {
    if (line.kind == Line::Kind::entry) count++;
  });
  return count;
}

List read_list(const std::filesystem::path& path) {
  Budget budget;
  return read_list(path, budget);
}

List read_list(const std::filesystem::path& path, Budget& budget) {
  auto text = read_file(path);
  if (text) return parse_list(in_utf8(std::move(*text)), path.native(), budget);
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
  for (const std::string& name : patterns) {
    if (!is_pattern(name)) {
      add(folder / name);
      continue;
    }
    if (const auto found = match(folder / name))
      for (const std::filesystem::path& file : *found) add(file);
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
