// SPDX-License-Identifier: MIT
// At most one daemon: a locked pid file beside the API's socket (base/pid_file.hpp). The kernel
// releases the lock when the daemon ends, however it ends; the file stays.
#pragma once

#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::daemon {

class Lock {
 public:
  // Creates the folder if it is missing. Fails, naming the process, if another daemon runs.
  [[nodiscard]] static Result<Lock> take(const std::filesystem::path& folder);

 private:
  explicit Lock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace fw::daemon
