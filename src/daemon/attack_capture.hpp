// SPDX-License-Identifier: MIT
// A pcap file per attack with the heads of its packets and of those before it, for the operator,
// the provider and `floodwall replay`. It holds what the datapath samples (a thousand packets a
// second of each kind and CPU). Until the file is full it is appended to; from then on each vector
// has a share of it (sample_shares.hpp) and it is written anew now and then, so that it always
// spans the attack from before its beginning. Sizes and the number of files are bounded: the oldest
// file is removed first.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "abi/messages.h"
#include "base/now.hpp"
#include "capture/writer.hpp"
#include "daemon/sample_shares.hpp"
#include "engine/detect/detector.hpp"

namespace fw::daemon {

class AttackCapture {
 public:
  // Judgement: enough to see what an attack was, and bounded on the disk.
  static constexpr std::size_t kBefore = 2000;     // packets held while there is no attack
  static constexpr std::size_t kPackets = 20'000;  // in a file, 3 MB; and in memory, 4 MB
  static constexpr std::uint64_t kRewriteNs = 10 * kSecond;  // a crash loses no more of it
  static constexpr std::size_t kFiles = 20;

  // `folder` is created when there is something to write.
  explicit AttackCapture(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~AttackCapture() { stop(); }
  AttackCapture(const AttackCapture&) = delete;
  AttackCapture& operator=(const AttackCapture&) = delete;

  // Every sample, as it comes.
  void add(const fw_sample& sample);
  // After each tick of the detector: a new attack begins a file with the packets held, its end
  // closes the file. `wanted`: detect.capture.
  void update(engine::Detector& detector, bool wanted, const Now& now);

  // The daemon ends: what is not in the file yet is written.
  void stop() { finish(); }

  // A sentence, or empty: all was written. Stays until a later attack is written.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Result<std::filesystem::path> begin(const std::string& id);
  [[nodiscard]] Result<void> take_held(const Now& now);
  [[nodiscard]] Result<void> rewrite();
  void set_problem(const Result<void>& done);
  void finish();
  void remove_oldest() const;

  std::filesystem::path folder_;
  std::deque<fw_sample> held_;  // not written: the last kBefore, or those since the last tick
  std::optional<capture::Writer> writer_;  // none: the file is written anew
  std::filesystem::path file_;             // of the open attack; empty: none
  std::string attack_;  // the last one for which a file was begun, even if that failed
  std::vector<fw_sample> before_;
  SampleShares shares_{kPackets - kBefore};
  bool changed_ = false;  // since the file was written
  std::uint64_t began_ns_ = 0, rewritten_ns_ = 0;
  Now now_{};  // of the last update
  std::string problem_;
};

}  // namespace fw::daemon
