// SPDX-License-Identifier: MIT
// The reply to `events`.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "engine/report/report.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

std::string_view field_of(const Event& event, std::string_view key) {
  const auto at = std::ranges::find(event.fields, key, &Field::key);
  return at == event.fields.end() ? std::string_view() : std::string_view(at->value);
}

bool is_of_attack(EventType type) {
  return type == EventType::attack_start || type == EventType::attack_vector ||
         type == EventType::attack_end;
}

// The names of its signatures, by which their ends are found.
std::set<std::string, std::less<>> signatures_of(const Journal& journal, std::string_view attack) {
  std::set<std::string, std::less<>> names;
  for (const Event& event : journal.events())
    if (event.type == EventType::signature && field_of(event, "attack") == attack)
      names.emplace(field_of(event, "id"));
  return names;
}

class Filter {
 public:
  Filter(const Journal& journal, const EventQuery& query) : query_(query) {
    if (!query.attack.empty()) signatures_ = signatures_of(journal, query.attack);
  }

  [[nodiscard]] bool admits(const Event& event) const {
    if (query_.from && event.time < *query_.from) return false;
    if (query_.until && event.time >= *query_.until) return false;
    if (!query_.types.empty() && std::ranges::find(query_.types, event.type) == query_.types.end())
      return false;
    return (!query_.prefix || concerns(event)) && (query_.attack.empty() || belongs(event));
  }

 private:
  // It is about the prefix, a part of it, or one that holds it.
  [[nodiscard]] bool concerns(const Event& event) const {
    const Result<Prefix> of = Prefix::parse(event.address);
    if (!of) return false;
    const unsigned bits = std::min(of->bits, query_.prefix->bits);
    return masked(of->address, bits) == masked(query_.prefix->address, bits);
  }

  [[nodiscard]] bool belongs(const Event& event) const {
    if (is_of_attack(event.type)) return field_of(event, "id") == query_.attack;
    if (event.type == EventType::signature_end) return signatures_.contains(field_of(event, "id"));
    return event.type == EventType::signature && field_of(event, "attack") == query_.attack;
  }

  const EventQuery& query_;
  std::set<std::string, std::less<>> signatures_;
};

}  // namespace

Json events_report(const Journal& journal, const EventQuery& query, const Now& now) {
  const std::uint64_t after = query.after > journal.last_id() ? 0 : query.after;
  const auto& events = journal.events();
  auto first = std::ranges::upper_bound(events, after, {}, &Event::id);
  if (query.since_ns != FW_FOREVER) {
    const auto oldest = now.wall - std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                       std::chrono::nanoseconds(query.since_ns));
    first =
        std::find_if(first, events.end(), [&](const Event& event) { return event.time >= oldest; });
  }
  const Filter filter(journal, query);
  std::vector<const Event*> found;
  for (; first != events.end(); ++first)
    if (filter.admits(*first)) found.push_back(&*first);
  const std::size_t left_out = found.size() - std::min<std::size_t>(found.size(), query.limit);
  Json shown = Json::array();
  for (std::size_t i = left_out; i < found.size(); ++i) {
    Json event = to_json(*found[i]);
    event["text"] = to_text(*found[i]);
    shown.push_back(std::move(event));
  }
  return {{"events", std::move(shown)}, {"left_out", left_out}, {"next", journal.last_id()}};
}

}  // namespace fw::engine
