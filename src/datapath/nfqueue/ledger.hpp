// SPDX-License-Identifier: MIT
// How many packets the queues were given, in a file that outlives this process: with it and the
// counters of the rules that a killed daemon left behind, the next one knows how many packets
// passed unseen while nobody was there.
//
// Thread rule: note() from one thread per slot; the rest from one thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>

namespace fw::datapath::nfqueue {

class Ledger {
 public:
  static constexpr unsigned kSlots = 8;

  // Maps the file, which is made if it is not there. Where that is impossible (or the path is
  // empty) the figures end with this process, and nothing is known of the one before.
  explicit Ledger(const std::filesystem::path& file);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger();

  // Of `matched` packets that the former process' rules have counted, those that went to no queue
  // of its: they passed unseen (but for the few that waited when it died).
  [[nodiscard]] std::uint64_t passed_since_the_end(std::uint64_t matched) const;
  // New queues: each begins at zero.
  void reset();
  // New rules: their counters begin at zero.
  void rules_are_new();
  // The queue of this slot was given so many packets in all, also those that overran it.
  void note(unsigned slot, std::uint64_t packets) {
    std::atomic_ref(page_->given[slot]).store(packets, std::memory_order_relaxed);
  }

 private:
  struct Page {
    std::uint64_t magic;  // of this layout
    std::uint64_t before_rules;
    std::array<std::uint64_t, kSlots> given;
  };
  [[nodiscard]] std::uint64_t given() const;

  Page* page_;  // a mapping of our own
};

}  // namespace fw::datapath::nfqueue
