// SPDX-License-Identifier: MIT
// Which files the daemon keeps an eye on, so that a change counts at once.
#pragma once

#include <filesystem>
#include <set>
#include <vector>

#include "config/config.hpp"
#include "host/resolvers.hpp"

namespace fw::daemon {

// The list files, and the folder of every pattern with wildcards: a new file may match it.
// `folder` is that of floodwall.toml.
[[nodiscard]] std::set<std::filesystem::path> watched_lists(const config::Lists& lists,
                                                            const std::filesystem::path& folder);

// Whence the DNS and DHCP servers are known.
[[nodiscard]] std::set<std::filesystem::path> watched_servers(const host::ResolverPaths& paths);

}  // namespace fw::daemon
