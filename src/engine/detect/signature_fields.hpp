// SPDX-License-Identifier: MIT
// The header fields that a signature may match: where each lies in fw_match_key (abi/packet.h),
// and its words. The protocol is not among them: every signature has it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "abi/signature.h"

namespace fw::engine {

enum class HeaderField : std::uint8_t {
  family,
  fragment,
  icmp,  // type and code
  flags,
  sport,
  dport,
  header,  // length of the TCP header: more than 20 bytes has options
  length,
  ttl,
  window,
  payload,  // its first bytes
};

struct FieldPlace {
  HeaderField field;
  std::string_view name;
  unsigned word, shift, bits;
};

// One per HeaderField, in its order, which is also the order of the words.
[[nodiscard]] std::span<const FieldPlace> field_places();
[[nodiscard]] const FieldPlace& place_of(HeaderField field);

// A field and the value it must have: all of it, or only its first `bits`.
struct MatchField {
  HeaderField field = HeaderField::family;
  unsigned bits = 0;        // of the field, from the top
  std::uint64_t value = 0;  // a number of `bits` bits

  bool operator==(const MatchField&) const = default;
};

[[nodiscard]] MatchField field_of(const fw_match_key& key, const FieldPlace& place, unsigned bits);
void add_field(fw_signature& signature, const MatchField& field);
void drop_field(fw_signature& signature, HeaderField field);

[[nodiscard]] fw_signature protocol_signature(std::uint8_t proto);
[[nodiscard]] std::uint8_t protocol_of(const fw_signature& signature);
[[nodiscard]] bool matches(const fw_signature& signature, const fw_match_key& key);

// "proto=udp sport=161 len=1428". A field of which only some bits count is written with its mask:
// "ttl=0x40/0xc0".
[[nodiscard]] std::string describe(const fw_signature& signature);

}  // namespace fw::engine
