// SPDX-License-Identifier: MIT
// A configuration while its files are read one over the other, and what must hold once all are in.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/section.hpp"

namespace fw::config {

// What the files say of one limit; the rest is inherited.
struct LimitDraft {
  std::optional<std::optional<double>> limit, ban_at;
  std::optional<Milliseconds> burst;
  std::string where;  // of the last word on it
};
using LimitDrafts = std::array<LimitDraft, FW_METRIC_COUNT>;

struct ServiceDraft {
  Service service;
  std::string where;
  std::vector<Text> ports;  // as they were written, by index of service.ports
  bool has_limits = false;
  LimitDrafts limits;
};

struct Draft {
  Config config;
  LimitDrafts limits, prefix_limits;
  std::string where_prefix;  // of limit.prefix.prefix_v6, or of its section
  std::vector<ServiceDraft> services;
  std::vector<std::string> problems;
};

// Reads one file over what is there.
void read_document(Section file, Draft& draft);

// The configuration, when all files are in, with what can only be checked then; problems of both
// kinds are in draft.problems.
[[nodiscard]] Config finish(Draft& draft);

}  // namespace fw::config
