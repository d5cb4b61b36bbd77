// SPDX-License-Identifier: MIT
// The interface of what judges the packets of a replay, one after the other in file order.
//
// Thread rule: one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "capture/reader.hpp"
#include "replay/capture_clock.hpp"
#include "replay/outcome.hpp"
#include "replay/tally.hpp"

namespace fw::replay {

class Profile {
 public:
  Profile() = default;
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
  virtual ~Profile() = default;

  // `clock` is at the time stamp of the record. Bans, unbans and limits go to the timeline.
  [[nodiscard]] virtual Outcome judge(const capture::Record& record, const CaptureClock& clock) = 0;
  // After the last packet.
  virtual void finish(const CaptureClock& /*clock*/) {}
  // The problems of the list files, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> problems() const = 0;
};

}  // namespace fw::replay
