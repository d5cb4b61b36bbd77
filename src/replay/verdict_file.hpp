// SPDX-License-Identifier: MIT
// The verdict of each packet, a line each: INDEX<TAB>pass|drop<TAB>REASON, from index 0. Made for
// millions of lines a second: nothing is formatted but the number, and that is counted in text.
#pragma once

#include <array>
#include <string>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "replay/outcome.hpp"

namespace fw::replay {

class VerdictFile {
 public:
  // Creates or replaces the file.
  [[nodiscard]] static Result<VerdictFile> create(const std::string& path);

  // The verdict of the next packet. Errors are kept for close().
  void add(const Outcome& outcome);
  // Writes what is left; an error says that the file is incomplete.
  [[nodiscard]] Result<void> close();

 private:
  VerdictFile(UniqueFd fd, std::string path);
  void count_up();
  void flush();

  UniqueFd fd_;
  std::string path_;
  std::string index_ = "0";
  std::array<std::string, std::size_t{2} * kOutcomes>
      tails_;  // "\tpass\tverified\n"; dropped: the second half
  std::string pending_;
  int error_ = 0;
};

}  // namespace fw::replay
