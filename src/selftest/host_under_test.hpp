// SPDX-License-Identifier: MIT
// The host under test: floodwalld in the test network, from the same folder as this program and
// with a configuration of its own; requests to it, and what it logged.
//
// Thread rule: one thread at a time.
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
inline constexpr unsigned kLimitPerSecond = 40;  // the limit of the seed (docs/replay.md)
inline constexpr std::string_view kRule = "hello";

class HostUnderTest {
 public:
  // Starts the daemon and waits until it answers. The error holds what the daemon printed.
  [[nodiscard]] static Result<HostUnderTest> start(const std::filesystem::path& daemon,
                                                   Milliseconds ban_time);
  HostUnderTest(HostUnderTest&& other) noexcept;
  HostUnderTest& operator=(HostUnderTest&&) = delete;
  HostUnderTest(const HostUnderTest&) = delete;
  HostUnderTest& operator=(const HostUnderTest&) = delete;
  ~HostUnderTest();

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
  // The last lines that the daemon wrote to its standard output and error.
  [[nodiscard]] std::string output() const;
  // Sets mode off, then sends SIGTERM. Fails unless the daemon exits with 0 and nothing stays
  // pinned.
  [[nodiscard]] Result<void> stop();

 private:
  explicit HostUnderTest(pid_t daemon) : daemon_(daemon) {}
  [[nodiscard]] bool ended(Milliseconds limit);

  pid_t daemon_ = -1;  // -1: none
  int status_ = 0;     // of waitpid, once it has ended
};

}  // namespace fw::selftest
