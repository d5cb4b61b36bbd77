// SPDX-License-Identifier: MIT
// An Address as the policy's tables have it (fw_addr), and back. Both are the same two numbers;
// only code that sees the tables may know of fw_addr, so the conversion is here and not in base/.
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
