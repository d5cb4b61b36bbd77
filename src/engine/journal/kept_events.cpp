// SPDX-License-Identifier: MIT
// Events that outlive the daemon: a row each, named by its id.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/terminal_text.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kKind = "event ";

std::string row_name(std::uint64_t id) {
  return fmt::format("{}{}", kKind, id);
}

std::optional<std::uint64_t> id_of(std::string_view name) {
  if (!name.starts_with(kKind)) return std::nullopt;
  name.remove_prefix(kKind.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return id;
}

std::string text_of(const Event& event) {
  Json fields = Json::array();
  for (const Field& field : event.fields)
    fields.push_back(Json::array({field.key, field.value, field.number}));
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch());
  return Json{{"ms", ms.count()},
              {"type", word(event.type)},
              {"address", event.address},
              {"fields", std::move(fields)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<Event> Journal::event_of(const KeptRow& row) {
  const auto id = id_of(row.name);
  const Json json = row.text ? Json::parse(*row.text, nullptr, false) : Json();
  if (!id || !json.is_object()) return std::nullopt;
  const auto type = event_type_named(json.value("type", ""));
  if (!type || !json.contains("ms") || !json["ms"].is_number_integer()) return std::nullopt;
  Event event{.id = *id,
              .time = std::chrono::system_clock::time_point(
                  std::chrono::milliseconds(json["ms"].get<std::int64_t>())),
              .type = *type,
              .address = {},
              .fields = {}};
  if (json.contains("address") && json["address"].is_string())
    event.address = json["address"].get<std::string>();
  if (!json.contains("fields") || !json["fields"].is_array()) return event;
  for (const Json& field : json["fields"]) {
    if (!field.is_array() || field.size() != 3 || !field[0].is_string() || !field[1].is_string() ||
        !field[2].is_boolean())
      continue;
    auto value = field[1].get<std::string>();
    const bool number = field[2].get<bool>() && !value.empty() && value.size() < 20 &&
                        value.find_first_not_of("0123456789") == std::string::npos;
    event.fields.push_back({.key = *keys_.insert(printable(field[0].get<std::string>())).first,
                            .value = std::move(value),
                            .number = number});
  }
  return event;
}

std::size_t Journal::restore(const KeptRows& rows) {
  std::deque<Event> kept;
  for (const KeptRow& row : rows) {
    if (!row.name.starts_with(kKind)) continue;
    if (auto event = event_of(row))
      kept.push_back(std::move(*event));
    else
      removed_.push_back(row.name);
  }
  if (kept.empty()) return 0;
  std::ranges::sort(kept, {}, &Event::id);
  for (; kept.size() > kMaxEvents; kept.pop_front()) removed_.push_back(row_name(kept.front().id));
  // The last second's events may be lost, and others may have been told their ids.
  last_id_ = kept_id_ = (kept.back().id / kIdGap + 1) * kIdGap;
  events_ = std::move(kept);
  return events_.size();
}

void Journal::take_changes(std::size_t most, KeptRows& rows) {
  for (; most > 0 && !removed_.empty(); --most) {
    rows.push_back({std::move(removed_.back()), std::nullopt});
    removed_.pop_back();
  }
  for (auto at = std::ranges::upper_bound(events_, kept_id_, {}, &Event::id);
       most > 0 && at != events_.end(); ++at, --most) {
    rows.push_back({row_name(at->id), text_of(*at)});
    kept_id_ = at->id;
  }
}

void Journal::forget_oldest() {
  if (events_.front().id <= kept_id_) removed_.push_back(row_name(events_.front().id));
  events_.pop_front();
}

}  // namespace fw::engine
