// SPDX-License-Identifier: MIT
#include "engine/enforce/access_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fw::engine {
namespace {

bool is_v4(const Prefix& prefix) {
  return prefix.is_v4();
}

// "/8 /24 /32", as people write them.
std::string in_words(const std::set<unsigned>& lengths, bool v4) {
  std::vector<std::string> words;
  words.reserve(lengths.size());
  for (const unsigned bits : lengths) words.push_back(fmt::format("/{}", v4 ? bits - 96 : bits));
  return fmt::format("{}", fmt::join(words, " "));
}

void write_lengths(const std::set<unsigned>& lengths, fw_u8 (&bits)[FW_MAX_PREFIX_LENGTHS],
                   fw_u8& count) {
  std::ranges::fill(bits, fw_u8{0});
  count = 0;
  // The longest first: single addresses are by far the most.
  for (auto at = lengths.rbegin(); at != lengths.rend(); ++at)
    bits[count++] = static_cast<fw_u8>(*at);
}

}  // namespace

std::uint64_t until_ns(const fw_entry& entry) {
  return __atomic_load_n(&entry.until_ns, __ATOMIC_ACQUIRE);
}

void AccessTable::move_to(datapath::Datapath& datapath) {
  datapath_ = &datapath;
  env_ = datapath.tables().env(datapath.config());
}

Result<void> AccessTable::configure(const config::Compiled& compiled, std::uint8_t mode) {
  const config::Compiled old_compiled = std::exchange(compiled_, compiled);
  const std::uint8_t old_mode = std::exchange(mode_, mode);
  Lengths lengths = used_lengths();
  Result<void> published = publish(lengths);
  if (!published) {
    compiled_ = old_compiled;
    mode_ = old_mode;
  }
  return published;
}

Result<void> AccessTable::admit(std::span<const Prefix> prefixes) {
  const Lengths listed = listed_lengths();
  Lengths wanted = listed;
  const auto add_all = [&] {
    for (const Prefix& prefix : prefixes)
      (is_v4(prefix) ? wanted.v4 : wanted.v6).insert(prefix.bits);
  };
  const auto fits = [&] {
    return wanted.v4.size() <= FW_MAX_PREFIX_LENGTHS && wanted.v6.size() <= FW_MAX_PREFIX_LENGTHS;
  };
  add_all();
  if (wanted == listed) return {};
  if (!fits()) {  // some that are listed may be in use no more
    wanted = used_lengths();
    add_all();
  }
  if (fits()) return publish(wanted);
  const Lengths used = used_lengths();
  const bool v4 = wanted.v4.size() > FW_MAX_PREFIX_LENGTHS;
  return fail(
      ErrorKind::refused,
      fmt::format("there can be entries of at most {} prefix lengths per family, and those of "
                  "{} are {} already: use one of these, or write the prefixes into "
                  "deny.list or allow.list, which take any",
                  std::size_t{FW_MAX_PREFIX_LENGTHS}, v4 ? "IPv4" : "IPv6",
                  v4 ? in_words(used.v4, true) : in_words(used.v6, false)));
}

void AccessTable::drop_unused() {
  if (std::exchange(unguarded_, false)) fw_policy_recompute_protected(&env_);
  if (!std::exchange(erased_, false)) return;
  const Lengths used = used_lengths();
  // A failed publish leaves a superfluous length in force: slower, never wrong.
  if (used != listed_lengths()) erased_ = !publish(used);
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
  if (index < 0) return;
  fw_policy_entry_erase(&env_, static_cast<fw_u32>(index));
  datapath_->clear_pending(static_cast<std::size_t>(index));
  erased_ = true;
  unguarded_ = unguarded_ || kind != FW_ENTRY_BAN;
}

void AccessTable::forget_source(const Prefix& prefix) {
  const fw_config& config = *env_.config;
  const unsigned source_bits = is_v4(prefix) ? 128U : config.source_bits_v6;
  const unsigned limit_bits = is_v4(prefix) ? config.limit_bits_v4 : config.limit_bits_v6;
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

AccessTable::Lengths AccessTable::base_lengths() const {
  const fw_config& policy = compiled_.policy;
  Lengths lengths{.v4 = {128}, .v6 = {128, policy.source_bits_v6}};
  if (std::ranges::any_of(policy.rule[FW_RULE_OF_PREFIXES].limit, &fw_limit::ban_above)) {
    lengths.v4.insert(policy.limit_bits_v4);
    lengths.v6.insert(policy.limit_bits_v6);
  }
  return lengths;
}

AccessTable::Lengths AccessTable::used_lengths() const {
  Lengths lengths = base_lengths();
  for (const fw_entry& entry : slots())
    if (until_ns(entry) != 0)
      (is_v4(prefix_of(entry)) ? lengths.v4 : lengths.v6).insert(entry.prefix_bits);
  return lengths;
}

AccessTable::Lengths AccessTable::listed_lengths() const {
  const fw_config& config = datapath_->config();
  return {.v4 = {config.prefix_bits_v4, config.prefix_bits_v4 + config.lengths_v4},
          .v6 = {config.prefix_bits_v6, config.prefix_bits_v6 + config.lengths_v6}};
}

Result<void> AccessTable::publish(const Lengths& lengths) {
  if (lengths.v4.size() > FW_MAX_PREFIX_LENGTHS || lengths.v6.size() > FW_MAX_PREFIX_LENGTHS)
    return fail(
        ErrorKind::refused,
        fmt::format("bans and allowances in force have {} prefix lengths, at most {} per "
                    "family can be looked up: unban some, or keep ban.prefix_v6",
                    lengths.v4.size() + lengths.v6.size(), std::size_t{FW_MAX_PREFIX_LENGTHS}));
  const fw_config& current = datapath_->config();
  fw_config next = compiled_.policy;
  next.seed[0] = current.seed[0];
  next.seed[1] = current.seed[1];
  next.source_mask = current.source_mask;
  next.flow_mask = current.flow_mask;
  next.entry_mask = current.entry_mask;
  next.abi_version = FW_ABI_VERSION;
  next.mode = mode_;
  write_lengths(lengths.v4, next.prefix_bits_v4, next.lengths_v4);
  write_lengths(lengths.v6, next.prefix_bits_v6, next.lengths_v6);
  return datapath_->publish(next, compiled_.ports);
}

}  // namespace fw::engine
