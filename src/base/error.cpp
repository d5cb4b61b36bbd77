// SPDX-License-Identifier: MIT
// Errors as values: how they are made.
#include "base/error.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace fw {

std::unexpected<Error> fail(std::string message) {
  return fail(ErrorKind::failed, std::move(message));
}

std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected(Error{kind, std::move(message)});
}

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  return fail(fmt::format("{}: {}", what, std::generic_category().message(error_number)));
}

}  // namespace fw
