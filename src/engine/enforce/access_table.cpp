// SPDX-License-Identifier: MIT
#include "engine/enforce/access_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fw::engine {

std::uint64_t until_ns(const fw_entry& entry) {
  return __atomic_load_n(&entry.until_ns, __ATOMIC_ACQUIRE);
}

void AccessTable::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  env_ = datapath.tables().env(datapath.config());
}

Result<void> AccessTable::list_lengths(std::span<const Prefix> prefixes) {
  const PrefixLengths listed = config_.listed();
  PrefixLengths wanted = listed;
  for (const Prefix& prefix : prefixes) wanted.add(prefix);
  if (wanted == listed) return {};
  PrefixLengths used;
  if (!wanted.fit()) {  // some that are listed may not be in use any more
    used = needed_lengths();
    wanted = used;
    for (const Prefix& prefix : prefixes) wanted.add(prefix);
  }
  if (wanted.fit()) return config_.publish_lengths(wanted);
  const bool v4 = wanted.v4.size() > FW_MAX_PREFIX_LENGTHS;
  return fail(
      ErrorKind::refused,
      fmt::format("there can be entries of at most {} prefix lengths per family, and those of "
                  "{} are {} already: use one of these, or write the prefixes into "
                  "deny.list or allow.list, which take any",
                  std::size_t{FW_MAX_PREFIX_LENGTHS}, v4 ? "IPv4" : "IPv6",
                  in_words(v4 ? used.v4 : used.v6, v4)));
}

void AccessTable::drop_unused() {
  if (std::exchange(protection_erased_, false)) fw_policy_recompute_protected(&env_);
  if (!std::exchange(erased_, false)) return;
  const PrefixLengths needed = needed_lengths();
  // A failed publish leaves a superfluous length in force: slower, never wrong.
  if (needed != config_.listed()) erased_ = !config_.publish_lengths(needed);
}

Result<void> AccessTable::put(const fw_entry& entry, std::uint64_t now_ns) {
  if (fw_policy_entry_put(&env_, &entry, now_ns) >= 0) return {};
  return fail(
      fmt::format("{}: no room for it among {} bans and exemptions: raise tables.bans in "
                  "floodwall.toml and restart floodwalld, or use deny.list",
                  prefix_of(entry).text(), slots().size()));
}

void AccessTable::prefetch(const Prefix& prefix) const {
  fw_policy_entry_prefetch(&env_, key_of(prefix.address), static_cast<fw_u8>(prefix.bits));
}

void AccessTable::erase(const Prefix& prefix, std::uint8_t kind) {
  const fw_s32 index =
      fw_policy_entry_find(&env_, key_of(prefix.address), static_cast<fw_u8>(prefix.bits), kind);
  if (index >= 0) erase_slot(env_.entries[index]);
}

void AccessTable::erase_slot(const fw_entry& entry) {
  const auto index = static_cast<std::size_t>(&entry - slots().data());
  protection_erased_ = protection_erased_ || entry.kind != FW_ENTRY_BAN;
  fw_policy_entry_erase(&env_, static_cast<fw_u32>(index));
  datapath_->clear_pending(index);
  erased_ = true;
}

void AccessTable::move_end(const Prefix& prefix, std::uint8_t kind, std::uint64_t until_ns) {
  const fw_s32 index =
      fw_policy_entry_find(&env_, key_of(prefix.address), static_cast<fw_u8>(prefix.bits), kind);
  if (index >= 0) __atomic_store_n(&env_.entries[index].until_ns, until_ns, __ATOMIC_RELEASE);
}

void AccessTable::forget_source(const Prefix& prefix) {
  const fw_config& config = *env_.config;
  const unsigned source_bits = prefix.is_v4() ? 128U : config.source_bits_v6;
  const unsigned limit_bits = prefix.is_v4() ? config.limit_bits_v4 : config.limit_bits_v6;
  if (prefix.bits == source_bits || prefix.bits == limit_bits)
    fw_policy_source_forget(&env_, key_of(prefix.address));
}

const fw_entry* AccessTable::find(const Prefix& prefix, std::uint8_t kind) const {
  const fw_s32 index =
      fw_policy_entry_find(&env_, key_of(prefix.address), static_cast<fw_u8>(prefix.bits), kind);
  return index < 0 ? nullptr : &env_.entries[index];
}

std::uint64_t AccessTable::dropped(const fw_entry& entry) const {
  const auto index = static_cast<std::size_t>(&entry - slots().data());
  return __atomic_load_n(&entry.dropped, __ATOMIC_RELAXED) + datapath_->pending_drops(index);
}

PrefixLengths AccessTable::lengths() const {
  PrefixLengths lengths;
  for (const fw_entry& entry : slots())
    if (until_ns(entry) != 0) lengths.add(prefix_of(entry));
  return lengths;
}

PrefixLengths AccessTable::needed_lengths() const {
  PrefixLengths needed = config_.always_needed();
  needed.add(lengths());
  return needed;
}

}  // namespace fw::engine
