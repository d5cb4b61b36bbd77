// SPDX-License-Identifier: MIT
#include "engine/detect/capacity_loop.hpp"

#include <algorithm>

namespace fw::engine {

void CapacityLoop::step(const ServiceLoad& seen, const CapacityBounds& bounds, double seconds) {
  const bool wants_more = seen.keeps_up && seen.offered_pps > bounds.configured_pps;
  if (!controls_) {
    if (!seen.suffers && !wants_more) return;
    *this = {};
    controls_ = true;
    pps_ = seen.suffers ? std::min(seen.passed_pps, bounds.configured_pps) : bounds.configured_pps;
    if (!seen.suffers) calm_s_ = kCalmSeconds;
  }
  rises_ = false;
  const bool drained = drains_;
  drains_ = seen.queue_is_long;
  if (seen.suffers)
    fall(seen);
  else if (drains_)
    drain(drained ? seconds : 0);
  else
    rise(seen, bounds, seconds);
  pps_ = std::clamp(pps_, bounds.least_pps, kMostTimes * bounds.configured_pps);
  restricted_ = pps_ < bounds.configured_pps;
  unconfirmed_s_ = seen.keeps_up ? 0 : unconfirmed_s_ + seconds;
  if (!restricted_ && (seen.offered_pps <= bounds.configured_pps || unconfirmed_s_ > kBelieved))
    controls_ = false;
}

// Where the losses are known, it falls to what was taken, however little that is.
void CapacityLoop::fall(const ServiceLoad& seen) {
  const double taken = std::max(seen.passed_pps - seen.lost_pps, 0.0);
  if (calm_s_ > 0 || suffered_at_pps_ == 0)
    suffered_at_pps_ = seen.lost_pps > 0 ? std::clamp(taken, kFallKnown * pps_, pps_) : pps_;
  calm_s_ = over_s_ = 0;
  if (seen.only_waits)
    pps_ *= kFallWaiting;
  else if (seen.lost_pps > 0)
    pps_ = kShareTaken * std::clamp(taken, kFallKnown * pps_, pps_);
  else
    pps_ *= kFall;
}

// The queue has been long for so many seconds: what it was given was too much. What it is given
// meanwhile is less than what it takes, so the queue becomes short, unless it takes less than it
// did.
void CapacityLoop::drain(double seconds) {
  calm_s_ = over_s_ = 0;
  if (seconds > 0 && (drained_s_ += seconds) < kDrainSeconds) return;
  drained_s_ = 0;
  suffered_at_pps_ = pps_;
  pps_ *= seconds > 0 ? kFallWaiting : kShareTaken;
}

void CapacityLoop::rise(const ServiceLoad& seen, const CapacityBounds& bounds, double seconds) {
  calm_s_ += seconds;
  over_s_ = seen.offered_pps > seen.passed_pps ? 0 : over_s_ + seconds;
  if (calm_s_ < kCalmSeconds) return;
  const bool is_near = pps_ >= kNear * suffered_at_pps_ && pps_ < kBeyond * suffered_at_pps_;
  const bool is_beyond = pps_ >= bounds.configured_pps;
  // What was refused is needed, and was not yet tried.
  const bool is_refused = seen.offered_pps > seen.passed_pps;
  rises_ = is_beyond && is_refused && !is_near && pps_ < kMostTimes * bounds.configured_pps;
  if (is_beyond && !(is_refused && seen.keeps_up)) return;
  const double rise = is_near                              ? kRiseNear
                      : is_beyond && suffered_at_pps_ == 0 ? kRiseBeyond
                      : over_s_ >= kOverSeconds            ? kRiseOver
                                                           : kRise;
  pps_ *= 1 + rise * seconds;
}

}  // namespace fw::engine
