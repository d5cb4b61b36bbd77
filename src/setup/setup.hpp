// SPDX-License-Identifier: MIT
// `floodwall setup`: looks at this machine, says in plain words what will be protected and who is
// exempt, and writes the configuration and two empty lists. Never overwrites a file.
#pragma once

#include <array>
#include <filesystem>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "control/verbs.hpp"

namespace fw::setup {

inline constexpr std::string_view kSummary = "detect, explain, write the configuration";
inline constexpr std::array<control::Option, 4> kOptions{{
    {"interface", "IF", "protect this interface instead of the uplink (may be repeated)"},
    {"observe", "", "report only: the configuration says mode = \"observe\""},
    {"yes", "", "do not ask"},
    {"config", "FILE", "instead of /etc/floodwall/floodwall.toml"},
}};

// `interactive`: somebody can answer a question on `in`. Returns the exit status.
[[nodiscard]] int run(std::span<const std::string> arguments, bool as_json, bool interactive,
                      std::istream& in, std::ostream& out, std::ostream& err);

struct Written {
  std::vector<std::filesystem::path> made, kept;
};
// Writes `text` and two empty lists beside it, each only if there is no such file.
[[nodiscard]] Result<Written> write_configuration(const std::filesystem::path& file,
                                                  std::string_view text);

}  // namespace fw::setup
