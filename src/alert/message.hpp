// SPDX-License-Identifier: MIT
// What somebody is told: of one event of the journal, or of a change of the problems that `status`
// shows. The texts are printable: what came from outside cannot write a line or a header of its
// own. Reads no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alert/kind.hpp"
#include "engine/journal/event.hpp"

namespace fw::alert {

using WallTime = std::chrono::system_clock::time_point;

// Judgement: a subject is a line of a telephone, a text fits Discord's 2,000 characters.
inline constexpr std::size_t kMaxSubjectBytes = 200;
inline constexpr std::size_t kMaxTextBytes = 1500;

struct Message {
  std::uint64_t id = 0;  // given by the outbox; a receiver knows by it what it got twice
  Kind kind = Kind::test;
  std::string time{};     // RFC 3339
  std::string subject{};  // a line: "attack 20261122-1 began: 7,000 packets/s"
  std::string text{};     // lines, the first of them not the subject
  std::string event{};    // JSON, as in events.json; of problems {"problems": [...]}

  bool operator==(const Message&) const = default;
};

// None: nobody is told of events of this type.
[[nodiscard]] std::optional<Message> message_of(const engine::Event& event);
// `problems`: all that there are now. Of kind degraded, lists or healthy.
[[nodiscard]] Message message_of_problems(Kind kind, std::span<const std::string> problems,
                                          WallTime when);
[[nodiscard]] Message test_message(WallTime when);

// One delivery: a message, or a digest of several that came at once.
struct Package {
  std::vector<Message> messages;  // oldest first; at least one
  std::uint64_t dropped = 0;      // earlier ones, for which the queue had no room
};

[[nodiscard]] std::string subject_of(const Package& package, const std::string& host);
[[nodiscard]] std::string text_of(const Package& package);
// {"host", "subject", "text", "dropped", "messages": [{"id", "kind", "time", "subject", "text",
// "event"}]}
[[nodiscard]] nlohmann::json json_of(const Package& package, const std::string& host);

// At most so many bytes of UTF-8 that is whole, with "..." if that is not all.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t bytes);

}  // namespace fw::alert
