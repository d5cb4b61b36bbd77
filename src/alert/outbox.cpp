// SPDX-License-Identifier: MIT
#include "alert/outbox.hpp"

#include <algorithm>

namespace fw::alert {
namespace {

constexpr std::uint64_t kMinuteMs = 60'000;

void forget_old(std::deque<std::uint64_t>& sent_ms, std::uint64_t now_ms) {
  while (!sent_ms.empty() && sent_ms.front() + kMinuteMs <= now_ms) sent_ms.pop_front();
}

bool wants(const config::Alert& alert, Kind kind) {
  return std::ranges::find(alert.on, word(kind)) != alert.on.end();
}

}  // namespace

void Outbox::configure(std::span<const config::Alert> alerts) {
  alerts_.clear();
  for (const config::Alert& alert : alerts) {
    alerts_.emplace(alert.name, alert);
    targets_.try_emplace(alert.name).first->second.due_ms = 0;  // maybe it was mended
  }
  std::erase_if(targets_, [&](const auto& entry) { return !alerts_.contains(entry.first); });
}

void Outbox::post(Message message) {
  message.id = ++last_id_;
  for (auto& [name, target] : targets_) {
    if (!wants(alerts_.at(name), message.kind)) continue;
    if (target.waiting.size() >= kMaxWaiting) {
      // What is under way may be delivered already.
      target.waiting.erase(
          target.waiting.begin() +
          static_cast<std::ptrdiff_t>(std::min(target.under_way, target.waiting.size() - 1)));
      ++target.dropped;
      ++target.dropped_in_all;
    }
    target.waiting.push_back(message);
  }
}

// A digest waits until its minute has room again.
std::uint64_t Outbox::due_of(const Target& target, const config::Alert& alert) const {
  const std::size_t sent = target.sent_ms.size();
  if (sent < alert.per_minute) return target.due_ms;
  return std::max(target.due_ms, target.sent_ms[sent - alert.per_minute] + kMinuteMs);
}

std::optional<Package> Outbox::take(const std::string& name, std::uint64_t now_ms) {
  const auto found = targets_.find(name);
  if (found == targets_.end()) return std::nullopt;
  Target& target = found->second;
  const config::Alert& alert = alerts_.at(name);
  if (target.waiting.empty() || target.under_way > 0) return std::nullopt;
  const bool was_full = target.sent_ms.size() >= alert.per_minute;
  if (now_ms < due_of(target, alert)) return std::nullopt;
  forget_old(target.sent_ms, now_ms);
  // The last delivery that the minute has room for takes all that waits.
  const bool is_last = target.sent_ms.size() + 1 >= alert.per_minute;
  const std::size_t count = was_full || is_last ? std::min(target.waiting.size(), kMaxDigest) : 1;
  target.under_way = count;
  target.telling = target.dropped;
  return Package{
      {target.waiting.begin(), target.waiting.begin() + static_cast<std::ptrdiff_t>(count)},
      target.dropped};
}

void Outbox::done(const std::string& name, const std::string& error, std::uint64_t now_ms) {
  const auto found = targets_.find(name);
  if (found == targets_.end()) return;  // it is gone meanwhile
  Target& target = found->second;
  const std::size_t count = std::exchange(target.under_way, 0);
  target.error = error;
  if (count == 0) return;
  if (error.empty()) {
    target.waiting.erase(target.waiting.begin(),
                         target.waiting.begin() + static_cast<std::ptrdiff_t>(count));
    target.dropped -= target.telling;
    target.tries = 0;
    target.due_ms = now_ms;
    target.delivered += count;
    target.sent_ms.push_back(now_ms);
    return;
  }
  ++target.failures;
  const std::uint64_t pause_ms = kFirstRetryMs << std::min(target.tries, 20U);
  target.due_ms = now_ms + std::min(pause_ms, kLastRetryMs);
  ++target.tries;
}

std::optional<std::uint64_t> Outbox::due_ms() const {
  std::optional<std::uint64_t> due;
  for (const auto& [name, target] : targets_) {
    if (target.waiting.empty() || target.under_way > 0) continue;
    const std::uint64_t at = due_of(target, alerts_.at(name));
    due = due ? std::min(*due, at) : at;
  }
  return due;
}

}  // namespace fw::alert
