// SPDX-License-Identifier: MIT
// How much one service bears of unverified senders above its budget, found by control: while the
// service suffers, what it is given falls fast; while it does not, it rises slowly, and slowest
// near the rate at which it suffered last (additive increase, multiplicative decrease: Chiu, Jain,
// 1989; the plateau: Ha, Rhee, Xu, CUBIC, 2008). It begins with what the service was measured to
// take. A service whose programs read all that they are given gets more than the configured
// capacity, if more is offered: a collector may be sent any number of packets a second.
//
// A value: no clock, no host.
#pragma once

namespace fw::engine {

// What a service bears at least, however it suffers, and before anybody has looked
// (detect.capacity); packets/s.
struct CapacityBounds {
  double least_pps = 0, configured_pps = 0;
};

// What was seen of a service since the last step; passed and lost since the last measurement.
struct ServiceLoad {
  double offered_pps = 0;  // above its budget: passed or dropped
  double passed_pps = 0;   // of these
  double lost_pps = 0;     // what its sockets dropped of all they got; 0: not known
  bool suffers = false;
  bool only_waits = false;     // and nothing is lost: its queue is long
  bool queue_is_long = false;  // now; what waits too long is answered when nobody waits any more
  bool keeps_up = false;       // its programs read all that passes
};

class CapacityLoop {
 public:
  // All are judgement; tests/unit/capacity_test.cpp holds what they are to achieve.
  static constexpr double kFall = 0.5;         // in a step that suffers, where losses are not known
  static constexpr double kFallKnown = 0.25;   // where they are, at most
  static constexpr double kFallWaiting = 0.8;  // in one in which nothing is lost
  static constexpr double kDrain = 0.5;        // of what it bears, until its queue is short ...
  static constexpr double kDrainSeconds = 1;   // ... and if that lasts longer, it bears less
  static constexpr double kShareTaken = 0.9;   // of what the service took beside its losses
  static constexpr double kCalmSeconds = 0.5;  // without suffering, before it rises
  static constexpr double kRise = 0.5;         // a second, far from where it suffered ...
  static constexpr double kNear = 0.8;         // ... and from this share of it ...
  static constexpr double kBeyond = 1.1;       // ... to this one ...
  static constexpr double kRiseNear = 0.05;    // ... so much
  static constexpr double kOverSeconds = 2;    // nothing was refused: the flood is over ...
  static constexpr double kRiseOver = 2;       // ... and it rises so much a second
  static constexpr double kRiseBeyond = 9;     // above the configured capacity, until it suffers
  static constexpr double kMostTimes = 16;     // the configured capacity
  static constexpr double kBelieved = 1;       // seconds that it is taken to keep up, unseen

  void step(const ServiceLoad& seen, const CapacityBounds& bounds, double seconds);

  // Whether the service is given another rate than the configured capacity, and which.
  [[nodiscard]] bool controls() const { return controls_; }
  [[nodiscard]] double pps() const { return drains_ ? kDrain * pps_ : pps_; }
  // Whether that is less.
  [[nodiscard]] bool restricted() const { return controls_ && restricted_; }
  // Whether it is more, and still rises.
  [[nodiscard]] bool rises() const { return controls_ && rises_; }

 private:
  void fall(const ServiceLoad& seen);
  void drain(double seconds);
  void rise(const ServiceLoad& seen, const CapacityBounds& bounds, double seconds);

  bool controls_ = false, restricted_ = false, rises_ = false;
  bool drains_ = false;  // its queue is long
  double pps_ = 0;
  double suffered_at_pps_ = 0;
  double drained_s_ = 0;      // and still long
  double calm_s_ = 0;         // without suffering
  double over_s_ = 0;         // and without refusing anything
  double unconfirmed_s_ = 0;  // without being seen to keep up
};

}  // namespace fw::engine
