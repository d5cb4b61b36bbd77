// SPDX-License-Identifier: MIT
// The API's client: one call, one connection, waits for the reply.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/error.hpp"
#include "control/request.hpp"

namespace fw::control {

// The reply to POST /v1/VERB. An error of the daemon comes back as it was, with its kind. Nobody
// listens: not_running; the socket may not be used: not_permitted; both say what to do. Waits at
// most two minutes.
[[nodiscard]] Result<nlohmann::json> call(const std::filesystem::path& socket,
                                          std::string_view verb, const nlohmann::json& request);

// The same for a request with many arguments, which travel a line each: none may hold a line feed
// (check_request).
[[nodiscard]] Result<nlohmann::json> call_list(const std::filesystem::path& socket,
                                               const Request& request);

}  // namespace fw::control
