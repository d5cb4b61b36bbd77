// SPDX-License-Identifier: MIT
// What ordinary traffic looks like before any was seen: the share of a class's innocent packets
// that have a value in a header field. It decides where the baseline has too few samples, and errs
// on the side of the innocent: a value that some ordinary stack or service may send all the time is
// never rare.
//
// A naive Bayes mixture. The fields of one sender depend on each other (a Windows SYN has a length,
// a header and a TTL of its own), so ordinary traffic is a mixture of kinds of senders, and fields
// are independent only within a kind.
#pragma once

#include <array>
#include <cstdint>

#include "engine/detect/signature_fields.hpp"

namespace fw::engine {

constexpr std::size_t kSenderKinds = 5;
// By kind of sender: the share of its packets that match. Several fields: the product.
using Likelihood = std::array<double, kSenderKinds>;

struct TrafficScope {
  std::uint8_t traffic_class = 0;  // enum fw_class
  std::uint8_t proto = 0;
  std::uint16_t port = 0;  // a served port; 0: none

  auto operator<=>(const TrafficScope&) const = default;
};

[[nodiscard]] Likelihood likelihood(const TrafficScope& scope, const MatchField& field);
// The share of all the scope's innocent packets, 0 to 1.
[[nodiscard]] double prior_share(const TrafficScope& scope, const Likelihood& likelihood);

}  // namespace fw::engine
