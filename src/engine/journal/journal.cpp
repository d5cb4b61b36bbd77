// SPDX-License-Identifier: MIT
#include "engine/journal/journal.hpp"

#include <algorithm>

namespace fw::engine {
namespace {

constexpr std::uint64_t kCostNs = kSecond / 50;
constexpr std::uint64_t kBurstNs = 200 * kCostNs;
constexpr std::uint64_t kFirstSummaryNs = kSecond;
constexpr std::uint64_t kNextSummaryNs = 10 * kSecond;

}  // namespace

bool Journal::admits(EventType type, const Now& now) {
  Bucket& bucket = buckets_.at(static_cast<std::size_t>(type));
  const std::uint64_t paid_until = std::max(bucket.paid_until_ns, now.mono_ns) + kCostNs;
  if (paid_until <= now.mono_ns + kBurstNs) {
    bucket.paid_until_ns = paid_until;
    return true;
  }
  if (bucket.suppressed++ == 0)
    bucket.summary_due_ns = std::max(bucket.summary_due_ns, now.mono_ns + kFirstSummaryNs);
  ++suppressed_;
  return false;
}

void Journal::keep(EventType type, const Now& now, Draft draft) {
  if (events_.size() == kKept) events_.pop_front();
  events_.push_back({.id = ++last_id_,
                     .time = now.wall,
                     .type = type,
                     .address = std::move(draft.address),
                     .fields = std::move(draft.fields)});
  if (sink_) sink_(events_.back());
}

void Journal::summarise_suppressed(const Now& now) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    Bucket& bucket = buckets_.at(i);
    if (bucket.suppressed == 0 || now.mono_ns < bucket.summary_due_ns) continue;
    keep(EventType::suppressed, now,
         {"",
          {Field::count("count", bucket.suppressed),
           Field::text("type", word(static_cast<EventType>(i)))}});
    bucket.suppressed = 0;
    bucket.summary_due_ns = now.mono_ns + kNextSummaryNs;
  }
}

}  // namespace fw::engine
