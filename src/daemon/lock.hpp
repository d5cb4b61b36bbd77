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

  // Makes the file again if somebody deleted it. False: another daemon has made it, and has taken
  // over the tables; this one must end. After an error it is to be tried again.
  [[nodiscard]] Result<bool> keep();

 private:
  Lock(UniqueFd fd, std::filesystem::path folder)
      : fd_(std::move(fd)), folder_(std::move(folder)) {}
  UniqueFd fd_;
  std::filesystem::path folder_;
};

}  // namespace fw::daemon
