// SPDX-License-Identifier: MIT
// `floodwall setup`: looks at this host, says which interfaces will be protected and who is exempt,
// and writes the configuration and two empty lists, each only if there is none. Whoever sits at a
// terminal is asked what this machine is as well; the answer is written to conf.d/setup.toml, the
// one file that setup replaces, after it has shown what changes.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <optional>
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

// What run() did to conf.d/setup.toml.
struct Outcome {
  bool wrote_kinds = false;
  std::filesystem::path kinds_file;   // only if wrote_kinds
  std::string text;                   // its text now
  std::optional<std::string> former;  // its text before; none: there was no such file
};

// Reports on `out` what it found and wrote; asks there before it writes. Nothing is written if an
// answer is missing, if the answer is no, or if the files together would not be valid.
[[nodiscard]] Result<Outcome> run(const Options& options, std::istream& in, std::ostream& out);

// Puts back what was there before run(); writes again what run() wrote.
[[nodiscard]] Result<void> take_back(const Outcome& outcome);
[[nodiscard]] Result<void> write_again(const Outcome& outcome);

struct Written {
  std::vector<std::filesystem::path> made, kept;
};
// Writes `text` and two empty lists beside it, each only if there is no such file.
[[nodiscard]] Result<Written> write_configuration(const std::filesystem::path& file,
                                                  std::string_view text);

}  // namespace fw::setup
