// SPDX-License-Identifier: MIT
// The seam of a replay: who decides. One packet after the other, in file order.
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

  // `clock` has followed the record's time stamp. Transitions go to the timeline.
  [[nodiscard]] virtual Outcome judge(const capture::Record& record, const CaptureClock& clock) = 0;
  // After the last packet.
  virtual void finish(const CaptureClock& /*clock*/) {}
  // What is wrong with the lists, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> problems() const = 0;
};

}  // namespace fw::replay
