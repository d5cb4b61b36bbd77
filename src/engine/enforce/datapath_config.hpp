// SPDX-License-Identifier: MIT
// Publishes the configuration to the datapath: rules, budgets, mode, and the prefix lengths by
// which entries are looked up. Nothing else does.
//
// Invariant: a packet is looked up once per listed prefix length, so every entry in force has its
// length listed. AccessTable keeps it: it lists a new length before it puts the first entry of that
// length, and drops unused ones later.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "abi/configuration.h"
#include "base/address.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "datapath/interface_status.hpp"

namespace fw::engine {

// Of all addresses, in bits of the 128-bit key: IPv4's /32 is 128.
struct PrefixLengths {
  std::set<unsigned> v4, v6;

  bool operator==(const PrefixLengths&) const = default;
  void add(const Prefix& prefix) { (prefix.is_v4() ? v4 : v6).insert(prefix.bits); }
  void add(const PrefixLengths& other) {
    v4.insert(other.v4.begin(), other.v4.end());
    v6.insert(other.v6.begin(), other.v6.end());
  }
  // Whether the datapath can look up so many.
  [[nodiscard]] bool fit() const {
    return v4.size() <= FW_MAX_PREFIX_LENGTHS && v6.size() <= FW_MAX_PREFIX_LENGTHS;
  }
};

// "/8 /24 /32", as people write them.
[[nodiscard]] std::string in_words(const std::set<unsigned>& lengths, bool v4);

class DatapathConfig {
 public:
  // `datapath` is borrowed and outlives it, or is replaced by move_to().
  explicit DatapathConfig(datapath::Datapath& datapath) : datapath_(&datapath) {}
  // The next publish() goes to another datapath.
  void move_to(datapath::Datapath& datapath) { datapath_ = &datapath; }

  // Publishes rules and mode, with the lengths that `entries` have. The datapath keeps its hash
  // seeds and masks. After an error the former configuration is in force.
  [[nodiscard]] Result<void> publish(const config::Compiled& compiled, std::uint8_t mode,
                                     const PrefixLengths& entries);
  // Publishes the same configuration with other lengths; `lengths` must fit().
  [[nodiscard]] Result<void> publish_lengths(const PrefixLengths& lengths);

  // As the datapath has them now.
  [[nodiscard]] PrefixLengths listed() const;
  // Those the datapath needs for the bans that it makes, and single addresses.
  [[nodiscard]] PrefixLengths always_needed() const { return always_needed(compiled_); }

 private:
  [[nodiscard]] static PrefixLengths always_needed(const config::Compiled& compiled);
  [[nodiscard]] Result<void> write(const config::Compiled& compiled, std::uint8_t mode,
                                   const PrefixLengths& lengths);

  datapath::Datapath* datapath_;
  config::Compiled compiled_;  // in force
  std::uint8_t mode_ = FW_MODE_OFF;
};

}  // namespace fw::engine
