// SPDX-License-Identifier: MIT
#include "base/endpoint.hpp"

#include <fmt/format.h>

#include <charconv>

namespace fw {

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto wrong = [] {
    return fail(ErrorKind::usage,
                "must be an address and a port, as \"127.0.0.1:8870\" or \"[::1]:8870\"");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const Result<Address> address = Address::parse(host);
  if (!address || bracketed == address->is_v4()) return wrong();
  Endpoint endpoint{.address = *address, .port = 0};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || endpoint.port == 0)
    return wrong();
  return endpoint;
}

bool Endpoint::is_loopback() const {
  return fw::is_loopback(address);
}

std::string Endpoint::text() const {
  return fmt::format(fmt::runtime(address.is_v4() ? "{}:{}" : "[{}]:{}"), address.text(), port);
}

bool is_loopback(const Address& address) {
  return address.is_v4() ? address.v4_number() >> 24 == 127 : address == Address{0, 1};
}

}  // namespace fw
