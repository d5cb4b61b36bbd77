// SPDX-License-Identifier: MIT
// A configuration while its files are read one over the other: what a limit inherits is not filled
// in yet, and what concerns several keys is not checked. resolve() does both once all files are in.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/keys.hpp"
#include "config/section.hpp"

namespace fw::config {

// What the files say of one metric's limit. The keys that they do not mention are inherited.
struct LimitOverride {
  Limit value;
  std::array<bool, kLimitKeys.size()> is_set{};  // by index of kLimitKeys
  std::string where;                             // of the last mention; empty: none

  [[nodiscard]] bool sets(std::string_view key) const;
};
using LimitOverrides = std::array<LimitOverride, FW_METRIC_COUNT>;

struct UnresolvedService {
  Service service;
  std::string where;
  std::vector<PlacedText> ports;  // as they were written, by index of service.ports
  bool has_limits = false;
  LimitOverrides limits;
};

struct UnresolvedConfig {
  Config config;
  LimitOverrides limits, prefix_limits;
  std::string where_prefix;  // of limit.prefix.prefix_v6, or of its section
  std::string where_web;     // of web.listen, or of its section
  std::vector<UnresolvedService> services;
  std::vector<std::string> where_alerts;  // by index of config.alerts
  std::vector<std::string> problems;
};

// Reads one file over what is there.
void read_document(Section file, UnresolvedConfig& out);

// The finished configuration. Problems are added to those of reading.
[[nodiscard]] Config resolve(UnresolvedConfig& from);

}  // namespace fw::config
