// SPDX-License-Identifier: MIT
// The firewall under test: floodwalld on the stage, from the same folder as this program, with a
// configuration of its own; what it is asked, and what it wrote down.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/units.hpp"

namespace fw::selftest {

inline constexpr std::uint16_t kPort = 8080;
inline constexpr unsigned kLimitPerSecond = 40;  // as strict as the tool that this one grew out of
inline constexpr std::string_view kRule = "hello";

class Wall {
 public:
  // Starts the daemon and waits until it answers. The error tells what the daemon wrote.
  [[nodiscard]] static Result<Wall> start(const std::filesystem::path& daemon,
                                          Milliseconds ban_time);
  Wall(Wall&& other) noexcept;
  Wall& operator=(Wall&&) = delete;
  Wall(const Wall&) = delete;
  Wall& operator=(const Wall&) = delete;
  ~Wall();

  [[nodiscard]] Result<nlohmann::json> call(std::string_view verb,
                                            const nlohmann::json& request) const;
  // Packets dropped for `reason` so far; 0 if the daemon does not answer.
  [[nodiscard]] std::uint64_t dropped(const std::string& reason) const;
  // The reason of the verdict on an address, as `floodwall why` gives it; empty if there is none.
  [[nodiscard]] std::string verdict(const std::string& address) const;
  // "native XDP", for the report.
  [[nodiscard]] std::string attachment() const;
  // Replaces deny.list by these entries and puts it in force.
  [[nodiscard]] Result<void> deny(const std::vector<std::string>& entries) const;
  [[nodiscard]] std::string log() const;
  // The last lines of what the daemon wrote to its standard output and error.
  [[nodiscard]] std::string output() const;
  // Mode off, then SIGTERM; an error unless the daemon ends well and nothing stays pinned.
  [[nodiscard]] Result<void> stop();

 private:
  explicit Wall(pid_t daemon) : daemon_(daemon) {}
  [[nodiscard]] bool ended(Milliseconds limit);

  pid_t daemon_ = -1;  // -1: none
  int status_ = 0;     // of waitpid, once it has ended
};

}  // namespace fw::selftest
