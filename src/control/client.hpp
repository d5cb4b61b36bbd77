// SPDX-License-Identifier: MIT
// The API's client: each call opens a connection and waits for the reply.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/error.hpp"
#include "control/request.hpp"

namespace fw::control {

// The reply to POST /v1/VERB. An error of the daemon keeps its kind and message. Fails with
// not_running if nobody listens on `socket`, with not_permitted if the caller may not use it; the
// message says what to do. Waits at most two minutes for a daemon that works, and five
// seconds for one that hangs; the message names the process then.
[[nodiscard]] Result<nlohmann::json> call(const std::filesystem::path& socket,
                                          std::string_view verb, const nlohmann::json& request);

// The same for a request with many arguments, sent as text with one on each line. None may hold a
// line feed: check the request first (check_request).
[[nodiscard]] Result<nlohmann::json> call_list(const std::filesystem::path& socket,
                                               const Request& request);

}  // namespace fw::control
