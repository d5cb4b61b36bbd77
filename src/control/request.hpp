// SPDX-License-Identifier: MIT
// A request to the API, checked against the table of verbs before anybody acts on it. After
// check_request it has only keys that the verb knows, of the right type and number. Addresses are
// still plain text.
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
  // The name borrows the text of the verb's table; the value of a flag is empty.
  std::vector<std::pair<std::string_view, std::string>> options;

  // None if the option was not given.
  [[nodiscard]] std::optional<std::string_view> option(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const { return option(name).has_value(); }
  // Whether it is to change something: `mode` alone only shows it.
  [[nodiscard]] bool is_order() const {
    return verb->access == Access::change &&
           !(verb->bare_shows && arguments.empty() && options.empty());
  }
};

// The longest argument or option, in bytes (judgement). Neither may hold a control character, since
// both are written to the log.
inline constexpr std::size_t kLongestText = 4096;

// Errors are of kind usage and name the key, for an unknown key also the nearest known one. An
// option of value DURATION must suit parse_duration; N and ID must be whole numbers.
[[nodiscard]] Result<void> check_request(const Verb& verb, const nlohmann::json& request);

// The same for a request that was parsed already.
[[nodiscard]] Result<void> check_request(const Request& request);

// Checks the request and takes it apart. A flag that is false is left out. Each line of `lines`
// that is not empty is one more argument.
[[nodiscard]] Result<Request> parse_request(const Verb& verb, const nlohmann::json& request,
                                            std::string_view lines = {});

}  // namespace fw::control
