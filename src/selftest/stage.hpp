// SPDX-License-Identifier: MIT
// The stage of the self-test: namespaces of its own (processes, mounts, two networks joined by a
// cable), so that nothing of the machine is touched and nothing is left behind however it ends. The
// kernel takes all of it down with the process that performs on it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::selftest {

// Calls `act` in a child process that is the first of its PID namespace: when it returns, or when
// the caller dies, every process that it started is gone. Returns the child's exit status.
[[nodiscard]] Result<int> perform(const std::function<int()>& act);

inline constexpr const char* kUplink = "up0";            // the wall's end of the cable
inline constexpr const char* kFolder = "/run/selftest";  // on a tmpfs that only the stage has

// One address family on the cable. The client is in no prefix of the wall's: a ban of its IPv6 /64
// must not meet the wall's own.
struct Line {
  std::string family;
  Address wall, client;
  std::string client_key;  // what a ban of it by a limit names
};

class Stage {
 public:
  // Moves the calling process into new mount and network namespaces, the wall's; the client's is
  // kept beside it. After an error the process is in no defined place and must end.
  [[nodiscard]] static Result<Stage> set();

  // IPv4, and IPv6 unless the kernel goes without it.
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
  // Calls `act` in the client's network: sockets that it opens stay there.
  [[nodiscard]] Result<void> as_client(const std::function<Result<void>()>& act) const;

 private:
  Result<void> connect();

  UniqueFd wall_, client_;
  std::vector<Line> lines_;
};

}  // namespace fw::selftest
