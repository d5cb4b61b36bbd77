// SPDX-License-Identifier: MIT
#include "engine/event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/units.hpp"

namespace fw::engine {
namespace {

struct TypeInfo {
  std::string_view word;
  Level level;
};
constexpr std::array<TypeInfo, kEventTypes> kTypes{{
#define FW_EVENT_TYPE_INFO(name, word, level) {word, Level::level},
    FW_EVENT_TYPES(FW_EVENT_TYPE_INFO)
#undef FW_EVENT_TYPE_INFO
}};

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

bool is_unsafe(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

// Appends `text` with every unsafe byte as \xNN and every character of `escaped` after a backslash.
void append_printable(std::string& out, std::string_view text, std::string_view escaped) {
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
}

// A logfmt value: bare if that is unambiguous, else in quotes.
void append_value(std::string& out, std::string_view value) {
  const bool bare = !value.empty() && std::ranges::all_of(value, [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  if (bare) {
    out += value;
    return;
  }
  out += '"';
  append_printable(out, value, "\"\\");
  out += '"';
}

// Suricata's name for what the text log calls `key`.
std::string_view json_name(std::string_view key) {
  if (key == "dport") return "dest_port";
  if (key == "dst") return "dest_ip";
  return key;
}

}  // namespace

std::string_view word(EventType type) {
  return kTypes.at(static_cast<std::size_t>(type)).word;
}

Level level_of(EventType type) {
  return kTypes.at(static_cast<std::size_t>(type)).level;
}

std::string_view word(Level level) {
  switch (level) {
    case Level::info:
      return "INFO";
    case Level::notice:
      return "NOTICE";
    case Level::warning:
      return "WARNING";
    case Level::error:
      return "ERROR";
  }
  return "";
}

std::string to_text(const Event& event) {
  std::string line = fmt::format("{} {} {}", format_time(event.time), word(level_of(event.type)),
                                 word(event.type));
  if (!event.address.empty()) line += " " + event.address;
  for (const Field& field : event.fields) {
    fmt::format_to(std::back_inserter(line), " {}=", field.key);
    append_value(line, field.value);
  }
  return line;
}

nlohmann::json to_json(const Event& event) {
  std::string level(word(level_of(event.type)));
  for (char& letter : level) letter = static_cast<char>(letter | 0x20);  // "notice"
  nlohmann::json object = {{"timestamp", format_time(event.time)},
                           {"event_type", word(event.type)},
                           {"level", std::move(level)},
                           {"id", event.id}};
  if (!event.address.empty()) object["src_ip"] = event.address;
  for (const Field& field : event.fields) {
    nlohmann::json& value = object[std::string(json_name(field.key))];
    if (field.number)
      value = std::stoull(field.value);
    else
      value = printable(field.value);
  }
  return object;
}

std::string to_json_line(const Event& event) {
  return to_json(event).dump();
}

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text, "");
  return out;
}

}  // namespace fw::engine
