// SPDX-License-Identifier: MIT
// The daemon's pid file, which it holds locked while it lives: beside the API's socket.
//
// Thread rule: a free function without state.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace fw {

inline constexpr const char* kPidFile = "floodwalld.pid";

// The process that holds the lock on the pid file in `folder`, as the file has it ("unknown" if it
// does not say); none if no daemon runs.
[[nodiscard]] std::optional<std::string> running_daemon(const std::filesystem::path& folder);

// The first line of an open pid file.
[[nodiscard]] std::string pid_in(int fd);

}  // namespace fw
