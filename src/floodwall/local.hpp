// SPDX-License-Identifier: MIT
// The commands of `floodwall` that work without the daemon, or need it only in part: from a parsed
// command line (cli/command_table.hpp has the table) to what other folders do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "cli/run.hpp"

namespace fw {

// Every command of the table that does not ask the daemon is among them.
[[nodiscard]] std::span<const cli::LocalCommand> local_commands();

[[nodiscard]] Result<int> run_attack(const cli::CommandLine& line, cli::World& world);
[[nodiscard]] Result<int> run_check(const cli::CommandLine& line, cli::World& world);
[[nodiscard]] Result<int> run_suggest(const cli::CommandLine& line, cli::World& world);
[[nodiscard]] Result<int> run_doctor(const cli::CommandLine& line, cli::World& world);
[[nodiscard]] Result<int> run_top(const cli::CommandLine& line, cli::World& world);
[[nodiscard]] Result<int> run_replay(const cli::CommandLine& line, cli::World& world);

// The addresses of --protect (also several with commas between them), sorted, each once.
[[nodiscard]] Result<std::vector<Address>> protected_addresses(const cli::CommandLine& line);

}  // namespace fw
