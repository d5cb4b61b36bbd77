// SPDX-License-Identifier: MIT
// A text that outlives the daemon, under its name: what the engine hands out and store/ writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fw {

struct KeptRow {
  std::string name;
  std::optional<std::string> text;  // of a change, none: the name is to be removed

  bool operator==(const KeptRow&) const = default;
};
using KeptRows = std::vector<KeptRow>;

}  // namespace fw
