// SPDX-License-Identifier: MIT
// Floods in aggregate. The datapath polices every class from the first excess packet on (budgets);
// here it is noticed that this happens, an attack gets a name, and what its packets share becomes a
// signature, so that the budget is the newcomers' again.
//
// Two things are trouble: a budget that refuses packets, and unverified sources by the thousand who
// are answered but never come back (forged sources that ask a service). For those, if no signature
// tells them apart, answers no longer refund what a class owes until the attack ends.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "datapath/datapath.hpp"
#include "engine/detect/attack.hpp"
#include "engine/detect/newcomers.hpp"
#include "engine/detect/samples.hpp"
#include "engine/detect/signature_table.hpp"
#include "engine/journal/journal.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

class Detector {
 public:
  static constexpr std::uint64_t kRefusedToBegin = 50;  // packets in a second
  static constexpr std::uint64_t kQuietNs = 10 * kSecond;
  static constexpr std::uint64_t kSearchNs = 200 * kMillisecond;
  static constexpr std::size_t kKept = 100;  // attacks that are over

  Detector(datapath::Datapath& datapath, Journal& journal, const Settings& settings)
      : datapath_(&datapath),
        journal_(journal),
        settings_(settings),
        signatures_(datapath, journal) {}

  void begin(const Now& now);
  void move_to(datapath::Datapath& datapath, const Now& now);
  // Ten times a second, after the events were drained.
  void tick(const fw_counters& counters, const Now& now);

  [[nodiscard]] const std::optional<Attack>& attack() const { return attack_; }
  [[nodiscard]] const std::deque<Attack>& past() const { return past_; }  // newest last
  [[nodiscard]] SignatureTable& signatures() { return signatures_; }
  [[nodiscard]] const SignatureTable& signatures() const { return signatures_; }
  // Where the packets of the attack that is on are written to.
  void note_capture(std::string file) {
    if (attack_) attack_->capture = std::move(file);
  }
  // Called with every sample, before it is looked at.
  void set_sample_sink(std::function<void(const fw_sample&)> sink) { sink_ = std::move(sink); }

 private:
  // What happened between two ticks.
  struct Step {
    std::uint64_t at_ns = 0, dropped = 0, passed = 0, sources = 0;
    std::map<VectorKey, std::uint64_t> refused;
    std::uint64_t answered = 0;  // of what UDP services were asked
  };

  [[nodiscard]] Step observe(const fw_counters& counters, const Now& now);
  void remember(Step step);
  // Over the last second.
  [[nodiscard]] std::map<VectorKey, std::uint64_t> refused_lately() const;
  // A UDP service that answers far more than was refused is busy, or was slow for a moment.
  [[nodiscard]] bool answers_well() const;
  [[nodiscard]] std::uint64_t dropped_lately() const;
  void begin_attack(const Now& now);
  void follow_attack(Attack& attack, const Step& step, std::uint64_t hits, const Now& now);
  void end_attack(Attack attack, const Now& now);
  void search(const Attack& attack, const Now& now);
  void be_strict(fw_class traffic_class);

  datapath::Datapath* datapath_;
  Journal& journal_;
  const Settings& settings_;
  SignatureTable signatures_;
  Samples samples_;
  std::function<void(const fw_sample&)> sink_;
  std::deque<Step> steps_;                                // of the last second
  std::array<std::uint32_t, FW_BUDGET_SLOTS> refused_{};  // when last looked at
  fw_counters counters_{};                                // the same
  std::optional<Attack> attack_;
  std::deque<Attack> past_;
  std::uint64_t searched_ns_ = 0;
  Newcomers askers_;         // of UDP services
  bool unverified_ = false;  // they are answered, but never back
  std::uint64_t unverified_since_ns_ = 0;
  unsigned number_ = 0;  // of the attack, since the start
};

}  // namespace fw::engine
