// SPDX-License-Identifier: MIT
// One line of the event log: what happened, to which address, and the values that explain it. The
// words are those of the log files and of the API. Reads no clock, writes no file.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/journal/event_types.hpp"

namespace fw::engine {

enum class Level : std::uint8_t { info, notice, warning, error };

enum class EventType : std::uint8_t {
#define FW_EVENT_TYPE_ENUM(name, ...) name,
  FW_EVENT_TYPES(FW_EVENT_TYPE_ENUM)
#undef FW_EVENT_TYPE_ENUM
};
#define FW_EVENT_TYPE_WORD(name, word, ...) word,
inline constexpr std::size_t kEventTypes =
    std::initializer_list<std::string_view>{FW_EVENT_TYPES(FW_EVENT_TYPE_WORD)}.size();
#undef FW_EVENT_TYPE_WORD

[[nodiscard]] std::string_view word(EventType type);  // "WouldBan"
[[nodiscard]] std::string_view word(Level level);     // "NOTICE"
[[nodiscard]] Level level_of(EventType type);
// None: this version has no such type. Upper and lower case are the same.
[[nodiscard]] std::optional<EventType> event_type_named(std::string_view word);
[[nodiscard]] std::string_view fields_of(EventType type);   // "what error"
[[nodiscard]] std::string_view meaning_of(EventType type);  // half a sentence
// Whether an event of this type may have the field.
[[nodiscard]] bool may_have(EventType type, std::string_view key);

struct Field {
  std::string_view key;  // static storage; as in the text log: "dport", "pps"
  std::string value;     // any bytes; escaped when it is written
  bool number = false;   // how JSON shows it

  static Field text(std::string_view key, std::string_view value) {
    return {key, std::string(value), false};
  }
  static Field count(std::string_view key, std::uint64_t value) {
    return {key, std::to_string(value), true};
  }
};

struct Event {
  std::uint64_t id = 0;  // counts up, with gaps at starts of the daemon
  std::chrono::system_clock::time_point time;
  EventType type = EventType::ban;
  std::string address;  // may be empty
  std::vector<Field> fields;
};

// "2026-05-01T12:00:03.412Z NOTICE Ban 203.0.113.77 for=60s rule=game": no line feed, no control
// character, whatever the values contain.
[[nodiscard]] std::string to_text(const Event& event);
// {"timestamp", "event_type", "level", "id", "src_ip", "dest_port", "proto", ...}.
[[nodiscard]] nlohmann::json to_json(const Event& event);
// The same as one line of JSON text.
[[nodiscard]] std::string to_json_line(const Event& event);

}  // namespace fw::engine
