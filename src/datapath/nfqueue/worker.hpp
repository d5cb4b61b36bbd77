// SPDX-License-Identifier: MIT
// One queue and the thread that judges its packets. It shares the tables with the other workers
// and has counters, hits and waiting events of its own.
//
// Thread rule: every method may be called, from one thread, while the worker's own works; it waits
// at most for the batch in hand (64 packets), which sees one configuration from first to last.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "datapath/nfqueue/ledger.hpp"
#include "datapath/nfqueue/queue.hpp"
#include "datapath/user/tables.hpp"

namespace fw::datapath::nfqueue {

enum class Direction { ingress, egress };

class Worker {
 public:
  struct Shared {
    UserTables& tables;
    const PolicyImage& policy;  // until use_policy()
    Ledger& ledger;
  };
  // Starts the thread. What is borrowed outlives it. `slot`: of the ledger, for ingress.
  Worker(Queue queue, Direction direction, const Shared& shared, unsigned slot);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Judges what waits, then ends the thread.
  ~Worker();

  // Borrowed until the next call returns.
  void use_policy(const PolicyImage& image);
  void use_lists(const ListImage& image);

  [[nodiscard]] Direction direction() const { return direction_; }
  [[nodiscard]] fw_counters counters() const;
  [[nodiscard]] std::uint64_t unseen() const;
  [[nodiscard]] std::uint64_t pending_drops(std::size_t entry_index) const;
  void clear_pending(std::size_t entry_index);
  // Appends the events that wait.
  void take_events(std::vector<fw_event>& out);
  [[nodiscard]] std::vector<fw_sample> take_samples();
  [[nodiscard]] std::uint64_t memory_bytes() const { return reader_.memory_bytes(); }

 private:
  void work();
  // False: nothing waited.
  bool judge_batch();
  void keep_event(const fw_event& event);
  // The mutex, between two batches: a busy thread would hardly let go of it otherwise.
  [[nodiscard]] std::unique_lock<std::mutex> interrupt() const;

  Direction direction_;
  Ledger& ledger_;
  unsigned slot_;
  UniqueFd stop_fd_;

  mutable std::atomic<unsigned> waiting_{0};  // how many want the mutex
  mutable std::mutex mutex_;                  // guards all that follows but the thread
  Queue queue_;
  Verdicts verdicts_;
  UserReader reader_;
  std::vector<fw_event> events_;
  fw_env env_{};

  std::thread thread_;
};

}  // namespace fw::datapath::nfqueue
