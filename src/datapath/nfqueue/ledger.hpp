// SPDX-License-Identifier: MIT
// Counts the packets that the queues received, in a file that outlives this process. From it and
// the counters of the rules that a killed daemon left, the next daemon knows how many packets
// passed unseen while no daemon ran.
//
// Thread rule: record() from one thread per slot; the rest from one thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>

namespace fw::datapath::nfqueue {

class Ledger {
 public:
  static constexpr unsigned kSlots = 8;

  // Maps the file, and makes it if it is missing. If that fails, or the path is empty, the counts
  // end with this process, and nothing is known of the former one.
  explicit Ledger(const std::filesystem::path& file);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  ~Ledger();

  // How many of the `matched` packets that the former process' rules counted reached none of its
  // queues: they passed unseen. (A few more were in the queues when the process died.)
  [[nodiscard]] std::uint64_t unseen_since_exit(std::uint64_t matched) const;
  // Call when new queues were bound: their counts begin at zero.
  void reset();
  // Call when new rules were made: their counters begin at zero.
  void restart_rule_counters();
  // Records that the queue of this slot received `packets` in all, those that overran it included.
  void record(unsigned slot, std::uint64_t packets) {
    std::atomic_ref(page_->received[slot]).store(packets, std::memory_order_relaxed);
  }

 private:
  struct Page {
    std::uint64_t magic;         // of this layout
    std::uint64_t before_rules;  // packets received before the rules were made
    std::array<std::uint64_t, kSlots> received;
  };
  [[nodiscard]] std::uint64_t received() const;

  Page* page_;  // mapped; unmapped by the destructor
};

}  // namespace fw::datapath::nfqueue
