// SPDX-License-Identifier: MIT
// What each service bears of unverified senders above its budget. The datapath lets it have the
// configured capacity (detect.capacity). Here that is lowered while the service or the host
// suffers, by a control loop per service (capacity_loop.hpp), and said in the log; and raised while
// more is offered and its programs read all that passes. Both hold for two seconds and are renewed
// at every tick: they end by themselves when the daemon is dead.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "datapath/interface_status.hpp"
#include "engine/detect/attack.hpp"
#include "engine/detect/capacity_loop.hpp"
#include "engine/detect/host_load.hpp"
#include "engine/journal/journal.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

// A service above its budget, or restricted.
struct Service {
  std::uint64_t passed = 0, refused = 0;  // packets above the budget, at this tick
  double passed_pps = 0, refused_pps = 0;
  std::uint64_t passed_measured = 0;  // packets that passed since the last measurement ...
  double passed_measured_pps = 0;     // ... and until then, since the one before
  CapacityLoop loop;
  std::string why;             // it suffers, or did when it was restricted; empty: it does not
  std::uint64_t since_ns = 0;  // restricted; 0: it is not
  std::uint64_t last_ns = 0;   // when it was above its budget
  bool queue_is_long = false;  // at the last measurement
  unsigned long_queue = 0;     // measurements in a row
  bool suffers = false;        // at this tick ...
  bool only_waits = false;     // ... and nothing is lost
  bool keeps_up = false;       // its programs read all that passed, at the last measurement
  std::uint64_t began_ns = 0;  // when it was first seen above its budget
  std::uint64_t tried_ns = 0;  // when it was last given more to see whether it bears that; 0: never
};

class Capacities {
 public:
  static constexpr std::uint64_t kHoldNs = 2 * kSecond;     // judgement: some ticks may be late
  static constexpr std::uint64_t kForgetNs = 5 * kSecond;   // a service within its budget
  static constexpr std::uint64_t kMeasureNs = 2 * kSecond;  // after excess, measurements are wanted
  static constexpr std::uint64_t kLoadIsOldNs = kSecond;    // a measurement says nothing any more
  static constexpr std::uint64_t kTriedNs = 2 * kSecond;    // alarms look at the last second
  static constexpr std::uint64_t kUnknownNs = kSecond / 2;  // until it was measured
  static constexpr unsigned kLongQueueTimes = 3;            // a longer pause of a program is none
  static constexpr double kLeastShare = 0.1;                // of the budget's rate

  // All are borrowed and outlive it.
  Capacities(datapath::Datapath& datapath, Journal& journal, const Settings& settings)
      : datapath_(&datapath), journal_(journal), settings_(settings) {}

  // Counts on from what the datapath has counted so far, and restricts nothing.
  void begin();
  void move_to(datapath::Datapath& datapath);

  // What was measured since the last call. It is used once, at the next tick.
  void set_load(HostLoad load, const Now& now);
  void tick(const Now& now);

  // Whether measurements are of use now, so that a quiet host is left alone.
  [[nodiscard]] bool wants_load(const Now& now) const;

  // Services above their budget lately.
  [[nodiscard]] const std::map<VectorKey, Service>& services() const { return services_; }
  // Why the host as a whole suffers; empty: it does not.
  [[nodiscard]] const std::string& host_suffering() const { return host_suffering_; }
  [[nodiscard]] bool suffers(const VectorKey& service) const;
  // Whether it is being found out how much the service bears: what is refused is no sign of an
  // attack yet.
  [[nodiscard]] bool is_tried(const VectorKey& service) const;
  // What is not as it should be, a sentence each.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  void count(const Now& now, double seconds);
  void judge(const Now& now);
  void control(const Now& now, double seconds);
  void log_change(const VectorKey& key, Service& service, const Now& now);
  void write(const Now& now);

  datapath::Datapath* datapath_;
  Journal& journal_;
  const Settings& settings_;
  HostLoad load_;
  std::uint64_t load_ns_ = 0;    // when it was measured; 0: never
  std::uint64_t judged_ns_ = 0;  // when the last new measurement was judged; 0: never
  bool load_is_new_ = false;
  std::string host_suffering_;
  std::map<VectorKey, Service> services_;
  std::vector<std::uint32_t> passed_, refused_;  // by budget, at the last tick
  std::uint64_t ticked_ns_ = 0;
};

}  // namespace fw::engine
