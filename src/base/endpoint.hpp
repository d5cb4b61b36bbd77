// SPDX-License-Identifier: MIT
// An address and a TCP port, as a server listens on them.
//
// Thread rule: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/error.hpp"

namespace fw {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;  // 1..65535

  // "127.0.0.1:8870" or "[::1]:8870".
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string text() const;

  auto operator<=>(const Endpoint&) const = default;
};

// 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback(const Address& address);

}  // namespace fw
