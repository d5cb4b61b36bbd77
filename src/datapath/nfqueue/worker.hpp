// SPDX-License-Identifier: MIT
// One queue and the thread that judges its packets. Workers share the tables; each has counters,
// pending drops and pending events of its own.
//
// Thread rule: methods are called from one thread while the worker's thread runs. A call waits at
// most for the current batch (64 packets). A batch sees one configuration.
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
  // Starts the thread. What `shared` refers to must outlive it. `slot` is that of the ledger.
  Worker(Queue queue, Direction direction, const Shared& shared, unsigned slot);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Judges the packets that are in the queue, then ends the thread.
  ~Worker();

  // `image` must exist until the next call has returned.
  void use_policy(const PolicyImage& image);
  void use_lists(const ListImage& image);

  [[nodiscard]] Direction direction() const { return direction_; }
  [[nodiscard]] fw_counters counters() const;
  [[nodiscard]] std::uint64_t unseen() const;
  [[nodiscard]] std::uint64_t pending_drops(std::size_t entry_index) const;
  void clear_pending(std::size_t entry_index);
  // Appends the pending events.
  void take_events(std::vector<fw_event>& out);
  [[nodiscard]] std::vector<fw_sample> take_samples();
  [[nodiscard]] std::uint64_t memory_bytes() const { return reader_.memory_bytes(); }

 private:
  void work();
  // False: the queue was empty.
  bool judge_batch();
  void queue_event(const fw_event& event);
  // Locks the mutex between two batches. A busy worker would hardly leave it free otherwise.
  [[nodiscard]] std::unique_lock<std::mutex> interrupt() const;

  Direction direction_;
  Ledger& ledger_;
  unsigned slot_;
  UniqueFd stop_fd_;

  mutable std::atomic<unsigned> waiting_{0};  // calls that wait for the mutex
  mutable std::mutex mutex_;                  // guards all members below except the thread
  Queue queue_;
  Verdicts verdicts_;
  UserReader reader_;
  std::vector<fw_event> events_;
  fw_env env_{};

  std::thread thread_;
};

}  // namespace fw::datapath::nfqueue
