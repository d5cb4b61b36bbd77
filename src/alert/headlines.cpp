// SPDX-License-Identifier: MIT
// From an event of the journal to the line that somebody reads on a telephone.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "alert/message.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"

namespace fw::alert {
namespace {

using engine::Event;
using engine::EventType;

std::string field(const Event& event, std::string_view key) {
  const auto found = std::ranges::find(event.fields, key, &engine::Field::key);
  return found == event.fields.end() ? "" : printable(found->value);
}

// "7,000"; as it is, if it is no number.
std::string count(const Event& event, std::string_view key) {
  const std::string text = field(event, key);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? grouped(number) : text;
}

std::optional<Kind> kind_of(EventType type) {
  switch (type) {
    case EventType::attack_start:
      return Kind::attack;
    case EventType::attack_vector:
      return Kind::vector;
    case EventType::attack_end:
      return Kind::end;
    case EventType::reload_failed:
      return Kind::refused;
    default:
      return std::nullopt;
  }
}

std::string headline(const Event& event, Kind kind) {
  const std::string id = field(event, "id");
  if (kind == Kind::attack)
    return fmt::format("attack {} began: {} packets/s, {}", id, count(event, "pps"),
                       field(event, "vectors"));
  if (kind == Kind::vector)
    return fmt::format("attack {} goes on with: {}", id, field(event, "vectors"));
  if (kind == Kind::end)
    return fmt::format("attack {} is over after {}: at most {} packets/s", id,
                       field(event, "duration"), count(event, "peak_pps"));
  return fmt::format("{} not put in force, the former stays: {}", field(event, "what"),
                     field(event, "error"));
}

std::string_view what_to_type(Kind kind) {
  switch (kind) {
    case Kind::attack:
    case Kind::vector:
      return "See who it is: floodwall status; floodwall list sources";
    case Kind::end:
      return "See what it was: floodwall list attacks";
    default:
      return "See why: floodwall check";
  }
}

}  // namespace

std::optional<Message> message_of(const Event& event) {
  const auto kind = kind_of(event.type);
  if (!kind) return std::nullopt;
  Message message{.kind = *kind,
                  .time = format_time(event.time),
                  .subject = shortened(headline(event, *kind), kMaxSubjectBytes),
                  .event = engine::to_json_line(event)};
  std::string lines;
  for (const engine::Field& each : event.fields)
    lines += fmt::format("{}: {}\n", each.key, printable(each.value));
  const std::string_view hint = what_to_type(*kind);
  message.text = fmt::format("{}{}", shortened(lines, kMaxTextBytes - hint.size() - 1), hint);
  // An event whose error is pages long is still in the log.
  if (message.event.size() > 4 * kMaxTextBytes)
    message.event = nlohmann::json{
        {"timestamp", message.time},
        {"event_type", engine::word(event.type)},
        {"shortened",
         true}}.dump();
  return message;
}

}  // namespace fw::alert
