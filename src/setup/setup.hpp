// SPDX-License-Identifier: MIT
// `floodwall setup`: looks at this host, says which interfaces will be protected and who is exempt,
// and writes the configuration and two empty lists. Never overwrites a file.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace fw::setup {

struct Options {
  std::vector<std::string> interfaces;  // to protect; empty: the uplinks
  bool observe = false;                 // only report
  bool yes = false;                     // do not ask
  std::filesystem::path config = "/etc/floodwall/floodwall.toml";
  bool json = false;         // answer with one JSON object
  bool interactive = false;  // somebody can answer a question on `in`
};

// Reports on `out` what it found and wrote; asks there before it writes.
[[nodiscard]] Result<void> run(const Options& options, std::istream& in, std::ostream& out);

struct Written {
  std::vector<std::filesystem::path> made, kept;
};
// Writes `text` and two empty lists beside it, each only if there is no such file.
[[nodiscard]] Result<Written> write_configuration(const std::filesystem::path& file,
                                                  std::string_view text);

}  // namespace fw::setup
