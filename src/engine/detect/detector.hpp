// SPDX-License-Identifier: MIT
// Detects attacks. The datapath enforces a budget per class from the first excess packet on; the
// detector notices that it does, opens an attack, and makes signatures of what the refused packets
// have in common, so that the budget is left to clients.
//
// The host is under attack when a budget refuses packets, and when thousands of new sources send a
// UDP service requests that are answered and never come back (forged sources). If no signature
// tells those apart, answers no longer refund tokens of the class until the attack ends.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "datapath/interface_status.hpp"
#include "engine/detect/attack.hpp"
#include "engine/detect/new_sources.hpp"
#include "engine/detect/samples.hpp"
#include "engine/detect/signature_table.hpp"
#include "engine/journal/journal.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

class Detector {
 public:
  // Judgement. Refused packets in a second that open an attack; fewer are an accident.
  static constexpr std::uint64_t kAttackPps = 50;
  static constexpr std::uint64_t kQuietNs = 10 * kSecond;  // judgement: then an attack is over
  // Judgement: two ticks, so that a signature is in force within the 250 ms of docs/detection.md.
  static constexpr std::uint64_t kSearchNs = 200 * kMillisecond;
  static constexpr std::size_t kMaxPast = 100;  // attacks that are over and still listed

  // All are borrowed and outlive it.
  Detector(datapath::Datapath& datapath, Journal& journal, const Settings& settings)
      : datapath_(&datapath),
        journal_(journal),
        settings_(settings),
        signatures_(datapath, journal) {}

  // Counts on from what the datapath has counted so far.
  void begin();
  void move_to(datapath::Datapath& datapath);
  // Ten times a second, after the events were drained.
  void tick(const fw_counters& counters, const Now& now);

  [[nodiscard]] const std::optional<Attack>& attack() const { return attack_; }
  [[nodiscard]] const std::deque<Attack>& past() const { return past_; }  // newest last
  [[nodiscard]] SignatureTable& signatures() { return signatures_; }
  [[nodiscard]] const SignatureTable& signatures() const { return signatures_; }
  // The file to which the packets of the open attack are written.
  void set_capture_file(std::string file) {
    if (attack_) attack_->capture = std::move(file);
  }
  // Called with every sample, before the detector looks at it.
  void set_sample_sink(std::function<void(const fw_sample&)> sink) { sink_ = std::move(sink); }

 private:
  // What happened between two ticks, in packets.
  struct Step {
    std::uint64_t at_ns = 0, dropped = 0, passed = 0, new_sources = 0;
    std::map<VectorKey, std::uint64_t> refused;
    std::uint64_t answered = 0;  // requests to UDP services
  };

  [[nodiscard]] Step step_since_last_tick(const fw_counters& counters, const Now& now);
  void record(Step step);
  // Over the last second.
  [[nodiscard]] std::map<VectorKey, std::uint64_t> refused_lately() const;
  [[nodiscard]] std::uint64_t dropped_lately() const;
  // Whether UDP services answer far more requests than were refused: then they are busy, or were
  // slow for a moment, and not attacked.
  [[nodiscard]] bool services_keep_up() const;
  void open_attack(const Now& now);
  void update_attack(Attack& attack, const Step& step, std::uint64_t matches, const Now& now);
  void end_attack(Attack attack, const Now& now);
  void search(const Attack& attack, const Now& now);
  void stop_refunds(fw_class traffic_class);
  void resume_refunds();

  datapath::Datapath* datapath_;
  Journal& journal_;
  const Settings& settings_;
  SignatureTable signatures_;
  Samples samples_;
  std::function<void(const fw_sample&)> sink_;
  std::deque<Step> steps_;              // of the last second
  std::vector<std::uint32_t> refused_;  // by budget, at the last tick
  fw_counters counters_{};              // at the last tick
  std::optional<Attack> attack_;
  std::deque<Attack> past_;
  std::uint64_t searched_ns_ = 0;
  NewSources new_sources_;                  // of UDP services
  bool spoofed_ = false;                    // NewSources::is_flood() at this tick
  std::uint64_t unexplained_since_ns_ = 0;  // no signature tells the spoofed queries apart
  unsigned number_ = 0;                     // of attacks since the start
};

}  // namespace fw::engine
