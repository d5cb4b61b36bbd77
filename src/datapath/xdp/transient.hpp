// SPDX-License-Identifier: MIT
// System calls that fail for want of memory, descriptors or time, and may succeed if they are tried
// again. Their errors are of the kind refused.
#pragma once

#include <cerrno>
#include <string_view>

#include "base/error.hpp"

namespace fw::datapath::xdp {

[[nodiscard]] inline bool is_transient(int error_number) {
  switch (error_number) {
    case EAGAIN:
    case EBUSY:
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}
[[nodiscard]] inline bool is_transient(const Error& error) {
  return error.kind == ErrorKind::refused;
}

// As fail_errno(), of the kind refused if the error is transient.
[[nodiscard]] inline std::unexpected<Error> fail_call(std::string_view what, int error_number) {
  auto failed = fail_errno(what, error_number);
  if (is_transient(error_number)) failed.error().kind = ErrorKind::refused;
  return failed;
}

}  // namespace fw::datapath::xdp
