// SPDX-License-Identifier: MIT
#include "engine/journal/journal.hpp"

#include <algorithm>
#include <cassert>

namespace fw::engine {
namespace {

// Judgement: what a person can still follow.
constexpr std::uint64_t kCostNs = kSecond / 50;
constexpr std::uint64_t kBurstNs = 200 * kCostNs;
constexpr std::uint64_t kFirstSummaryNs = kSecond;
constexpr std::uint64_t kNextSummaryNs = 10 * kSecond;

}  // namespace

EventDetails failure_details(std::string_view what, const Error& error) {
  return {"", {Field::text("what", what), Field::text("error", error.message)}};
}

bool Journal::admits(EventType type, const Now& now) {
  Bucket& bucket = buckets_.at(static_cast<std::size_t>(type));
  const std::uint64_t tat_ns = std::max(bucket.tat_ns, now.mono_ns) + kCostNs;
  if (tat_ns <= now.mono_ns + kBurstNs) {
    bucket.tat_ns = tat_ns;
    return true;
  }
  if (bucket.suppressed++ == 0)
    bucket.summary_due_ns = std::max(bucket.summary_due_ns, now.mono_ns + kFirstSummaryNs);
  ++suppressed_;
  return false;
}

void Journal::append(EventType type, const Now& now, EventDetails details) {
  assert(std::ranges::all_of(details.fields,
                             [&](const Field& field) { return may_have(type, field.key); }));
  if (events_.size() == kMaxEvents) forget_oldest();
  events_.push_back({.id = ++last_id_,
                     .time = now.wall,
                     .type = type,
                     .address = std::move(details.address),
                     .fields = std::move(details.fields)});
  if (sink_) sink_(events_.back());
}

void Journal::summarise_suppressed(const Now& now) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    Bucket& bucket = buckets_.at(i);
    if (bucket.suppressed == 0 || now.mono_ns < bucket.summary_due_ns) continue;
    append(EventType::suppressed, now,
           {"",
            {Field::count("count", bucket.suppressed),
             Field::text("type", word(static_cast<EventType>(i)))}});
    bucket.suppressed = 0;
    bucket.summary_due_ns = now.mono_ns + kNextSummaryNs;
  }
}

}  // namespace fw::engine
