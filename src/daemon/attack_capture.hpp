// SPDX-License-Identifier: MIT
// A pcap file per attack with the heads of its packets and of those before it, for the operator,
// the provider and `floodwall replay`. It holds what the datapath samples (a thousand packets a
// second of each kind and CPU), so its size is bounded. So is the number of files: the oldest is
// removed first.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

#include "abi/messages.h"
#include "base/now.hpp"
#include "capture/writer.hpp"
#include "engine/detect/detector.hpp"

namespace fw::daemon {

class AttackCapture {
 public:
  // Judgement: enough to see what an attack was, and bounded on the disk.
  static constexpr std::size_t kBefore = 2000;     // packets held while there is no attack
  static constexpr std::size_t kPackets = 20'000;  // in a file
  static constexpr std::size_t kFiles = 20;

  // `folder` is created when there is something to write.
  explicit AttackCapture(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Every sample, as it comes.
  void add(const fw_sample& sample);
  // After each tick of the detector: a new attack begins a file with the packets held, its end
  // closes the file. `wanted`: detect.capture.
  void update(engine::Detector& detector, bool wanted, const Now& now);

  // A sentence, or empty: all was written. Stays until a later attack is written.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Result<std::filesystem::path> begin(const std::string& id);
  void set_problem(const Result<void>& done);
  void finish();
  void remove_oldest() const;

  std::filesystem::path folder_;
  std::deque<fw_sample> held_;  // not written: the last kBefore, or those since the last tick
  std::optional<capture::Writer> writer_;
  std::string attack_;  // the last one for which a file was begun, even if that failed
  std::size_t written_ = 0;
  std::string problem_;
};

}  // namespace fw::daemon
