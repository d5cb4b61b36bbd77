// SPDX-License-Identifier: MIT
#include "alert/message.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/terminal_text.hpp"
#include "base/units.hpp"

namespace fw::alert {
namespace {

using Json = nlohmann::json;

std::string text_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dropped_in_words(std::uint64_t dropped) {
  return dropped == 0 ? ""
                      : fmt::format(
                            "{} earlier messages found no room while this could not be "
                            "delivered, and are lost: see floodwall events",
                            grouped(dropped));
}

}  // namespace

std::string shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::size_t end = bytes < 3 ? 0 : bytes - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

Message message_of_problems(Kind kind, std::span<const std::string> problems, WallTime when) {
  Message message{.kind = kind, .time = format_time(when)};
  Json listed = Json::array();
  std::string lines;
  for (const std::string& problem : problems) {
    const std::string line = shortened(printable(problem), kMaxTextBytes / 2);
    if (lines.size() + line.size() > kMaxTextBytes) break;
    lines += line + "\n";
    listed.push_back(line);
  }
  if (kind == Kind::healthy)
    message.subject = "healthy again";
  else if (problems.empty())
    message.subject = "degraded";
  else
    message.subject = shortened(fmt::format("{}: {}", kind == Kind::lists ? "lists" : "degraded",
                                            printable(problems.front())),
                                kMaxSubjectBytes);
  message.text = kind == Kind::healthy ? "floodwall status shows no problem" : lines;
  message.text += kind == Kind::healthy ? "" : "See: floodwall status";
  message.event = text_json({{"timestamp", message.time},
                             {"event_type", kind == Kind::healthy ? "Healthy" : "Degraded"},
                             {"problems", std::move(listed)}});
  return message;
}

Message test_message(WallTime when) {
  return {.kind = Kind::test,
          .time = format_time(when),
          .subject = "test: alerts arrive",
          .text = "Sent by floodwall alert test. Nothing has happened.",
          .event = text_json({{"timestamp", format_time(when)}, {"event_type", "Test"}})};
}

std::string subject_of(const Package& package, const std::string& host) {
  const std::size_t count = package.messages.size();
  return shortened(count == 1 ? fmt::format("{}: {}", host, package.messages.front().subject)
                              : fmt::format("{}: {} messages, the last: {}", host, count,
                                            package.messages.back().subject),
                   kMaxSubjectBytes);
}

std::string text_of(const Package& package) {
  std::string lost = dropped_in_words(package.dropped);
  if (!lost.empty()) lost += "\n";
  if (package.messages.size() == 1) return lost + package.messages.front().text;
  std::string lines;
  for (const Message& message : package.messages)
    lines += fmt::format("{} {}\n", message.time, message.subject);
  if (lines.size() + lost.size() <= kMaxTextBytes) return lost + lines;
  // The newest are of most use.
  const std::string_view all = lines;
  std::size_t from = all.size() - (kMaxTextBytes - lost.size() - 50);
  from = all.find('\n', from) + 1;
  return fmt::format("{}Earlier ones: floodwall events\n{}", lost, all.substr(from));
}

Json json_of(const Package& package, const std::string& host) {
  Json messages = Json::array();
  for (const Message& message : package.messages) {
    Json event = Json::parse(message.event, nullptr, false);
    if (event.is_discarded()) event = nullptr;
    messages.push_back({{"id", message.id},
                        {"kind", word(message.kind)},
                        {"time", message.time},
                        {"subject", message.subject},
                        {"text", message.text},
                        {"event", std::move(event)}});
  }
  return {{"host", host},
          {"subject", subject_of(package, host)},
          {"text", text_of(package)},
          {"dropped", package.dropped},
          {"messages", std::move(messages)}};
}

}  // namespace fw::alert
