// SPDX-License-Identifier: MIT
// Who sends an attack, in bounded memory: the heaviest sources and prefixes of what is refused or
// borne (Space-Saving), and the sources that the datapath reported as above a limit.
//
// Sampled packets stand for as many as were counted per sample in that tick. What limits,
// restrictions and bans drop is not sampled: it is divided among the reported sources, by their
// rates when they were reported.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "abi/messages.h"
#include "abi/vocabulary.h"
#include "base/address.hpp"
#include "engine/detect/vector_names.hpp"
#include "engine/watch/space_saving.hpp"

namespace fw::engine {

// What the datapath reported of a source: above which limit, with what.
struct Reported {
  Prefix source;
  VectorKey target;
  std::uint8_t proto = 0;
  std::uint16_t dport = 0;
  fw_reason reason = FW_REASON_LIMIT;  // limit, restrict or ban
  std::uint64_t value = 0, limit = 0;  // packets or bytes a second
  fw_metric metric = FW_METRIC_PACKETS;
  std::uint64_t pps = 1;  // its packets, as far as `value` tells; at least one

  // Banned, not only restricted: for packets of a verified connection. Of a prefix, nobody knows
  // whose.
  [[nodiscard]] bool is_proven() const { return reason == FW_REASON_BAN && !of_prefix; }
  bool of_prefix = false;  // above a limit of a prefix
};

class AttackSenders {
 public:
  // Judgement: the heaviest fifty are right within 1/256 of the attack; 100 KB.
  static constexpr std::size_t kSources = 256, kPrefixes = 128, kReported = 256, kTargets = 16;

  // A sample since the last tick.
  void add(const fw_sample& sample);
  // The datapath reported that a source is above a limit, restricted or banned.
  void report(const Reported& reported);
  // `sampled`: packets refused or borne since the last tick of which there are samples.
  // `by_reason`: those without. What each vector had of these; false: no attack is open, nothing is
  // counted.
  [[nodiscard]] std::map<VectorKey, std::map<fw_reason, std::uint64_t>> tick(
      bool open, std::uint64_t sampled, const std::map<fw_reason, std::uint64_t>& by_reason);
  // Another attack begins, with what is known of it.
  void begin(const Attack& attack);
  // The heaviest, for the attack's record.
  void put_into(Attack& attack) const;

 private:
  struct Sampled {
    Address source, dst;
    Sender what;
  };
  struct PrefixTally {
    Sender what;
    Address first;
    bool several = false;
  };
  void count(const Sampled& sampled, double weight);

  SpaceSaving<Prefix, Sender> sources_{kSources};
  SpaceSaving<Prefix, PrefixTally> prefixes_{kPrefixes};
  std::deque<Reported> reported_;  // newest last
  std::vector<Sampled> fresh_;     // since the last tick
  std::map<Address, std::uint64_t> targets_;
  double uncounted_ = 0;  // of ticks without a sample
};

}  // namespace fw::engine
