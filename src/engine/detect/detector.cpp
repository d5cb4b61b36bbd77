// SPDX-License-Identifier: MIT
#include "engine/detect/detector.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <utility>

#include "base/words.hpp"
#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

constexpr fw_class kRequests = FW_CLASS_UDP_NEW;  // to UDP services

// Judgement: samples that are enough to search, as FinderOptions::min_excess.
constexpr std::size_t kMinSamples = 64;

std::string vectors_in_words(const std::map<VectorKey, Vector>& vectors) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& [key, vector] : vectors) {
    if (++shown > 4) return out + fmt::format(", {} more", vectors.size() - 4);
    if (!out.empty()) out += ", ";
    out += text_of(key);
  }
  return out;
}

}  // namespace

std::string text_of(const VectorKey& vector) {
  std::string out(class_word(vector.traffic_class));
  if (vector.dst == Address{}) return vector.port != 0 ? out + " to services" : out;
  out += " to " + vector.dst.text();
  if (vector.port != 0)
    out += fmt::format(" {} {}", vector.traffic_class == FW_CLASS_OTHER ? "protocol" : "port",
                       vector.port);
  return out;
}

void Detector::begin() {
  signatures_.begin();
  counters_ = datapath_->counters();
  const std::span<const fw_budget> budgets = datapath_->tables().budgets;
  refused_.assign(budgets.size(), 0);
  for (std::size_t i = 0; i < budgets.size(); i++) refused_[i] = budgets[i].refused;
  steps_.clear();
  resume_refunds();
}

void Detector::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  signatures_.move_to(datapath);
  begin();
}

void Detector::tick(const fw_counters& counters, const Now& now) {
  datapath_->drain_samples([this](const fw_sample& sample) {
    if (sink_) sink_(sample);
    samples_.add(sample);
  });
  samples_.advance(now.mono_ns);
  Step step = step_since_last_tick(counters, now);
  const std::uint64_t matches = signatures_.update(counters, now);
  step.dropped += matches;
  record(step);
  spoofed_ = new_sources_.is_flood();
  auto refused = refused_lately();
  if (services_keep_up())
    std::erase_if(refused, [](const auto& vector) {
      return vector.first.traffic_class == kRequests && vector.first.port != 0;
    });
  const bool under_attack = attack_.has_value() || !refused.empty() || spoofed_;
  if (under_attack) samples_.set_under_attack(now.mono_ns);
  new_sources_.set_under_attack(under_attack);
  if (!attack_) {
    const auto most = std::ranges::max_element(refused, {}, [](const auto& v) { return v.second; });
    if (spoofed_ || (most != refused.end() && most->second >= kAttackPps)) open_attack(now);
  }
  if (attack_) update_attack(*attack_, step, matches, now);
}

Detector::Step Detector::step_since_last_tick(const fw_counters& counters, const Now& now) {
  Step step;
  step.at_ns = now.mono_ns;
  const std::span<const fw_budget> budgets = datapath_->tables().budgets;
  for (std::size_t i = 0; i < budgets.size() && i < refused_.size(); i++) {
    const fw_budget& budget = budgets[i];
    if (budget.used == 0) continue;
    const std::uint32_t total = std::atomic_ref(const_cast<fw_u32&>(budget.refused)).load();
    const std::uint64_t refused = total - std::exchange(refused_[i], total);
    if (refused == 0 || budget.traffic_class >= FW_CLASS_COUNT) continue;
    step.refused[{static_cast<fw_class>(budget.traffic_class), from_key(budget.dst),
                  budget.port}] += refused;
    step.dropped += refused;
  }
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++) {
    step.passed += counters.class_unverified[i] - counters_.class_unverified[i];
    step.new_sources += counters.class_new_sources[i] - counters_.class_new_sources[i];
  }
  step.answered = counters.class_answered[kRequests] - counters_.class_answered[kRequests];
  new_sources_.add(now.mono_ns,
                   counters.class_unverified[kRequests] - counters_.class_unverified[kRequests],
                   counters.class_new_sources[kRequests] - counters_.class_new_sources[kRequests]);
  const auto dropped = [](const fw_counters& c) {
    return c.packets[FW_REASON_BUDGET] + c.packets[FW_REASON_SIGNATURE] +
           c.packets[FW_REASON_LIMIT] + c.packets[FW_REASON_CHALLENGE];
  };
  step.passed -= std::min<std::uint64_t>(step.passed, dropped(counters) - dropped(counters_));
  counters_ = counters;
  return step;
}

void Detector::record(Step step) {
  steps_.push_back(std::move(step));
  while (steps_.front().at_ns + kSecond < steps_.back().at_ns ||
         steps_.front().at_ns > steps_.back().at_ns)
    steps_.pop_front();
}

std::map<VectorKey, std::uint64_t> Detector::refused_lately() const {
  std::map<VectorKey, std::uint64_t> sum;
  for (const Step& step : steps_)
    for (const auto& [key, refused] : step.refused) sum[key] += refused;
  return sum;
}

