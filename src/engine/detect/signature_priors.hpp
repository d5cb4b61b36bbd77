// SPDX-License-Identifier: MIT
// What ordinary traffic looks like before any was seen: how many of a class's innocent packets have
// a header field's value. It decides where peace shows too little, and errs on the side of the
// innocent: a value that some ordinary stack or service may well send all the time is never rare.
//
// Fields of one sender depend on each other (a Windows SYN has a length, a header and a TTL of its
// own), so ordinary traffic is a mixture of kinds of senders, within which fields are independent.
#pragma once

#include <array>
#include <cstdint>

#include "engine/detect/signature_fields.hpp"

namespace fw::engine {

constexpr std::size_t kSenderKinds = 5;
// By kind of sender: the share of its packets. Multiplied for several fields.
using Likelihood = std::array<double, kSenderKinds>;

struct TrafficScope {
  std::uint8_t traffic_class = 0;  // enum fw_class
  std::uint8_t proto = 0;
  std::uint16_t port = 0;  // on which a service answers; 0: none does

  auto operator<=>(const TrafficScope&) const = default;
};

[[nodiscard]] Likelihood likelihood(const TrafficScope& scope, const Term& term);
// The share of the scope's innocent packets, 0 to 1.
[[nodiscard]] double ordinary_share(const TrafficScope& scope, const Likelihood& likelihood);

}  // namespace fw::engine
