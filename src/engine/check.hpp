// SPDX-License-Identifier: MIT
// Whether a configuration and its lists are valid: what `floodwall check`, the API's verb `check`
// and `floodwalld --check` say, so that all three say the same. Reads files, touches nothing else.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/error.hpp"

namespace fw::engine {

// What is in `file`, its conf.d and its lists, and a line "skipped: ..." for each entry of a list
// that cannot be used. Fails (invalid_config) where the daemon would not start.
[[nodiscard]] Result<std::string> check_configuration(const std::filesystem::path& file);

// The same as the reply of the verb `check`. Fails with not_permitted if the thread may not read
// one of the files: what the daemon could read and the caller cannot is no fault of the
// configuration.
[[nodiscard]] Result<nlohmann::json> check_for_caller(const std::filesystem::path& file);

}  // namespace fw::engine
