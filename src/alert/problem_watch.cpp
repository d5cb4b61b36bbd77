// SPDX-License-Identifier: MIT
#include "alert/problem_watch.hpp"

#include <algorithm>

namespace fw::alert {
namespace {

constexpr std::size_t kMaxKeyBytes = 200;  // judgement

// "8001 of 8192 places" and "8002 of 8192 places" are the same problem.
std::string key_of(const std::string& problem) {
  std::string key;
  for (const char c : problem.substr(0, kMaxKeyBytes)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c != ',' || key.empty() || key.back() != '#')) key += c;
    if (digit && (key.empty() || key.back() != '#')) key += '#';
  }
  return key;
}

}  // namespace

std::optional<Kind> ProblemWatch::look(const std::vector<Seen>& problems, std::uint64_t now_ms) {
  std::set<std::string> present;
  std::vector<Waiting> waiting;
  for (const Seen& problem : problems) {
    std::string key = key_of(problem.text);
    if (!present.insert(key).second || told_.contains(key)) continue;
    const auto before = std::ranges::find(waiting_, key, &Waiting::key);
    const std::uint64_t since_ms = before == waiting_.end() ? now_ms : before->since_ms;
    waiting.push_back({std::move(key), problem.of_lists, since_ms});
  }
  waiting_ = std::move(waiting);

  if (present.empty()) {
    if (told_.empty()) return std::nullopt;
    if (!gone_since_ms_) gone_since_ms_ = now_ms;
    if (now_ms - *gone_since_ms_ < kHealthyMs) return std::nullopt;
    gone_since_ms_.reset();
    told_.clear();
    return Kind::healthy;
  }
  gone_since_ms_.reset();
  const bool settled = std::ranges::any_of(
      waiting_, [&](const Waiting& one) { return now_ms - one.since_ms >= kSettleMs; });
  if (!settled) return std::nullopt;
  // Those that came with it are told with it.
  const bool only_lists = std::ranges::all_of(waiting_, &Waiting::of_lists);
  for (Waiting& one : waiting_) told_.insert(std::move(one.key));
  waiting_.clear();
  // What went meanwhile is news when it comes back.
  std::erase_if(told_, [&](const std::string& key) { return !present.contains(key); });
  return only_lists ? Kind::lists : Kind::degraded;
}

}  // namespace fw::alert
