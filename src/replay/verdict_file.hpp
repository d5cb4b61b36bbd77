// SPDX-License-Identifier: MIT
// Writes the verdict of each packet as a line: INDEX<TAB>pass|drop<TAB>REASON, from index 0. Made
// for millions of lines a second: all texts are prepared, and the index is incremented as text.
//
// Thread rule: one thread at a time.
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

  // Adds the verdict of the next packet. close() reports errors.
  void add(const Outcome& outcome);
  // Writes what is buffered; after an error the file is incomplete.
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
