// SPDX-License-Identifier: MIT
// The one place that writes the datapath's configuration and entries (bans, allowances,
// exemptions).
//
// A packet is looked up once per prefix length that the configuration lists for its family.
// Invariant: every entry in force has its length listed. So new lengths are published (admit)
// before the first entry of that length is put, and unused ones go away later, at leisure.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "config/config.hpp"
#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "policy/policy.h"

namespace fw::engine {

// An entry as the datapath sees it now: it writes these at any time, so read it once.
[[nodiscard]] std::uint64_t until_ns(const fw_entry& entry);
[[nodiscard]] inline Prefix prefix_of(const fw_entry& entry) {
  return {.address = from_key(entry.addr), .bits = entry.prefix_bits};
}

class AccessTable {
 public:
  explicit AccessTable(datapath::Datapath& datapath) { move_to(datapath); }

  // Publishes rules and mode; the datapath's seeds and masks and all lengths in use are kept. After
  // an error what was in force still is.
  [[nodiscard]] Result<void> configure(const config::Compiled& compiled, std::uint8_t mode);

  // Makes the lengths of `prefixes` known to the datapath: at most one publish. Refused when a
  // family would have more than FW_MAX_PREFIX_LENGTHS of them.
  [[nodiscard]] Result<void> admit(std::span<const Prefix> prefixes);
  // After entries were erased: publishes without the lengths that none has any more, and what none
  // protects any more is not looked up.
  void drop_unused();

  // Puts an entry in force; its prefix and kind are its name. Fails when the table is full.
  [[nodiscard]] Result<void> put(const fw_entry& entry, std::uint64_t now_ns);
  void erase(const Prefix& prefix, std::uint8_t kind);
  // Its place in the table is wanted soon. A table of millions is in no cache.
  void prefetch(const Prefix& prefix) const;
  // What a source (or one of the prefixes that have limits) has sent so far counts no more. Nothing
  // if the prefix is neither.
  void forget_source(const Prefix& prefix);
  // In force or not; null if there is none. Valid until the next change.
  [[nodiscard]] const fw_entry* find(const Prefix& prefix, std::uint8_t kind) const;
  // Packets dropped for it so far.
  [[nodiscard]] std::uint64_t dropped(const fw_entry& entry) const;

  // Every slot; an empty one has until_ns 0.
  [[nodiscard]] std::span<const fw_entry> slots() const { return datapath_->tables().entries; }

  // From now on writes to another datapath, whose entries are empty: configure it next.
  void move_to(datapath::Datapath& datapath);

 private:
  struct Lengths {
    std::set<unsigned> v4, v6;
    bool operator==(const Lengths&) const = default;
  };

  // The lengths the datapath itself needs (those of the bans it makes, and single addresses).
  [[nodiscard]] Lengths base_lengths() const;
  [[nodiscard]] Lengths used_lengths() const;
  [[nodiscard]] Lengths listed_lengths() const;
  [[nodiscard]] Result<void> publish(const Lengths& lengths);

  datapath::Datapath* datapath_ = nullptr;
  fw_env env_{};  // its tables, as the policy knows them
  config::Compiled compiled_;
  std::uint8_t mode_ = FW_MODE_OFF;
  bool erased_ = false;     // since the lengths were last counted
  bool unguarded_ = false;  // one that protects, since then
};

}  // namespace fw::engine
