// SPDX-License-Identifier: MIT
// What arrives now: the rates of the last ten seconds from the datapath's counters, and the
// heaviest sources, prefixes and ports from its samples. The datapath has no cost of it.
//
// The datapath samples 1,000 packets a second per CPU and kind (policy/account.h). Each sample
// stands for as many packets as its reason had per sample in that tick, so weights add up to what
// was counted. Packets that lists, bans, restrictions and limits drop are not sampled: reports add
// those from the entries and the meters of their sources.
//
// Memory: ten seconds of three sketches of 256 places, and of at most 32 targets with 32 places,
// below 2 MB. Judgement: the heaviest hundred are right within a 256th of all packets.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "abi/messages.h"
#include "base/address.hpp"
#include "base/now.hpp"
#include "engine/journal/traffic.hpp"
#include "engine/watch/space_saving.hpp"

namespace fw::engine {

// Packets by the reason of the samples that they are estimated from.
struct Shares {
  std::array<double, FW_REASON_COUNT> by_reason{};
  double borne = 0;  // above a budget, and passed

  Shares& operator+=(const Shares& more) {
    for (std::size_t i = 0; i < by_reason.size(); ++i) by_reason[i] += more.by_reason[i];
    borne += more.borne;
    return *this;
  }
  [[nodiscard]] double dropped() const;
  [[nodiscard]] double all() const;
};

// What packets are sent to, as VectorKey is; address unspecified: a port of any address.
struct Target {
  std::uint8_t traffic_class = 0;
  Address dst;
  std::uint16_t port = 0;  // 0: not served
  auto operator<=>(const Target&) const = default;
};
struct PortKey {
  std::uint8_t proto = 0;
  std::uint16_t port = 0;
  auto operator<=>(const PortKey&) const = default;
};

// A heavy key over the last ten seconds.
template <typename Key>
struct Heavy {
  Key key{};
  double packets = 0, surplus = 0;  // a second
  Shares shares;                    // a second
  std::map<PortKey, double> ports;  // that a source sent to; empty for others
};

// What is known of those that send to one target.
struct Senders {
  double packets = 0;       // a second, sampled and weighted
  std::size_t sampled = 0;  // samples, and how many sources they were of
  std::size_t sources = 0;
  Address heaviest;
  double share = 0;  // of the packets, of the heaviest source
};

// Per second, over the last ten.
struct Rates {
  double seconds = 0;  // that they are of; 0: it began just now
  double in = 0, in_bytes = 0, passed = 0, dropped = 0, observed = 0, challenged = 0;
  std::array<double, FW_REASON_COUNT> by_reason{};
  struct OfClass {
    double in = 0, unverified = 0;  // counted
    double refused = 0;             // by budgets and signatures, of mode observe too; from samples
  };
  std::array<OfClass, FW_CLASS_COUNT> by_class{};
};

// What was counted in one whole second of the clock.
struct SecondCounted {
  std::uint64_t number = 0;  // grows by one a second
  double in = 0, passed = 0, dropped = 0;
  std::array<double, FW_CLASS_COUNT> by_class{};  // in
};

class Watch {
 public:
  static constexpr std::size_t kSeconds = 10;
  static constexpr std::size_t kPlaces = 256, kTargets = 32, kTargetPlaces = 32;

  // Counts on from here.
  void begin(const fw_counters& counters);
  // A sample since the last tick.
  void add(const fw_sample& sample);
  // `borne`: packets above a budget that passed since the last tick.
  void tick(const fw_counters& counters, std::uint64_t borne, const Now& now);

  [[nodiscard]] Rates rates() const;
  // The last ten seconds that are over, oldest first; fewer after the start.
  [[nodiscard]] std::vector<SecondCounted> history() const;
  // Excess (dropped or borne) a second: of the last three seconds, and of those before them.
  struct Trend {
    double lately = 0, before = 0;
  };
  [[nodiscard]] Trend trend() const;

  // Heaviest first; of packets, or of those that were dropped.
  [[nodiscard]] std::vector<Heavy<Address>> sources(bool by_dropped) const;
  // /24, or /48 of IPv6. Those in which several sources were seen.
  [[nodiscard]] std::vector<Heavy<Prefix>> prefixes(bool by_dropped) const;
  [[nodiscard]] std::vector<Heavy<PortKey>> ports(bool by_dropped) const;
  [[nodiscard]] Senders senders(const Target& target) const;

 private:
  struct Sampled {
    Address source, dst;
    std::uint16_t dport = 0;
    std::uint8_t proto = 0, reason = 0, traffic_class = 0;
    bool borne = false, served = false;
  };
  struct SourceTally {
    Shares shares;
    std::map<PortKey, double> ports;  // four at most
  };
  struct PrefixTally {
    Shares shares;
    Address first;
    bool several = false;
  };
  struct TargetTally {
    SpaceSaving<Address, Shares> sources{kTargetPlaces};
    double packets = 0;
    std::size_t sampled = 0;
    std::vector<bool> seen = std::vector<bool>(kSeenBits);  // linear counting
  };
  struct Second {
    std::uint64_t number = 0;  // of the clock
    double seconds = 0;        // that were counted
    Amount in, refused;
    std::uint64_t observed = 0, borne = 0;
    std::array<std::uint64_t, FW_REASON_COUNT> by_reason{};
    std::array<std::uint64_t, FW_CLASS_COUNT> by_class{}, unverified{};
    std::array<double, FW_CLASS_COUNT> refused_of_class{};  // from samples
    SpaceSaving<Address, SourceTally> sources{kPlaces};
    SpaceSaving<Prefix, PrefixTally> prefixes{kPlaces};
    SpaceSaving<PortKey, Shares> ports{kPlaces};
    std::map<Target, TargetTally> targets;
  };
  static constexpr std::size_t kSeenBits = 4096;

  void count(Second& second, const Sampled& sampled, double weight);
  [[nodiscard]] double span_s() const;

  fw_counters counters_{};
  std::uint64_t ticked_ns_ = 0;
  std::vector<Sampled> fresh_;                           // since the last tick
  std::array<double, FW_REASON_COUNT + 1> uncounted_{};  // of ticks without a sample
  std::deque<Second> seconds_;
};

}  // namespace fw::engine
