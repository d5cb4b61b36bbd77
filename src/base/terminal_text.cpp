// SPDX-License-Identifier: MIT
#include "base/terminal_text.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace fw {

namespace {

constexpr std::size_t kExcerptBytes = 64;  // judgement: a quotation that fits a line of a log

struct Character {
  std::size_t bytes = 1;
  char32_t code = 0;  // 0: not UTF-8
};

// The UTF-8 character at the start of `text` (RFC 3629: shortest form, no surrogates).
Character decode(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = at(0);
  if (first < 0x80) return {1, first};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  char32_t code = first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xc0U) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
  return {bytes, code};
}

// C0 and C1 controls, line and paragraph separators, bidirectional controls (Unicode UAX 9), and
// the byte order mark.
bool is_unsafe(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

}  // namespace

std::string printable(std::string_view text, std::string_view escaped) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = decode(text);
    const std::string_view bytes = text.substr(0, character.bytes);
    if (character.code == '\n') {
      out += "\\n";
    } else if (is_unsafe(character.code)) {
      for (const char byte : bytes)
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      if (escaped.find(bytes.front()) != std::string_view::npos) out += '\\';
      out += bytes;
    }
    text.remove_prefix(character.bytes);
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t end = text.find('\n');
    out += printable(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string printable_excerpt(std::string_view text) {
  return printable(text.substr(0, kExcerptBytes)) + (text.size() > kExcerptBytes ? "..." : "");
}

}  // namespace fw
