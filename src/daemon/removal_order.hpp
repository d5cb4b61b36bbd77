// SPDX-License-Identifier: MIT
// What `floodwalld --remove` leaves for a daemon that it cannot talk to, because that hangs: a file
// beside the API's socket. The daemon, when it goes on, and the next one, if a service manager
// replaces it, see the file and stay off until the operator switches on again.
#pragma once

#include <filesystem>

#include "base/error.hpp"

namespace fw::daemon {

class RemovalOrder {
 public:
  // `folder` is that of the socket.
  explicit RemovalOrder(const std::filesystem::path& folder) : file_(folder / "removed") {}

  // An empty file: there is room for it on a full file system.
  [[nodiscard]] Result<void> give() const;
  [[nodiscard]] bool stands() const;
  [[nodiscard]] Result<void> withdraw() const;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
};

}  // namespace fw::daemon
