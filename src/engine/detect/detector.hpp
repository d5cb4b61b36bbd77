// SPDX-License-Identifier: MIT
// Detects attacks. The datapath enforces a budget per class from the first excess packet on, or
// bears the excess where a service may want it (capacities.hpp); the detector notices, opens an
// attack, and makes signatures of what the excess has in common, so that what is borne is left to
// clients.
//
// An alarm says harm or excess. It is opened
//   - when a budget refuses packets: nobody can want them, or the service does not bear them;
//   - when a service that answers others leaves hundreds a second unanswered, though it bears them;
//   - when far more questions are answered than ever, and more than the capacity;
//   - when a signature tells forged sources apart, whose questions are all answered;
//   - when SYNs stay unfinished, though the host bears them.
// A crowd is none of these, nor is a bulk transfer. Where nothing is borne beyond the budgets (in a
// replay), thousands of new sources that never come back are an attack, too, and answers to them
// refund no tokens; on a live host only while a service suffers from them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "datapath/interface_status.hpp"
#include "engine/detect/answered_rate.hpp"
#include "engine/detect/attack.hpp"
#include "engine/detect/attack_senders.hpp"
#include "engine/detect/capacities.hpp"
#include "engine/detect/handshakes.hpp"
#include "engine/detect/new_sources.hpp"
#include "engine/detect/samples.hpp"
#include "engine/detect/signature_table.hpp"
#include "engine/detect/vector_names.hpp"
#include "engine/journal/journal.hpp"
#include "engine/kept/kept.hpp"
#include "engine/settings/settings.hpp"

namespace fw::engine {

class Detector {
 public:
  static constexpr std::uint64_t kBorneAttackPps = 500;    // judgement: unanswered, but borne
  static constexpr std::uint64_t kQuietNs = 10 * kSecond;  // judgement: then an attack is over
  // Judgement: two ticks, so that a signature is in force within the 250 ms of docs/detection.md.
  static constexpr std::uint64_t kSearchNs = 200 * kMillisecond;
  static constexpr std::size_t kMaxPast = 100;      // attacks that are over and still listed
  static constexpr std::size_t kMaxVectors = 1024;  // that limits may bring
  static constexpr std::uint64_t kLogVectorsNs = kSecond / 2;  // a scan has many; judgement

  // All are borrowed and outlive it.
  Detector(datapath::Datapath& datapath, Journal& journal, const Settings& settings)
      : datapath_(&datapath),
        journal_(journal),
        settings_(settings),
        signatures_(datapath, journal),
        capacities_(datapath, journal, settings) {}

  // Counts on from what the datapath has counted so far.
  void begin();
  void move_to(datapath::Datapath& datapath);
  // Ten times a second, after the events were drained.
  void tick(const fw_counters& counters, const Now& now);

  [[nodiscard]] const std::optional<Attack>& attack() const { return attack_; }
  [[nodiscard]] const std::deque<Attack>& past() const { return past_; }  // newest last
  [[nodiscard]] SignatureTable& signatures() { return signatures_; }
  [[nodiscard]] const SignatureTable& signatures() const { return signatures_; }
  [[nodiscard]] Capacities& capacities() { return capacities_; }
  [[nodiscard]] const Capacities& capacities() const { return capacities_; }
  // Hands out attacks, signatures and the numbers of the last ones. An attack in the second that a
  // crash loses must not have the number of a later one, so numbers are kept ahead; `last`:
  // exactly, since nothing comes after it.
  void take_changes(const KeptClock& clock, const Now& now, bool last, FewRows& few,
                    KeptRows& changes) const;
  // Takes again what a former daemon handed out. An attack that may still last goes on. After
  // begin().
  void restore(const KeptRows& rows, const KeptClock& clock, const Now& now, FewRows& few,
               Restored& restored);
  // The store lost the numbers: later attacks have none that an earlier one had.
  void number_anew(const Now& now);
  // The machine slept: that has been so much longer ago.
  void slept(std::uint64_t span_ns);
  // The file to which the packets of the open attack are written.
  void set_capture_file(std::string file) {
    if (attack_) attack_->capture = std::move(file);
  }
  // The datapath reported a source: above a limit, restricted or banned.
  void note_source(const fw_event& event);
  // Called with every sample, before the detector looks at it.
  void set_sample_sink(std::function<void(const fw_sample&)> sink) { sink_ = std::move(sink); }

