// SPDX-License-Identifier: MIT
#include "engine/enforce/offences.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "engine/kept/kept_text.hpp"

namespace fw::engine {
namespace {

constexpr std::string_view kKind = "offences";

std::int64_t oldest_remembered(const Now& now, Milliseconds memory) {
  return static_cast<std::int64_t>(now.mono_ns) -
         memory.count() * static_cast<std::int64_t>(kMillisecond);
}

unsigned count_since(const std::vector<std::int64_t>& times_ns, std::int64_t since_ns) {
  return static_cast<unsigned>(times_ns.end() - std::ranges::lower_bound(times_ns, since_ns));
}

}  // namespace

unsigned Offences::add(const Prefix& source, const Now& now, Milliseconds memory) {
  auto at = by_source_.find(source);
  if (at == by_source_.end()) {
    if (by_source_.size() == capacity_) {
      const auto oldest = by_source_.find(by_age_.front());
      unwritten_.removed(oldest->first, oldest->second.written);
      by_source_.erase(oldest);
      by_age_.pop_front();
    }
    by_age_.push_back(source);
    at = by_source_
             .emplace(source,
                      Record{.times_ns = {}, .age = std::prev(by_age_.end()), .written = false})
             .first;
  } else {
    by_age_.splice(by_age_.end(), by_age_, at->second.age);
  }
  std::vector<std::int64_t>& times = at->second.times_ns;
  if (times.size() == kMaxPerSource) times.erase(times.begin());
  times.push_back(static_cast<std::int64_t>(now.mono_ns));
  unwritten_.changed(source);
  return count_since(times, oldest_remembered(now, memory));
}

unsigned Offences::count(const Prefix& source, const Now& now, Milliseconds memory) const {
  const auto at = by_source_.find(source);
  return at == by_source_.end() ? 0
                                : count_since(at->second.times_ns, oldest_remembered(now, memory));
}

void Offences::take_changes(std::size_t most, const KeptClock& clock, KeptRows& rows) {
  unwritten_.take(kKind, most, rows, [&](const Prefix& source) -> std::optional<std::string> {
    const auto at = by_source_.find(source);
    if (at == by_source_.end()) return std::nullopt;
    at->second.written = true;
    nlohmann::json times = nlohmann::json::array();
    for (const std::int64_t time : at->second.times_ns) times.push_back(clock.kept_ns(time));
    return kept_text({{"times", std::move(times)}});
  });
}

void Offences::restore(const KeptRows& rows, const KeptClock& clock, const Now& now,
                       Milliseconds memory, Restored& restored) {
  std::vector<std::pair<std::int64_t, Prefix>> by_last;
  std::map<Prefix, std::vector<std::int64_t>> found;
  for (const KeptRow& row : rows) {
    const auto source = prefix_named(row, kKind);
    const auto text = source ? KeptText::parse(row) : std::nullopt;
    if (!text) {
      restored.unreadable += name_of(row.name, kKind) ? 1 : 0;
      continue;
    }
    std::vector<std::int64_t> times = text->numbers("times");
    for (std::int64_t& time : times) time = clock.mono_ns(time);
    std::ranges::sort(times);
    if (times.size() > kMaxPerSource)
      times.erase(times.begin(), times.end() - static_cast<std::ptrdiff_t>(kMaxPerSource));
    if (times.empty() || times.back() < oldest_remembered(now, memory)) {
      unwritten_.removed(*source, true);
      continue;
    }
    by_last.emplace_back(times.back(), *source);
    found[*source] = std::move(times);
  }
  std::ranges::sort(by_last);
  const std::size_t skipped = by_last.size() > capacity_ ? by_last.size() - capacity_ : 0;
  for (std::size_t i = 0; i < by_last.size(); i++) {
    const Prefix& source = by_last[i].second;
    if (i < skipped || by_source_.contains(source)) {
      unwritten_.removed(source, i < skipped);
      continue;
    }
    by_age_.push_back(source);
    by_source_[source] = {
        .times_ns = std::move(found[source]), .age = std::prev(by_age_.end()), .written = true};
    ++restored.offenders;
  }
}

void Offences::slept(std::uint64_t span_ns) {
  for (auto& [source, record] : by_source_)
    for (std::int64_t& time : record.times_ns) time -= static_cast<std::int64_t>(span_ns);
}

unsigned escalation(std::span<const unsigned> factors, unsigned offence) {
  if (factors.empty() || offence == 0) return 1;
  return factors[std::min<std::size_t>(offence, factors.size()) - 1];
}

}  // namespace fw::engine
