// SPDX-License-Identifier: MIT
// The heads of an attack's packets, and of those before it, as a pcap file per attack: what an
// operator or a provider looks at afterwards, and `floodwall replay` reads. Only what the datapath
// samples (a thousand packets a second of each kind and CPU), so its size is bounded; so is the
// number of files, of which the oldest go first.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>

#include "abi/abi.h"
#include "base/now.hpp"
#include "capture/writer.hpp"
#include "engine/detect/detector.hpp"

namespace fw::daemon {

class AttackCapture {
 public:
  static constexpr std::size_t kBefore = 2000;     // packets that are held in peace
  static constexpr std::size_t kPackets = 20'000;  // in a file
  static constexpr std::size_t kFiles = 20;

  // `folder` is made when there is something to write.
  explicit AttackCapture(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Every sample, as it comes.
  void add(const fw_sample& sample);
  // After each tick of the detector: begins a file with what was held when there is a new attack,
  // ends it with the attack. `wanted`: detect.capture.
  void follow(engine::Detector& detector, bool wanted, const Now& now);

  // A sentence, or empty: all is written. Stands until a later attack is written.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  [[nodiscard]] Result<std::filesystem::path> begin(const std::string& id);
  void note(const Result<void>& done);
  void finish();
  void remove_oldest() const;

  std::filesystem::path folder_;
  std::deque<fw_sample> held_;  // not yet written: the last in peace, or since the last tick
  std::optional<capture::Writer> writer_;
  std::string attack_;  // that has, or had, a file; so that a failed one is not tried again
  std::size_t written_ = 0;
  std::string problem_;
};

}  // namespace fw::daemon