 private:
  // Packets above a budget.
  struct Excess {
    std::uint64_t refused = 0, borne = 0;
    Excess& operator+=(const Excess& more) {
      refused += more.refused;
      borne += more.borne;
      return *this;
    }
  };
  // What happened between two ticks, in packets.
  struct Step {
    std::uint64_t at_ns = 0, dropped = 0, passed = 0, new_sources = 0;
    std::uint64_t matches = 0;  // of signatures; they are dropped
    std::map<VectorKey, Excess> excess;
    std::uint64_t answered = 0;                    // requests to UDP services
    std::map<fw_reason, std::uint64_t> by_reason;  // dropped
    std::uint64_t sampled = 0;                     // refused or borne, of which there are samples
    Offered offered;                               // without peaks
  };

  [[nodiscard]] bool is_strict() const;
  [[nodiscard]] Step step_since_last_tick(const fw_counters& counters, const Now& now);
  void count_on();
  void look(const Now& now);
  [[nodiscard]] bool is_alarm(const VectorKey& key, const Excess& excess) const;
  [[nodiscard]] bool is_busy_service(const VectorKey& key) const;
  [[nodiscard]] bool answers_others(const VectorKey& key) const;
  [[nodiscard]] double answered_by(const VectorKey& key) const;
  [[nodiscard]] AttackRates rates_lately() const;
  [[nodiscard]] std::optional<AttackRates> rates_since_begin(const Now& now) const;
  // Whether UDP services answer far more requests than were above their budgets: then they are
  // busy, or were slow for a moment, and not attacked.
  [[nodiscard]] bool services_keep_up() const;
  [[nodiscard]] std::string suffering() const;
  void open_attack(const Now& now);
  void add_vector(const VectorKey& key, const Now& now);
  void log_vectors(EventType type, const Now& now);
  void count_matches(Attack& attack) const;
  void count_offered(Attack& attack, const Step& step) const;
  void count_limited(Attack& attack, const Step& step, const Now& now);
  void update_attack(const Step& step, const Now& now);
  void end_attack(Attack attack, const Now& now);
  void search(const Now& now);
  // False: it is in force already, or may not be.
  bool put(const FoundSignature& found, std::span<const fw_sample> excess, const Now& now);
  [[nodiscard]] bool may_be_spoofed() const;
  void stop_refunds(fw_class traffic_class);
  void resume_refunds();
  [[nodiscard]] bool is_served(std::uint8_t proto, std::uint16_t port) const;

  datapath::Datapath* datapath_;
  Journal& journal_;
  const Settings& settings_;
  SignatureTable signatures_;
  Capacities capacities_;
  Samples samples_;
  AttackSenders senders_;
  std::function<void(const fw_sample&)> sink_;
  std::deque<Step> steps_;                   // of the last second
  std::map<VectorKey, Excess> lately_;       // their sum ...
  std::map<VectorKey, Excess> alarms_;       // ... and what of it is an attack
  std::map<VectorKey, double> answered_by_;  // packets/s that a service answers
  std::vector<std::uint32_t> refused_;       // by budget, at the last tick
  fw_counters counters_{};                   // at the last tick
  std::optional<Attack> attack_;
  std::vector<VectorKey> unlogged_;  // its vectors, of which the log does not say yet
  bool start_is_logged_ = true;      // false for a tick, when its rate is not known yet
  std::deque<Attack> past_;
  std::map<VectorKey, std::uint64_t> limited_;  // dropped by limits, and no vector yet
  std::uint64_t searched_ns_ = 0, logged_ns_ = 0, sent_ns_ = 0;
  NewSources new_sources_;  // of UDP services
  AnsweredRate rate_;       // of UDP services
  Handshakes handshakes_;
  Seen seen_;
  bool spoofed_ = false;   // new sources are an attack
  bool answered_ = false;  // far more is answered than usual
  bool requests_attacked_ = false;
  std::uint64_t unexplained_since_ns_ = 0;  // no signature tells the spoofed queries apart
  unsigned number_ = 0;                     // of the last attack
};

}  // namespace fw::engine
