// SPDX-License-Identifier: MIT
// The network of the self-test: namespaces of its own (processes, mounts, two networks joined by a
// veth pair). It touches nothing of the machine and leaves nothing behind however the self-test
// ends, because the kernel removes all of it together with the process that runs in it.
//
// Thread rule: single-threaded processes only; namespaces belong to the calling thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::selftest {

// Calls `run` in a child process that is the first of its PID namespace: when `run` returns, or
// when the caller dies, every process that it started is gone. Returns the child's exit status.
[[nodiscard]] Result<int> run_isolated(const std::function<int()>& run);

inline constexpr const char* kUplink = "up0";            // the host's end of the veth pair
inline constexpr const char* kFolder = "/run/selftest";  // on a tmpfs of its own

// The two ends of the veth pair in one address family. They share no prefix: a ban of the client's
// IPv6 /64 must not contain the host's address.
struct Endpoints {
  std::string family;
  Address host, client;
  std::string client_key;  // what a limit bans: the address, or its IPv6 /64
};

class TestNetwork {
 public:
  // Moves the calling process into new mount and network namespaces, those of the host under test,
  // and makes a second network namespace for the client. After an error it is undefined which
  // namespaces the process is in, and it must end.
  [[nodiscard]] static Result<TestNetwork> create();

  // IPv4, and IPv6 unless the kernel has none.
  [[nodiscard]] const std::vector<Endpoints>& endpoints() const { return endpoints_; }
  // Calls `run` in the client's network namespace. Sockets that it opens stay in there.
  [[nodiscard]] Result<void> as_client(const std::function<Result<void>()>& run) const;

 private:
  Result<void> connect();

  UniqueFd host_, client_;
  std::vector<Endpoints> endpoints_;
};

}  // namespace fw::selftest
