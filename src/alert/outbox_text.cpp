// SPDX-License-Identifier: MIT
// The queues as the text of a file.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "alert/outbox.hpp"

namespace fw::alert {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;

Json to_json(const Message& message) {
  return {{"id", message.id},           {"kind", word(message.kind)}, {"time", message.time},
          {"subject", message.subject}, {"text", message.text},       {"event", message.event}};
}

std::optional<Message> read_message(const Json& row) {
  const auto kind = kind_named(row.at("kind").get<std::string>());
  if (!kind) return std::nullopt;  // of another version
  return Message{.id = row.at("id").get<std::uint64_t>(),
                 .kind = *kind,
                 .time = row.at("time").get<std::string>(),
                 .subject = row.at("subject").get<std::string>(),
                 .text = row.at("text").get<std::string>(),
                 .event = row.at("event").get<std::string>()};
}

}  // namespace

std::string Outbox::text(const std::set<std::string>& told) const {
  Json targets = Json::object();
  for (const auto& [name, target] : targets_) {
    Json waiting = Json::array();
    for (const Message& message : target.waiting) waiting.push_back(to_json(message));
    targets[name] = {{"waiting", std::move(waiting)}, {"dropped", target.dropped}};
  }
  return Json{
      {"version", kVersion}, {"last_id", last_id_}, {"told", told}, {"targets", std::move(targets)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::set<std::string>> Outbox::restore(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (json.at("version").get<int>() != kVersion) return fail("it is of another version");
    const auto last_id = json.at("last_id").get<std::uint64_t>();
    auto told = json.at("told").get<std::set<std::string>>();
    std::map<std::string, Target> targets = targets_;
    for (const auto& [name, row] : json.at("targets").items()) {
      const auto target = targets.find(name);
      if (target == targets.end()) continue;
      target->second.dropped = row.at("dropped").get<std::uint64_t>();
      for (const Json& each : row.at("waiting"))
        if (auto message = read_message(each);
            message && target->second.waiting.size() < kMaxWaiting)
          target->second.waiting.push_back(std::move(*message));
    }
    targets_ = std::move(targets);
    last_id_ = std::max(last_id_, last_id);
    return told;
  } catch (const Json::exception&) {
    return fail("it is damaged");
  }
}

}  // namespace fw::alert
