// SPDX-License-Identifier: MIT
#include "daemon/privileges.hpp"

#include <linux/capability.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "host/guarded_facts.hpp"

namespace fw::daemon {
namespace {

constexpr std::uint64_t bit(int capability) {
  return std::uint64_t{1} << capability;
}
constexpr std::uint64_t kOfTheReader = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH);

// capget(2) and capset(2) of this thread.
struct Capabilities {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};

  bool read() { return ::syscall(SYS_capget, &header, sets.data()) == 0; }
  [[nodiscard]] std::uint64_t effective() const {
    return sets[0].effective | std::uint64_t{sets[1].effective} << 32;
  }
};

// The kernel takes what is no longer inheritable from the ambient set too: capabilities(7).
Result<void> keep_only(std::uint64_t wanted) {
  Capabilities now;
  if (!now.read()) return fail_errno("read the capabilities of this process", errno);
  for (std::size_t i = 0; i < now.sets.size(); i++) {
    const auto part = static_cast<std::uint32_t>(wanted >> (32 * i));
    now.sets.at(i).effective &= part;
    now.sets.at(i).permitted &= part;
    now.sets.at(i).inheritable &= part;
  }
  if (::syscall(SYS_capset, &now.header, now.sets.data()) != 0)
    return fail_errno("give up capabilities", errno);
  return {};
}

}  // namespace

Result<void> part_with_rights() {
  Capabilities now;
  if (::geteuid() == 0 || !now.read() || (now.effective() & kOfTheReader) == 0) return {};
  if (auto started = host::start_reader([] { return keep_only(kOfTheReader); }); !started)
    return started;
  return keep_only(~kOfTheReader);
}

}  // namespace fw::daemon
