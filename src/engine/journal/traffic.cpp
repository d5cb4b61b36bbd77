// SPDX-License-Identifier: MIT
#include "engine/journal/traffic.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

std::uint64_t sum(std::span<const fw_u64> values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

EventDetails summary(const fw_counters& before, const fw_counters& after) {
  const Amount old_amount = refused(before);
  const Amount new_amount = refused(after);
  EventDetails details{"",
                       {Field::count("packets", new_amount.packets - old_amount.packets),
                        Field::count("bytes", new_amount.bytes - old_amount.bytes)}};
  for (unsigned i = 0; i < FW_REASON_COUNT; ++i) {
    const std::uint64_t packets = after.packets[i] - before.packets[i];
    const auto reason = static_cast<fw_reason>(i);
    if (packets > 0 && fw_reason_drops(reason) != 0)
      details.fields.push_back(Field::count(reason_word(reason), packets));
  }
  return details;
}

}  // namespace

Amount total(const fw_counters& counters) {
  return {.packets = sum(counters.packets) - counters.packets[FW_REASON_OUTGOING],
          .bytes = sum(counters.bytes) - counters.bytes[FW_REASON_OUTGOING]};
}

Amount refused(const fw_counters& counters) {
  Amount amount;
  for (unsigned i = 0; i < FW_REASON_COUNT; ++i) {
    if (fw_reason_drops(i) == 0) continue;
    amount.packets += counters.packets[i];
    amount.bytes += counters.bytes[i];
  }
  return amount;
}

void Traffic::begin(const fw_counters& counters, const Now& now) {
  counters_ = {};
  observed_ = {};
  divide(counters);
  counters_ = summarised_ = counters;
  summary_due_ns_ = now.mono_ns + kSummaryNs;
}

// The mode is the same from one tick to the next, but for the tick in which it changed.
void Traffic::divide(const fw_counters& counters) {
  const Amount before = refused(counters_), after = refused(counters);
  const std::uint64_t packets = after.packets - before.packets;
  const std::uint64_t observed = counters.observed_drops - counters_.observed_drops;
  if (packets == 0 || observed == 0) return;
  const double share = std::min(1.0, static_cast<double>(observed) / static_cast<double>(packets));
  observed_.packets += observed;
  observed_.bytes += static_cast<std::uint64_t>(
      std::llround(share * static_cast<double>(after.bytes - before.bytes)));
}

Amount Traffic::dropped() const {
  const Amount all = refused(counters_);
  return {.packets = all.packets - std::min(all.packets, observed_.packets),
          .bytes = all.bytes - std::min(all.bytes, observed_.bytes)};
}

void Traffic::update(const fw_counters& counters, bool observing, Journal& journal,
                     const Now& now) {
  divide(counters);
  counters_ = counters;
  if (now.mono_ns >= summary_due_ns_) summarise(observing, journal, now);
}

void Traffic::summarise(bool observing, Journal& journal, const Now& now) {
  summary_due_ns_ = now.mono_ns + kSummaryNs;
  const fw_counters before = std::exchange(summarised_, counters_);
  if (refused(counters_).packets <= refused(before).packets) return;
  journal.write(observing ? EventType::would_drop : EventType::dropped, now,
                [&] { return summary(before, counters_); });
}

}  // namespace fw::engine
