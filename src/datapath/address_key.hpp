// SPDX-License-Identifier: MIT
// Converts an Address to the form of the policy's tables (fw_addr), and back. Both are the same two
// numbers. The conversion is not in base/ because base/ does not include the tables' types.
//
// Thread rule: free functions without state.
#pragma once

#include "abi/types.h"
#include "base/address.hpp"

namespace fw {

[[nodiscard]] constexpr fw_addr key_of(const Address& address) {
  return {address.hi, address.lo};
}

[[nodiscard]] constexpr Address from_key(const fw_addr& key) {
  return {key.hi, key.lo};
}

}  // namespace fw
