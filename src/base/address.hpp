// SPDX-License-Identifier: MIT
// Addresses and prefixes: one canonical key for both families. ::ffff:a.b.c.d IS the IPv4 address
// a.b.c.d, whichever way it was written.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw {

struct Address {
  std::uint64_t hi = 0, lo = 0;  // in host order; IPv4 in the mapped form

  static constexpr std::uint64_t kMapped = 0xffff'0000'0000ULL;

  // From a.b.c.d as a number in host order.
  [[nodiscard]] static constexpr Address v4(std::uint32_t number) { return {0, kMapped | number}; }
  // From 16 bytes in wire order (also a mapped IPv4 address).
  [[nodiscard]] static Address from_bytes(const unsigned char* bytes16);
  // Accepts dotted quads, every RFC 4291 text form and ::ffff:a.b.c.d. No zone, no port, no prefix.
  [[nodiscard]] static Result<Address> parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const { return hi == 0 && lo >> 32 == 0xffff; }
  [[nodiscard]] constexpr std::uint32_t v4_number() const { return static_cast<std::uint32_t>(lo); }
  void to_bytes(unsigned char* bytes16) const;
  // RFC 5952, IPv4 as dotted quad.
  [[nodiscard]] std::string text() const;

  auto operator<=>(const Address&) const = default;
};

// The first `bits` bits of `address` (0..128 counted in the mapped form), the rest zero.
[[nodiscard]] Address masked(Address address, unsigned bits);

// Unspecified, loopback, multicast, link-local or the limited broadcast: never the key of a ban.
[[nodiscard]] bool is_special(const Address& address);

struct Prefix {
  Address address;      // host bits are zero
  unsigned bits = 128;  // in the mapped form: an IPv4 /24 is 120

  // "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::ffff:10.0.0.0/104". Host bits that are set are
  // an error which names the prefix that was probably meant; so is an IPv6 prefix that ends with
  // the mapped IPv4 addresses.
  [[nodiscard]] static Result<Prefix> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const { return address.is_v4() && bits >= 96; }
  [[nodiscard]] bool is_single() const { return bits == 128; }
  // Its last address.
  [[nodiscard]] Address last() const;
  [[nodiscard]] bool contains(const Address& other) const;
  [[nodiscard]] bool contains(const Prefix& other) const;
  // "10.0.0.0/8"; a single address without "/32" or "/128".
  [[nodiscard]] std::string text() const;

  auto operator<=>(const Prefix&) const = default;
};

}  // namespace fw
