// SPDX-License-Identifier: MIT
#include "engine/journal/event.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "abi/words.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"

namespace fw::engine {
namespace {

struct TypeInfo {
  std::string_view word;
  Level level;
  std::string_view fields, meaning;
};
constexpr std::array<TypeInfo, kEventTypes> kTypes{{
#define FW_EVENT_TYPE_INFO(name, word, level, fields, meaning) \
  {word, Level::level, fields, meaning},
    FW_EVENT_TYPES(FW_EVENT_TYPE_INFO)
#undef FW_EVENT_TYPE_INFO
}};

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
  out += printable(value, "\"\\");
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

std::string_view fields_of(EventType type) {
  return kTypes.at(static_cast<std::size_t>(type)).fields;
}

std::string_view meaning_of(EventType type) {
  return kTypes.at(static_cast<std::size_t>(type)).meaning;
}

std::optional<EventType> event_type_named(std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (std::ranges::equal(kTypes[i].word, word, {}, lower, lower))
      return static_cast<EventType>(i);
  return std::nullopt;
}

bool may_have(EventType type, std::string_view key) {
  std::string_view rest = fields_of(type);
  while (!rest.empty()) {
    const std::string_view each = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), each.size() + 1));
    if (each == key) return true;
    if (each == "REASONS" && std::ranges::find(kReasonWords, key) != kReasonWords.end())
      return true;
  }
  return false;
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

}  // namespace fw::engine
