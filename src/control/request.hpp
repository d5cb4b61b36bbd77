// SPDX-License-Identifier: MIT
// A request, held to the table of verbs before anybody acts on it. What passed check_request has
// only keys the verb knows, of the right type and number; addresses are still plain text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "control/verbs.hpp"

namespace fw::control {

struct Request {
  const Verb* verb = nullptr;
  std::vector<std::string> arguments;
  // By the name in the verb's table (whose text it borrows); the value of a flag is empty.
  std::vector<std::pair<std::string_view, std::string>> options;

  // None if it was not given.
  [[nodiscard]] std::optional<std::string_view> option(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const { return option(name).has_value(); }
};

// The longest argument or option, in bytes. None may hold a control character: they go to the log.
inline constexpr std::size_t kLongestText = 4096;

// Every error is of kind usage and names the key; for an unknown one also the nearest known.
// A DURATION is read with parse_duration, N and ID must be numbers.
[[nodiscard]] Result<void> check_request(const Verb& verb, const nlohmann::json& request);

// The same of one in parts.
[[nodiscard]] Result<void> check_request(const Request& request);

// check_request, and the parts of the request. A flag that is false is left out. Each line of
// `lines` that is not empty is an argument more.
[[nodiscard]] Result<Request> parse_request(const Verb& verb, const nlohmann::json& request,
                                            std::string_view lines = {});

}  // namespace fw::control
