// SPDX-License-Identifier: MIT
#include "selftest/test_network.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace fw::selftest {

namespace {

Result<void> mount_own(const char* kind, const char* target) {
  if (::mount(kind, target, kind, 0, nullptr) == 0) return {};
  return fail_errno(fmt::format("cannot mount a private {} on {}", kind, target), errno);
}

Result<UniqueFd> this_network() {
  UniqueFd fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("cannot open /proc/self/ns/net", errno);
  return fd;
}

// Feeds `lines` to `ip -batch -`, whose own messages say which of them failed.
Result<void> ip(const std::string& lines) {
  std::FILE* pipe = ::popen("ip -batch -", "we");
  if (pipe == nullptr) return fail_errno("cannot run ip", errno);
  const bool written = std::fputs(lines.c_str(), pipe) >= 0;
  if (::pclose(pipe) == 0 && written) return {};
  return fail("the test network could not be built (its lines:\n" + lines +
              "). Is iproute2 installed?");
}

bool has_ipv6() {
  const UniqueFd probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe.valid() && ::access("/proc/sys/net/ipv6", F_OK) == 0;
}

}  // namespace

Result<int> run_isolated(const std::function<int()>& run) {
  if (::unshare(CLONE_NEWPID) != 0) return fail_errno("cannot make a PID namespace", errno);
  (void)std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("cannot fork", errno);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int status = run();
    (void)std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail_errno("cannot wait for the self-test", errno);
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return fail(fmt::format("the self-test was ended by signal {}", WTERMSIG(status)));
}

Result<TestNetwork> TestNetwork::create() {
  TestNetwork network;
  if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0)
    return fail_errno("cannot make namespaces", errno);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return fail_errno("cannot make the mounts private", errno);
  for (const auto& [kind, target] :
       {std::pair{"proc", "/proc"}, {"tmpfs", "/run"}, {"bpf", "/sys/fs/bpf"}})
    if (auto done = mount_own(kind, target); !done) return std::unexpected(done.error());
  auto client = this_network();
  if (!client) return std::unexpected(client.error());
  network.client_ = std::move(*client);
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("cannot make a network namespace", errno);
  auto host = this_network();
  if (!host) return std::unexpected(host.error());
  network.host_ = std::move(*host);
  if (auto done = network.connect(); !done) return std::unexpected(done.error());
  return network;
}

// Addresses from the ranges that RFC 5737 and RFC 3849 reserve for documentation.
Result<void> TestNetwork::connect() {
  const Address host4 = Address::v4(0xc6336401);    // 198.51.100.1
  const Address client4 = Address::v4(0xcb00714d);  // 203.0.113.77
  const Address host6{0x20010db8'000a0000, 1}, client6{0x20010db8'000c0000, 0x77};
  endpoints_.push_back({"IPv4", host4, client4, client4.text()});
  if (has_ipv6())
    endpoints_.push_back({"IPv6", host6, client6, Prefix{masked(client6, 64), 64}.text()});

  // `ip` finds the client's namespace by this descriptor, which it inherits.
  const UniqueFd far(::fcntl(client_.get(), F_DUPFD, 3));
  if (!far.valid()) return fail_errno("cannot duplicate a descriptor", errno);
  std::string here = fmt::format(
      "link add {} type veth peer name peer0 netns /proc/{}/fd/{}\nlink set lo up\n"
      "link set {} up\n",
      kUplink, ::getpid(), far.get(), kUplink);
  std::string there = "link set lo up\nlink set peer0 up\n";
  const auto lay = [](std::string& lines, const char* device, const Address& own,
                      const Address& other) {
    const bool v4 = own.is_v4();
    const Prefix net{masked(other, v4 ? 120 : 64), v4 ? 120U : 64U};
    lines += fmt::format("address add {}/{} dev {}{}\nroute add {} dev {}\n", own.text(),
                         v4 ? 24 : 64, device, v4 ? "" : " nodad", net.text(), device);
  };
  for (const Endpoints& line : endpoints_) {
    lay(here, kUplink, line.host, line.client);
    lay(there, "peer0", line.client, line.host);
  }
  if (auto done = ip(here); !done) return done;
  return as_client([&] { return ip(there); });
}

Result<void> TestNetwork::as_client(const std::function<Result<void>()>& run) const {
  if (::setns(client_.get(), CLONE_NEWNET) != 0)
    return fail_errno("cannot enter the client's network", errno);
  Result<void> result = run();
  if (::setns(host_.get(), CLONE_NEWNET) != 0)
    return fail_errno("cannot return to the host's network", errno);
  return result;
}

}  // namespace fw::selftest
