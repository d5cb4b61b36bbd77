// SPDX-License-Identifier: MIT
#include "engine/detect/capacity_loop.hpp"

#include <algorithm>

namespace fw::engine {

void CapacityLoop::step(const ServiceLoad& seen, const CapacityBounds& bounds, double seconds) {
  if (!restricted_) {
    if (!seen.suffers) return;
    *this = {};
    restricted_ = true;
    pps_ = std::min(seen.passed_pps, bounds.most_pps);
  }
  if (seen.suffers)
    fall(seen);
  else
    rise(seen, seconds);
  pps_ = std::max(pps_, bounds.least_pps);
  if (pps_ >= bounds.most_pps) restricted_ = false;
}

// Where the losses are known, it falls to what was taken, not below.
void CapacityLoop::fall(const ServiceLoad& seen) {
  if (calm_s_ > 0 || suffered_at_pps_ == 0) suffered_at_pps_ = pps_;
  calm_s_ = over_s_ = 0;
  if (seen.only_waits) {
    pps_ *= kFallWaiting;
    return;
  }
  const double taken =
      seen.lost_pps > 0 ? kShareTaken * std::max(seen.passed_pps - seen.lost_pps, 0.0) : 0.0;
  pps_ = std::max(kFall * pps_, std::min(taken, kShareTaken * pps_));
}

void CapacityLoop::rise(const ServiceLoad& seen, double seconds) {
  calm_s_ += seconds;
  over_s_ = seen.offered_pps > seen.passed_pps ? 0 : over_s_ + seconds;
  if (calm_s_ < kCalmSeconds) return;
  const double rise = over_s_ >= kOverSeconds           ? kRiseOver
                      : pps_ < kNear * suffered_at_pps_ ? kRise
                                                        : kRiseNear;
  pps_ *= 1 + rise * seconds;
}

}  // namespace fw::engine
