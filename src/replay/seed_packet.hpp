// SPDX-License-Identifier: MIT
// An IP packet as the seed's packet library saw it: only the addresses, and whether there is a
// payload. It is more lenient than policy/parse.h, and stays so: the seed's verdicts are a fixed
// point to compare with.
#pragma once

#include <optional>

#include "base/address.hpp"
#include "policy/policy.h"

namespace fw::replay {

struct SeedPacket {
  Address source, destination;
  bool has_payload = false;  // of TCP and UDP; an ICMP header has 4 bytes there, others none
};

// `frame` starts with the IP header. Nothing if that is cut or contradicts itself.
[[nodiscard]] std::optional<SeedPacket> seed_packet(const fw_frame& frame);

}  // namespace fw::replay
