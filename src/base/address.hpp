// SPDX-License-Identifier: MIT
// Addresses and prefixes of both families in one form: the IPv4 address a.b.c.d is the IPv6 address
// ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), whichever way it was written. A prefix still has a family: an
// IPv6 prefix around the mapped block (::/0 to ::/79) does not contain the IPv4 addresses.
//
// Thread rule: values and free functions without state.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw {

struct Address {
  std::uint64_t hi = 0, lo = 0;  // in host order; IPv4 in the mapped form

  static constexpr std::uint64_t kMapped = 0xffff'0000'0000ULL;

  // From the IPv4 address as a number in host order.
  [[nodiscard]] static constexpr Address v4(std::uint32_t number) { return {0, kMapped | number}; }
  // From 16 bytes in network byte order (also a mapped IPv4 address).
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

// The first `bits` bits of `address` (0..128, counted in the mapped form), the rest zero.
[[nodiscard]] Address masked(Address address, unsigned bits);

struct Prefix {
  Address address;      // host bits are zero
  unsigned bits = 128;  // in the mapped form: an IPv4 /24 is 120

  // "10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::ffff:10.0.0.0/104". If host bits are set, the
  // error names the prefix that was probably meant. An IPv6 prefix that ends with the mapped block
  // (::/80) is an error too: its last address would be an IPv4 address.
  [[nodiscard]] static Result<Prefix> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const { return address.is_v4() && bits >= 96; }
  [[nodiscard]] bool is_single() const { return bits == 128; }
  // Its last address.
  [[nodiscard]] Address last() const;
  // False for an address or a prefix of the other family.
  [[nodiscard]] bool contains(const Address& other) const;
  [[nodiscard]] bool contains(const Prefix& other) const;
  // "10.0.0.0/8"; a single address without "/32" or "/128".
  [[nodiscard]] std::string text() const;

  auto operator<=>(const Prefix&) const = default;
};

// Addresses that are never the source of a ban (RFC 6890): no host on the network has them, or
// every link has a host with them. The policy has the same list (fw_is_special, fw_is_link_local);
// a policy test compares the two.
struct SpecialRange {
  Prefix prefix;
  std::string_view name;  // as in "it contains loopback"
  bool is_link_local = false;
};
[[nodiscard]] std::span<const SpecialRange> special_ranges();
// Null if the address is in none of them.
[[nodiscard]] const SpecialRange* find_special_range(const Address& address);
[[nodiscard]] bool is_special(const Address& address);
// Link-local addresses are special, and peers all the same.
[[nodiscard]] bool is_link_local(const Address& address);
[[nodiscard]] bool may_be_peer(const Address& address);

}  // namespace fw
