// SPDX-License-Identifier: MIT
// What this host knows of SSH sessions and DHCP leases: it is in processes and folders of others,
// and takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, with which a program could read everything. A
// daemon that is not root hands these rights to a process of its own that answers one question.
//
// Thread rule: one thread asks.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/resolvers.hpp"
#include "host/ssh.hpp"

namespace fw::host {

struct GuardedFacts {
  SshFacts ssh;
  std::vector<NetworkServer> dhcp;
};

struct HostFactPaths {
  ResolverPaths resolvers;
  std::filesystem::path proc_root = "/proc";
};

// Reads them with the rights of this process.
[[nodiscard]] GuardedFacts read_guarded_facts(const HostFactPaths& paths);

// Starts the process that reads them from now on; it ends with this one. There it calls `prepare`
// first, and ends if that fails. Call it once, while there is one thread.
[[nodiscard]] Result<void> start_reader(const std::function<Result<void>()>& prepare);

// From that process; read here if there is none, or if it does not answer any more.
[[nodiscard]] GuardedFacts guarded_facts(const HostFactPaths& paths);
// Why it does not answer; empty: it does, or none was started.
[[nodiscard]] std::string reader_problem();

// The answer: a line each, "session ADDRESS PORT ADDRESS PORT", "port PORT", "dhcp ADDRESS FILE",
// and "end". A text that is anything else is no answer.
[[nodiscard]] std::string guarded_facts_text(const GuardedFacts& facts);
[[nodiscard]] std::optional<GuardedFacts> parse_guarded_facts(std::string_view text);

}  // namespace fw::host
