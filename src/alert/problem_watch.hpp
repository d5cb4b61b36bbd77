// SPDX-License-Identifier: MIT
// Tells when the problems of `status` become others. One that comes and goes within seconds is no
// message, nor is one whose text differs only in its numbers. Is given the time.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "alert/kind.hpp"

namespace fw::alert {

class ProblemWatch {
 public:
  static constexpr std::uint64_t kSettleMs = 3'000;    // judgement: a link that flaps
  static constexpr std::uint64_t kHealthyMs = 10'000;  // judgement

  struct Seen {
    std::string text;
    bool of_lists = false;
  };
  // What is to be told: degraded or lists when there is a new problem, healthy when the last one
  // has gone. Call it about once a second.
  [[nodiscard]] std::optional<Kind> look(const std::vector<Seen>& problems, std::uint64_t now_ms);

  // What was told, over a restart.
  [[nodiscard]] const std::set<std::string>& told() const { return told_; }
  void restore(std::set<std::string> told) { told_ = std::move(told); }

 private:
  struct Waiting {
    std::string key;
    bool of_lists = false;
    std::uint64_t since_ms = 0;
  };
  std::set<std::string> told_;
  std::vector<Waiting> waiting_;  // there, and not told
  std::optional<std::uint64_t> gone_since_ms_;
};

}  // namespace fw::alert
