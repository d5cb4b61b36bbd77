// SPDX-License-Identifier: MIT
#include "host/time_namespace.hpp"

#include <fmt/format.h>

#include <sstream>

#include "base/file.hpp"

namespace fw::host {

std::string time_namespace_problem() {
  const auto offsets = read_file("/proc/self/timens_offsets", 4096);
  return offsets ? time_namespace_problem(*offsets) : "";
}

// Lines of clock, seconds and nanoseconds: time_namespaces(7).
std::string time_namespace_problem(std::string_view offsets) {
  std::istringstream lines{std::string(offsets)};
  std::string clock;
  long long seconds = 0;
  long long nanoseconds = 0;
  while (lines >> clock >> seconds >> nanoseconds)
    if (clock == "monotonic" && (seconds != 0 || nanoseconds != 0))
      return fmt::format(
          "floodwalld runs in a time namespace whose monotonic clock is {} s ahead of the "
          "kernel's: what it bans ends at the wrong time. Start it in the first time namespace",
          seconds);
  return {};
}

}  // namespace fw::host
