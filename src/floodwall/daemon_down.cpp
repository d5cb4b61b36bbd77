// SPDX-License-Identifier: MIT
#include "floodwall/daemon_down.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "host/attached_xdp.hpp"

namespace fw {

Error with_state_of_kernel(Error error) {
  if (error.kind != ErrorKind::not_running ||
      !error.message.starts_with("the daemon is not running"))
    return error;
  const auto interfaces = host::interfaces_with_xdp();
  if (!interfaces)
    error.message +=
        ". Whether the kernel still filters is not known: " + interfaces.error().message;
  else if (interfaces->empty())
    error.message += ". Nothing filters meanwhile: no XDP program is attached to any interface";
  else
    error.message += fmt::format(
        ". The kernel still filters on {}: bans hold and end there, limits and budgets too, and "
        "nothing new is learned. To take that off: sudo floodwalld --remove",
        fmt::join(*interfaces, ", "));
  return error;
}

}  // namespace fw
