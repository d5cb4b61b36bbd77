// SPDX-License-Identifier: MIT
// Addresses and prefixes as text, and their arithmetic in the mapped form.
#include "base/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace fw {

namespace {

constexpr unsigned kMappedBits = 96;

std::uint64_t load_be64(const unsigned char* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | bytes[i];
  return value;
}

void store_be64(std::uint64_t value, unsigned char* bytes) {
  for (int i = 7; i >= 0; i--, value >>= 8) bytes[i] = static_cast<unsigned char>(value);
}

constexpr std::uint64_t high_bits(unsigned bits) {
  return bits == 0 ? 0 : ~std::uint64_t{0} << (64 - bits);
}

// A dotted quad. Leading zeros are refused, because some programs read them as octal.
std::optional<std::uint32_t> parse_quad(std::string_view text) {
  std::uint32_t number = 0;
  const char* at = text.data();
  const char* end = at + text.size();
  for (int i = 0; i < 4; i++) {
    if (i > 0) {
      if (at == end || *at != '.') return std::nullopt;
      at++;
    }
    const char* start = at;
    std::uint32_t octet = 0;
    while (at != end && *at >= '0' && *at <= '9' && at - start < 4)
      octet = octet * 10 + static_cast<std::uint32_t>(*at++ - '0');
    if (at == start || octet > 255 || (*start == '0' && at - start > 1)) return std::nullopt;
    number = number << 8 | octet;
  }
  if (at != end) return std::nullopt;
  return number;
}

}  // namespace

Address Address::from_bytes(const unsigned char* bytes16) {
  return {load_be64(bytes16), load_be64(bytes16 + 8)};
}

void Address::to_bytes(unsigned char* bytes16) const {
  store_be64(hi, bytes16);
  store_be64(lo, bytes16 + 8);
}

Result<Address> Address::parse(std::string_view text) {
  if (const auto number = parse_quad(text)) return v4(*number);
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  std::array<unsigned char, 16> bytes{};
  if (text.size() < buffer.size() && text.find(':') != std::string_view::npos) {
    std::memcpy(buffer.data(), text.data(), text.size());
    if (std::strlen(buffer.data()) == text.size() &&
        ::inet_pton(AF_INET6, buffer.data(), bytes.data()) == 1)
      return from_bytes(bytes.data());
  }
  return fail(
      ErrorKind::usage,
      fmt::format("\"{}\" is not an address: write it like 192.0.2.1 or 2001:db8::1", text));
}

std::string Address::text() const {
  if (is_v4()) {
    const std::uint32_t n = v4_number();
    return fmt::format("{}.{}.{}.{}", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255);
  }
  std::array<unsigned char, 16> bytes{};
  to_bytes(bytes.data());
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (::inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size()) == nullptr) return {};
  return buffer.data();
}

Address masked(Address address, unsigned bits) {
  if (bits >= 128) return address;
  if (bits >= 64) return {address.hi, address.lo & high_bits(bits - 64)};
  return {address.hi & high_bits(bits), 0};
}

std::span<const SpecialRange> special_ranges() {
  static constexpr std::array<SpecialRange, 9> kRanges{{
      {{Address::v4(0), 128}, "the unspecified address"},                  // 0.0.0.0
      {{Address::v4(0x7f00'0000), kMappedBits + 8}, "loopback"},           // 127.0.0.0/8
      {{Address::v4(0xa9fe'0000), kMappedBits + 16}, "link-local", true},  // 169.254.0.0/16
      {{Address::v4(0xe000'0000), kMappedBits + 4}, "multicast"},          // 224.0.0.0/4
      {{Address::v4(0xffff'ffff), 128}, "broadcast"},                      // 255.255.255.255
      {{{0, 0}, 128}, "the unspecified address"},                          // ::
      {{{0, 1}, 128}, "loopback"},                                         // ::1
      {{{0xfe80ULL << 48, 0}, 10}, "link-local", true},                    // fe80::/10
      {{{0xff00ULL << 48, 0}, 8}, "multicast"},                            // ff00::/8
  }};
  return kRanges;
}

const SpecialRange* find_special_range(const Address& address) {
  const auto ranges = special_ranges();
  const auto found = std::ranges::find_if(
      ranges, [&](const SpecialRange& range) { return range.prefix.contains(address); });
  return found == ranges.end() ? nullptr : &*found;
}

bool is_special(const Address& address) {
  return find_special_range(address) != nullptr;
}

bool is_link_local(const Address& address) {
  const SpecialRange* range = find_special_range(address);
  return range != nullptr && range->is_link_local;
}

bool may_be_peer(const Address& address) {
  return !is_special(address) || is_link_local(address);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::unexpected(std::move(address.error()));
  if (slash == std::string_view::npos) return Prefix{*address, 128};

  // The length counts bits of the form that the address is written in: ::ffff:10.0.0.0/104 is
  // 10.0.0.0/8.
  const bool as_v6 = text.substr(0, slash).find(':') != std::string_view::npos;
  const unsigned longest = as_v6 ? 128 : 32;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits > longest)
    return fail(ErrorKind::usage,
                fmt::format("\"{}\": the prefix length must be 0 to {}", text, longest));
  if (!as_v6) bits += kMappedBits;
  const Prefix prefix{masked(*address, bits), bits};
  if (prefix.address != *address)
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" has bits set beyond its prefix length: did you mean {} or {}?",
                            text, prefix.text(), address->text()));
  if (!prefix.is_v4() && prefix.last().is_v4())
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" ends with the IPv4 addresses (::ffff:0:0/96): write 0.0.0.0/0 "
                            "for these, or ::/0 for all of IPv6",
                            text));
  return prefix;
}

Address Prefix::last() const {
  const Address network = masked({~0ULL, ~0ULL}, bits);
  return {address.hi | ~network.hi, address.lo | ~network.lo};
}

bool Prefix::contains(const Address& other) const {
  return is_v4() == other.is_v4() && masked(other, bits) == address;
}

bool Prefix::contains(const Prefix& other) const {
  return is_v4() == other.is_v4() && other.bits >= bits && masked(other.address, bits) == address;
}

std::string Prefix::text() const {
  if (is_single()) return address.text();
  if (is_v4()) return fmt::format("{}/{}", address.text(), bits - kMappedBits);
  return fmt::format("{}/{}", address.text(), bits);
}

}  // namespace fw
