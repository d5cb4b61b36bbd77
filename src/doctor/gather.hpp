// SPDX-License-Identifier: MIT
// Reads the facts from this machine. Changes nothing and needs no privilege: what it may not see is
// said in Facts::unseen.
#pragma once

#include <filesystem>

#include "doctor/facts.hpp"

namespace fw::doctor {

struct Places {
  std::filesystem::path root = "/";  // of /proc, /sys, /etc
  std::filesystem::path config = "/etc/floodwall/floodwall.toml";
};

[[nodiscard]] Facts gather(const Places& places, DaemonFacts daemon);

}  // namespace fw::doctor
