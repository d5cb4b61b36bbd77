// SPDX-License-Identifier: MIT
// One run of `floodwall`: parse the line, ask the daemon or do the work here, show the reply. All
// input and output is in World, so that tests need no process.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cli/parse.hpp"
#include "cli/style.hpp"
#include "control/request.hpp"

namespace fw::cli {

struct World {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Style style;  // of `out`
  bool in_is_terminal = false, out_is_terminal = false, err_is_terminal = false;
  std::filesystem::path socket;  // unless --socket says otherwise
  std::function<Result<nlohmann::json>(const std::filesystem::path& socket, std::string_view verb,
                                       const nlohmann::json& request)>
      call;  // control::call
  std::function<Result<nlohmann::json>(const std::filesystem::path& socket,
                                       const control::Request& request)>
      call_list;                // control::call_list
  std::function<bool()> pause;  // between two looks of `events -f`; false ends it
};

// A command that is not only a question to the daemon. Its line has been held to the table. Returns
// the exit status; an error that it returns is shown by run().
struct LocalCommand {
  std::string_view name;
  Result<int> (*run)(const CommandLine& line, World& world);
};

// The exit status. `arguments` without the program's name. A command without a row in `local` is
// asked of the daemon.
[[nodiscard]] int run(std::span<const std::string> arguments, std::span<const LocalCommand> local,
                      World& world);

// Asks the daemon what `line` says and shows the reply.
[[nodiscard]] Result<int> ask(CommandLine line, World& world);

// Shows `reply` as `verb`'s: as JSON, or as text for people. Returns the exit status.
[[nodiscard]] Result<int> show(const CommandLine& line, std::string_view verb,
                               const nlohmann::json& reply, World& world);

// Shows `error` and returns its exit status.
int complain(World& world, const Error& error, bool as_json);

// Indented; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string json_text(const nlohmann::json& value);

// Addresses of `in`, one a line; blank lines and what follows a # are skipped. Stops after one more
// than a request may hold.
[[nodiscard]] std::vector<std::string> read_addresses(std::istream& in);

}  // namespace fw::cli
