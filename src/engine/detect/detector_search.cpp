// SPDX-License-Identifier: MIT
// The detector's search for what the packets of a flood share.
#include <algorithm>
#include <atomic>
#include <iterator>

#include "datapath/datapath.hpp"
#include "engine/detect/detector.hpp"
#include "policy/policy.h"

namespace fw::engine {
namespace {

constexpr fw_class kRequests = FW_CLASS_UDP_NEW;  // to UDP services

// Judgement: samples that are enough to search, as FinderOptions::min_excess.
constexpr std::size_t kMinSamples = 64;

}  // namespace

void Detector::search(const Now& now) {
  searched_ns_ = now.mono_ns;
  std::vector<fw_sample> excess = samples_.excess(now.mono_ns - kSecond);
  if (excess.size() < kMinSamples) excess = samples_.excess(now.mono_ns - Samples::kExcessNs);
  if (services_keep_up())
    std::erase_if(excess, [](const fw_sample& sample) {
      return sample.traffic_class == kRequests && (sample.served & FW_SERVED) != 0;
    });
  // Spoofed queries that exceed no budget: their excess is what new sources sent, to a service.
  // What nobody serves has a budget of its own.
  const auto requests =
      std::ranges::count(excess, static_cast<fw_u8>(kRequests), &fw_sample::traffic_class);
  const bool within_budget = may_be_spoofed() && static_cast<std::size_t>(requests) < kMinSamples;
  if (within_budget)
    std::ranges::copy_if(samples_.of_new_sources(kRequests, now.mono_ns - NewSources::kIntervalNs),
                         std::back_inserter(excess), [this](const fw_sample& sample) {
                           return is_strict() || (sample.served & FW_SERVED) != 0;
                         });
  bool found_any = false;
  if (excess.size() >= kMinSamples && settings_.config.detect.signatures) {
    FinderOptions options;
    options.may_be_a_crowd = !is_strict();
    for (const FoundSignature& found : find_signatures(excess, samples_.baseline(), options))
      found_any = put(found, excess, now) || found_any;
  }
  if (!within_budget || found_any || !spoofed_) {
    unexplained_since_ns_ = now.mono_ns;
    return;
  }
  if (now.mono_ns - unexplained_since_ns_ >= NewSources::kIntervalNs) stop_refunds(kRequests);
}

// It says whom the flood hits, even where that exceeds no budget.
bool Detector::put(const FoundSignature& found, std::span<const fw_sample> excess, const Now& now) {
  std::vector<fw_sample> matching;
  std::ranges::copy_if(excess, std::back_inserter(matching), [&](const fw_sample& sample) {
    return matches(found.signature, fw_policy_match_key(&sample.packet));
  });
  const bool begins = !attack_;
  if (begins) open_attack(now);
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if ((found.classes >> i & 1) != 0)
      add_vector(target_of_most(static_cast<fw_class>(i), matching), now);
  if (!start_is_logged_) log_vectors(EventType::attack_start, now);
  return signatures_.put(found, attack_->id, now);
}

// All that is asked comes from new sources, and far more than usual.
bool Detector::may_be_spoofed() const {
  return new_sources_.is_flood();
}

void Detector::stop_refunds(fw_class traffic_class) {
  if (fw_shared* shared = datapath_->tables().shared.data())
    std::atomic_ref<fw_u64>(shared->no_refund_classes).fetch_or(1ULL << traffic_class);
}

void Detector::resume_refunds() {
  if (fw_shared* shared = datapath_->tables().shared.data())
    std::atomic_ref<fw_u64>(shared->no_refund_classes).store(0);
}

}  // namespace fw::engine
