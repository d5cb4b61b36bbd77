// SPDX-License-Identifier: MIT
// The entries in the datapath's table: bans, allowances, exemptions. Nothing else in the daemon
// writes them; the datapath itself adds bans and moves their ends.
#pragma once

#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/error.hpp"
#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "engine/enforce/datapath_config.hpp"
#include "policy/policy.h"

namespace fw::engine {

// The datapath writes ends at any time, so read one once.
[[nodiscard]] std::uint64_t until_ns(const fw_entry& entry);
[[nodiscard]] inline Prefix prefix_of(const fw_entry& entry) {
  return {.address = from_key(entry.addr), .bits = entry.prefix_bits};
}

class AccessTable {
 public:
  // Both are borrowed and outlive it.
  AccessTable(datapath::Datapath& datapath, DatapathConfig& config) : config_(config) {
    move_to(datapath);
  }
  // From now on writes to another datapath, whose entries are empty.
  void move_to(datapath::Datapath& datapath);

  // Makes the datapath look up entries as long as `prefixes`: at most one publish. Refused when a
  // family would have more than FW_MAX_PREFIX_LENGTHS lengths. Call it before put().
  [[nodiscard]] Result<void> list_lengths(std::span<const Prefix> prefixes);
  // After entries were erased: stops looking up lengths, and protected prefixes, of which no entry
  // is left.
  void drop_unused();

  // Puts an entry in force; its prefix and kind are its name. Fails when the table is full.
  [[nodiscard]] Result<void> put(const fw_entry& entry, std::uint64_t now_ns);
  void erase(const Prefix& prefix, std::uint8_t kind);
  // Moves the end of an entry, if it is there. The datapath may move it on at the same time.
  void move_end(const Prefix& prefix, std::uint8_t kind, std::uint64_t until_ns);
  // Frees the slot of an entry, one of slots().
  void erase_slot(const fw_entry& entry);
  // Prefetches its bucket, which put() will want soon: a table of millions is in no cache.
  void prefetch(const Prefix& prefix) const;
  // Forgets what a source, or a prefix that has limits, has sent so far. Does nothing for other
  // prefixes.
  void forget_source(const Prefix& prefix);
  // In force or not; null if there is none. Valid until the next change.
  [[nodiscard]] const fw_entry* find(const Prefix& prefix, std::uint8_t kind) const;
  // Packets dropped for it so far.
  [[nodiscard]] std::uint64_t dropped(const fw_entry& entry) const;

  // Every slot; an empty one has until_ns 0.
  [[nodiscard]] std::span<const fw_entry> slots() const { return datapath_->tables().entries; }
  // Of all entries.
  [[nodiscard]] PrefixLengths lengths() const;

 private:
  [[nodiscard]] PrefixLengths needed_lengths() const;

  datapath::Datapath* datapath_ = nullptr;
  DatapathConfig& config_;
  fw_env env_{};                    // the datapath's tables
  bool erased_ = false;             // an entry, since drop_unused()
  bool protection_erased_ = false;  // an exemption or allowance, since drop_unused()
};

}  // namespace fw::engine
