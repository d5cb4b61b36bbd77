// SPDX-License-Identifier: MIT
// What was found in the kernel that was not as the daemon had put it there: logged when it begins,
// a problem in `status` while it lasts, and for a minute after it was put right.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/now.hpp"
#include "datapath/interface_status.hpp"
#include "engine/journal/journal.hpp"

namespace fw::engine {

class Repairs {
 public:
  // Judgement: how long a repair is reported, and after how long another one is logged.
  static constexpr std::uint64_t kReportedNs = 60 * kSecond;

  // `what` was found, and put right (`unsolved` is empty) or not, and why.
  void note(const std::string& what, const std::string& unsolved, Journal& journal, const Now& now);

  // A sentence each.
  [[nodiscard]] std::vector<std::string> problems(const Now& now) const;

 private:
  struct Finding {
    std::uint64_t last_ns = 0;
    std::uint64_t times = 0;
    std::string unsolved;
  };
  std::map<std::string, Finding> findings_;  // of the last kReportedNs, by `what`
};

}  // namespace fw::engine
