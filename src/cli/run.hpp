// SPDX-License-Identifier: MIT
// One run of `floodwall`: parse, ask the daemon, show. All it touches of the world is in World, so
// that tests run it without a process.
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
#include "cli/offline.hpp"
#include "cli/style.hpp"
#include "control/request.hpp"

namespace fw::cli {

struct World {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Style style;                   // of `out`
  std::filesystem::path socket;  // unless --socket says otherwise
  std::function<Result<nlohmann::json>(const std::filesystem::path& socket, std::string_view verb,
                                       const nlohmann::json& request)>
      call;  // control::call
  std::function<Result<nlohmann::json>(const std::filesystem::path& socket,
                                       const control::Request& request)>
      call_list;                // control::call_list
  std::function<bool()> pause;  // between two looks of `events -f`; false ends it
};

// The exit status. `arguments` without the program's name. The verbs `completion` and `version` are
// added to `offline`.
[[nodiscard]] int run(std::span<const std::string> arguments, std::span<const OfflineVerb> offline,
                      World& world);

// Addresses of `in`, one a line; blank lines and what follows a # are skipped. Stops after one more
// than a request may hold.
[[nodiscard]] std::vector<std::string> read_addresses(std::istream& in);

}  // namespace fw::cli
