// SPDX-License-Identifier: MIT
#include "engine/kept/kept.hpp"

#include <utility>

namespace fw::engine {

std::int64_t wall_ms(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::chrono::system_clock::time_point from_wall_ms(std::int64_t ms) {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
}

std::uint64_t mono_of_wall_ms(std::int64_t ms, const Now& now) {
  const std::int64_t ago_ms = wall_ms(now.wall) - ms;
  return now.mono_ns - static_cast<std::uint64_t>(ago_ms) * kMillisecond;
}

std::optional<std::string_view> name_of(std::string_view row_name, std::string_view kind) {
  if (!row_name.starts_with(kind) || row_name.size() <= kind.size() + 1 ||
      row_name[kind.size()] != ' ')
    return std::nullopt;
  return row_name.substr(kind.size() + 1);
}

std::optional<Prefix> prefix_named(const KeptRow& row, std::string_view kind) {
  const auto name = name_of(row.name, kind);
  if (!name) return std::nullopt;
  const Result<Prefix> prefix = Prefix::parse(*name);
  return prefix ? std::optional(*prefix) : std::nullopt;
}

void FewRows::put(const std::string& name, std::string text, KeptRows& changes, bool final) {
  Row& row = rows_[name];
  row.is_put = true;
  row.is_final = final;
  if (row.text == text) return;
  changes.push_back({name, text});
  row.text = std::move(text);
}

bool FewRows::has_final(const std::string& name) {
  const auto at = rows_.find(name);
  if (at == rows_.end() || !at->second.is_final) return false;
  return at->second.is_put = true;
}

void FewRows::remove_others(KeptRows& changes) {
  for (auto at = rows_.begin(); at != rows_.end();) {
    if (std::exchange(at->second.is_put, false)) {
      ++at;
      continue;
    }
    changes.push_back({at->first, std::nullopt});
    at = rows_.erase(at);
  }
}

}  // namespace fw::engine
