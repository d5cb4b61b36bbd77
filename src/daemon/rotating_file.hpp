// SPDX-License-Identifier: MIT
// A log file of bounded size: floodwall.log, floodwall.log.1 (the one before it) and so on. A line
// is written whole by one call or not at all, so that neither a full disk nor a crash leaves half a
// line. Other programs may move or delete the file at any time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::daemon {

class RotatingFile {
 public:
  struct Bounds {
    std::uint64_t rotate_bytes = 0;  // the greatest size of a file
    unsigned keep = 0;               // how many former files stay
  };

  // Opens nothing yet.
  RotatingFile(std::filesystem::path path, Bounds bounds)
      : path_(std::move(path)), bounds_(bounds) {}

  // Appends `line` and a line feed. After an error the file is as it was; the next call tries
  // again from the start.
  [[nodiscard]] Result<void> append(std::string_view line);
  // The next line goes to the file that is at the path then: after logrotate moved the old one.
  void reopen() { fd_ = UniqueFd(); }

 private:
  [[nodiscard]] Result<void> open();
  [[nodiscard]] bool lost() const;
  void rotate();

  std::filesystem::path path_;
  Bounds bounds_;
  UniqueFd fd_;
  std::uint64_t size_bytes_ = 0;
  std::string buffer_;
};

}  // namespace fw::daemon