bool Detector::services_keep_up() const {
  std::uint64_t answered = 0, refused = 0;
  for (const Step& step : steps_) {
    answered += step.answered;
    for (const auto& [key, packets] : step.refused)
      if (key.traffic_class == kRequests && key.port != 0) refused += packets;
  }
  constexpr std::uint64_t kFarMore = 2;  // judgement
  return answered > kFarMore * refused;
}

std::uint64_t Detector::dropped_lately() const {
  return std::accumulate(steps_.begin(), steps_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Step& step) { return sum + step.dropped; });
}

void Detector::open_attack(const Now& now) {
  attack_.emplace();
  attack_->id = fmt::format("{:%Y%m%d}-{}",
                            fmt::gmtime(std::chrono::system_clock::to_time_t(now.wall)), ++number_);
  attack_->since_ns = attack_->last_ns = now.mono_ns;
  for (const auto& [key, refused] : refused_lately()) attack_->vectors[key] = {};
  if (spoofed_) attack_->vectors[{.traffic_class = kRequests, .dst = {}, .port = 0}] = {};
  searched_ns_ = 0;
  unexplained_since_ns_ = spoofed_ ? now.mono_ns : 0;
  journal_.write(EventType::attack_start, now, [&] {
    return EventDetails{
        "",
        {Field::text("id", attack_->id), Field::text("vectors", vectors_in_words(attack_->vectors)),
         Field::count("pps", dropped_lately())}};
  });
}

void Detector::update_attack(Attack& attack, const Step& step, std::uint64_t matches,
                             const Now& now) {
  const auto lately = refused_lately();
  for (const auto& [key, refused] : step.refused) {
    Vector& vector = attack.vectors[key];
    vector.refused += refused;
    vector.peak_pps = std::max(vector.peak_pps, lately.at(key));
  }
  attack.dropped += step.dropped;
  attack.passed += step.passed;
  attack.sources += step.new_sources;
  const std::uint64_t rate = dropped_lately();
  attack.peak_pps = std::max(attack.peak_pps, rate);
  // `matches` are those of a tick, a tenth of a second.
  if (rate >= kAttackPps || matches >= kAttackPps / 10 || spoofed_) attack.last_ns = now.mono_ns;
  if (now.mono_ns - attack.last_ns >= kQuietNs) {
    end_attack(std::move(attack), now);
    return;
  }
  if (now.mono_ns - searched_ns_ >= kSearchNs) search(attack, now);
}

void Detector::search(const Attack& attack, const Now& now) {
  searched_ns_ = now.mono_ns;
  std::vector<fw_sample> excess = samples_.excess(now.mono_ns - kSecond);
  if (services_keep_up())
    std::erase_if(excess, [](const fw_sample& sample) {
      return sample.traffic_class == kRequests && sample.served != 0;
    });
  // Spoofed queries that exceed no budget: their excess is what new sources sent.
  const bool within_budget = spoofed_ && excess.size() < kMinSamples;
  if (within_budget)
    excess = samples_.of_new_sources(kRequests, now.mono_ns - NewSources::kIntervalNs);
  bool found_any = false;
  if (excess.size() >= kMinSamples && settings_.config.detect.signatures)
    for (const FoundSignature& found : find_signatures(excess, samples_.baseline()))
      found_any = signatures_.put(found, attack.id, now) || found_any;
  if (!within_budget || found_any) {
    unexplained_since_ns_ = now.mono_ns;
    return;
  }
  if (now.mono_ns - unexplained_since_ns_ >= NewSources::kIntervalNs) stop_refunds(kRequests);
}

void Detector::stop_refunds(fw_class traffic_class) {
  if (fw_shared* shared = datapath_->tables().shared.data())
    std::atomic_ref<fw_u64>(shared->no_refund_classes).fetch_or(1ULL << traffic_class);
}

void Detector::resume_refunds() {
  if (fw_shared* shared = datapath_->tables().shared.data())
    std::atomic_ref<fw_u64>(shared->no_refund_classes).store(0);
}

void Detector::end_attack(Attack attack, const Now& now) {
  attack_.reset();
  attack.end_ns = attack.last_ns;
  signatures_.permit_removed();
  resume_refunds();
  journal_.write(EventType::attack_end, now, [&] {
    const double all = static_cast<double>(attack.dropped + attack.passed);
    return EventDetails{
        "",
        {Field::text("id", attack.id),
         Field::text("duration", duration_field(attack.end_ns - attack.since_ns)),
         Field::text("vectors", vectors_in_words(attack.vectors)),
         Field::count("peak_pps", attack.peak_pps), Field::count("sources", attack.sources),
         Field::text("dropped",
                     fmt::format("{:.1f}%",
                                 all > 0 ? 100 * static_cast<double>(attack.dropped) / all : 0))}};
  });
  past_.push_back(std::move(attack));
  if (past_.size() > kMaxPast) past_.pop_front();
}

}  // namespace fw::engine
