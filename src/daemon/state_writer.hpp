// SPDX-License-Identifier: MIT
// Writes what outlives the daemon on a thread of its own, so that neither a slow disk nor a full
// one delays the tick. It has one batch at a time: while it cannot write that, it tries again every
// second, and the engine keeps together what changes meanwhile.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/kept_row.hpp"
#include "store/store.hpp"

namespace fw::daemon {

class StateWriter {
 public:
  // What became of the file meanwhile.
  struct Report {
    std::string problem;  // a sentence; empty: all was written
    std::string lost;     // a damaged file was set aside, or one vanished; empty: none was
  };

  // `store`: as read at the start; none: it could not be opened, and is tried again.
  StateWriter(std::filesystem::path file, std::optional<store::Store> store);
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;
  ~StateWriter() = default;  // what was not written by flush() may be lost

  // Whether it takes another batch.
  [[nodiscard]] bool is_idle() const;
  // Only while idle.
  void put(KeptRows batch);
  // Waits until the batch is written; false: the next try failed, too.
  [[nodiscard]] bool flush();
  // `lost` is told once; then the file is empty, and everything is to be put again.
  [[nodiscard]] Report report();

 private:
  void run(const std::stop_token& stop);
  // Without the lock.
  [[nodiscard]] Result<void> write(const KeptRows& batch);

  const std::filesystem::path file_;
  // Of the thread alone.
  std::optional<store::Store> store_;
  bool vanished_ = false;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<KeptRows> batch_;  // waits, or is being written
  std::uint64_t tries_ = 0;
  Report report_;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace fw::daemon
