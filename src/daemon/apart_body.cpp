// SPDX-License-Identifier: MIT
// The other side of apart.hpp: in the new process, before it is a command or sends a webhook.
#include <linux/capability.h>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "daemon/apart.hpp"

namespace fw::daemon {
namespace {

// No capability, now or by what is executed next, also for root; capabilities(7). The bounding set
// of another user than root cannot be changed: what counts there is that nothing is inherited.
bool give_up_capabilities() {
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (unsigned long each = 0; ::prctl(PR_CAPBSET_READ, each, 0, 0, 0) >= 0; ++each)
    (void)::prctl(PR_CAPBSET_DROP, each, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

}  // namespace

int run_apart(std::span<const std::string> arguments) {
  // The thread that started it lives as long as the daemon.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!give_up_capabilities()) {
    fmt::print("it could not give up the capabilities of floodwalld: {}\n", std::strerror(errno));
    return 1;
  }
  (void)::syscall(SYS_close_range, 3, ~0U, 0);
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);  // its memory has the message, and maybe a token
  (void)::umask(0077);
  if (::chdir("/") != 0) return 1;
  if (arguments.empty()) return 2;
  if (arguments.front() == kWebhook) return send_webhook();

  std::vector<std::string> texts(arguments.begin() + 1, arguments.end());
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  if (texts.empty()) return 2;
  ::execv(pointers.front(), pointers.data());
  fmt::print("{}: {}\n", texts.front(), std::strerror(errno));
  return 127;
}

}  // namespace fw::daemon
