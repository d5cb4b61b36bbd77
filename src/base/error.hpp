// SPDX-License-Identifier: MIT
// Errors as values. A message says what was attempted, on which input, why it failed and what would
// be right; the kind decides the exit status of the CLI and the HTTP status of the API.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace fw {

// The numbers are the exit statuses of `floodwall`.
enum class ErrorKind {
  failed = 1,
  usage = 2,
  not_running = 3,
  not_permitted = 4,
  refused = 5,
  invalid_config = 6,
};

struct Error {
  ErrorKind kind = ErrorKind::failed;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] std::unexpected<Error> fail(std::string message);
[[nodiscard]] std::unexpected<Error> fail(ErrorKind kind, std::string message);

// "WHAT: No such file or directory", from the value errno had.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int error_number);

}  // namespace fw
