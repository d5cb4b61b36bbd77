// SPDX-License-Identifier: MIT
#include "engine/detect/signature_fields.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace fw::engine {

namespace {

constexpr unsigned kProtoShift = 56;
constexpr std::uint64_t kOctet = 0xff;

constexpr std::array kPlaces{
    FieldPlace{HeaderField::family, "ip", 0, 36, 4},
    FieldPlace{HeaderField::fragment, "frag", 0, 32, 4},
    FieldPlace{HeaderField::icmp, "icmp", 1, 16, 16},
    FieldPlace{HeaderField::flags, "flags", 0, 48, 8},
    FieldPlace{HeaderField::sport, "sport", 0, 16, 16},
    FieldPlace{HeaderField::dport, "dport", 0, 0, 16},
    FieldPlace{HeaderField::header, "header", 1, 8, 8},
    FieldPlace{HeaderField::length, "len", 1, 48, 16},
    FieldPlace{HeaderField::ttl, "ttl", 0, 40, 8},
    FieldPlace{HeaderField::window, "window", 1, 32, 16},
    FieldPlace{HeaderField::payload, "payload", 2, 0, 64},
};

constexpr std::uint64_t low_bits(unsigned bits) {
  return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

std::string protocol_word(std::uint64_t proto) {
  switch (proto) {
    case FW_IPPROTO_ICMP:
      return "icmp";
    case 2:
      return "igmp";
    case FW_IPPROTO_TCP:
      return "tcp";
    case FW_IPPROTO_UDP:
      return "udp";
    case 47:
      return "gre";
    case 50:
      return "esp";
    case FW_IPPROTO_ICMPV6:
      return "icmpv6";
    case 132:
      return "sctp";
    default:
      return fmt::format("{}", proto);
  }
}

std::string flag_words(std::uint64_t flags) {
  constexpr std::array<std::string_view, 8> kWords{"fin", "syn", "rst", "psh",
                                                   "ack", "urg", "ece", "cwr"};
  std::string out;
  for (unsigned bit = 0; bit < kWords.size(); bit++)
    if ((flags >> bit & 1) != 0) out += fmt::format("{}{}", out.empty() ? "" : ",", kWords.at(bit));
  return out.empty() ? "none" : out;
}

std::string whole_value(HeaderField field, std::uint64_t value) {
  switch (field) {
    case HeaderField::family:
      return value == 0 ? "4" : "6";
    case HeaderField::fragment:
      return value == FW_FRAG_NONE ? "none" : value == FW_FRAG_FIRST ? "first" : "later";
    case HeaderField::icmp:
      return fmt::format("{}/{}", value >> 8, value & kOctet);
    case HeaderField::flags:
      return flag_words(value);
    case HeaderField::payload:
      return fmt::format("{:#018x}", value);
    default:
      return fmt::format("{}", value);
  }
}

// A value of which only the bits of `mask` count.
std::string part_value(const FieldPlace& place, std::uint64_t mask, std::uint64_t value) {
  const auto zeros = static_cast<unsigned>(std::countr_zero(mask));
  const unsigned top = place.bits - zeros;
  if (place.field == HeaderField::icmp && mask == 0xff00) return fmt::format("{}", value >> 8);
  if (place.field == HeaderField::payload && top % 4 == 0 && mask >> zeros == low_bits(top))
    return fmt::format("{:#0{}x}", value >> zeros, top / 4 + 2);
  return fmt::format("{:#x}/{:#x}", value, mask);
}

}  // namespace

std::span<const FieldPlace> field_places() {
  return kPlaces;
}

const FieldPlace& place_of(HeaderField field) {
  return kPlaces.at(static_cast<std::size_t>(field));
}

MatchField field_of(const fw_match_key& key, const FieldPlace& place, unsigned bits) {
  const std::uint64_t whole = key.word[place.word] >> place.shift & low_bits(place.bits);
  return {place.field, bits, whole >> (place.bits - bits)};
}

void add_field(fw_signature& signature, const MatchField& field) {
  const FieldPlace& place = place_of(field.field);
  const unsigned shift = place.shift + place.bits - field.bits;
  signature.mask.word[place.word] |= low_bits(field.bits) << shift;
  signature.value.word[place.word] |= field.value << shift;
}

void drop_field(fw_signature& signature, HeaderField field) {
  const FieldPlace& place = place_of(field);
  const std::uint64_t bits = low_bits(place.bits) << place.shift;
  signature.mask.word[place.word] &= ~bits;
  signature.value.word[place.word] &= ~bits;
}

fw_signature protocol_signature(std::uint8_t proto) {
  fw_signature signature{};
  signature.mask.word[0] = kOctet << kProtoShift;
  signature.value.word[0] = std::uint64_t{proto} << kProtoShift;
  return signature;
}

std::uint8_t protocol_of(const fw_signature& signature) {
  return static_cast<std::uint8_t>(signature.value.word[0] >> kProtoShift);
}

bool matches(const fw_signature& signature, const fw_match_key& key) {
  std::uint64_t differs = 0;
  for (unsigned i = 0; i < 3; i++)
    differs |= (key.word[i] & signature.mask.word[i]) ^ signature.value.word[i];
  return differs == 0;
}

std::string describe(const fw_signature& signature) {
  std::string out;
  if ((signature.mask.word[0] >> kProtoShift) == kOctet)
    out = "proto=" + protocol_word(signature.value.word[0] >> kProtoShift);
  for (const FieldPlace& place : kPlaces) {
    const std::uint64_t all = low_bits(place.bits);
    const std::uint64_t mask = signature.mask.word[place.word] >> place.shift & all;
    const std::uint64_t value = signature.value.word[place.word] >> place.shift & all;
    if (mask == 0) continue;
    out +=
        fmt::format("{}{}={}", out.empty() ? "" : " ", place.name,
                    mask == all ? whole_value(place.field, value) : part_value(place, mask, value));
  }
  return out.empty() ? "any" : out;
}

}  // namespace fw::engine
