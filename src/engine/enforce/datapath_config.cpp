// SPDX-License-Identifier: MIT
#include "engine/enforce/datapath_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "datapath/datapath.hpp"

namespace fw::engine {
namespace {

constexpr unsigned kV4PrefixBits = 96;  // of an IPv4 address as a 128-bit key (RFC 4291, 2.5.5.2)

// The longest first: single addresses are by far the most.
void write_lengths(const std::set<unsigned>& lengths, fw_u8 (&bits)[FW_MAX_PREFIX_LENGTHS],
                   fw_u8& count) {
  std::ranges::fill(bits, fw_u8{0});
  count = 0;
  for (auto at = lengths.rbegin(); at != lengths.rend(); ++at)
    bits[count++] = static_cast<fw_u8>(*at);
}

}  // namespace

std::string in_words(const std::set<unsigned>& lengths, bool v4) {
  std::vector<std::string> words;
  words.reserve(lengths.size());
  for (const unsigned bits : lengths)
    words.push_back(fmt::format("/{}", v4 ? bits - kV4PrefixBits : bits));
  return fmt::format("{}", fmt::join(words, " "));
}

Result<void> DatapathConfig::publish(const config::Compiled& compiled, std::uint8_t mode,
                                     const PrefixLengths& entries) {
  PrefixLengths lengths = always_needed(compiled);
  lengths.add(entries);
  if (!lengths.fit())
    return fail(
        ErrorKind::refused,
        fmt::format("bans and allowances in force have {} prefix lengths, at most {} per "
                    "family can be looked up: unban some, or keep ban.prefix_v6",
                    lengths.v4.size() + lengths.v6.size(), std::size_t{FW_MAX_PREFIX_LENGTHS}));
  if (Result<void> written = write(compiled, mode, lengths); !written) return written;
  compiled_ = compiled;
  mode_ = mode;
  return {};
}

Result<void> DatapathConfig::publish_lengths(const PrefixLengths& lengths) {
  return write(compiled_, mode_, lengths);
}

PrefixLengths DatapathConfig::listed() const {
  const fw_config& config = datapath_->config();
  return {.v4 = {config.prefix_bits_v4, config.prefix_bits_v4 + config.lengths_v4},
          .v6 = {config.prefix_bits_v6, config.prefix_bits_v6 + config.lengths_v6}};
}

PrefixLengths DatapathConfig::always_needed(const config::Compiled& compiled) {
  const fw_config& policy = compiled.policy;
  PrefixLengths lengths{.v4 = {128}, .v6 = {128, policy.source_bits_v6}};
  if (std::ranges::any_of(policy.rule[FW_RULE_OF_PREFIXES].limit, &fw_limit::ban_above)) {
    lengths.v4.insert(policy.limit_bits_v4);
    lengths.v6.insert(policy.limit_bits_v6);
  }
  return lengths;
}

Result<void> DatapathConfig::write(const config::Compiled& compiled, std::uint8_t mode,
                                   const PrefixLengths& lengths) {
  const fw_config& current = datapath_->config();
  fw_config next = compiled.policy;
  next.seed[0] = current.seed[0];
  next.seed[1] = current.seed[1];
  std::ranges::copy(current.challenge_seed, next.challenge_seed);
  next.source_mask = current.source_mask;
  next.flow_mask = current.flow_mask;
  next.entry_mask = current.entry_mask;
  next.abi_version = FW_ABI_VERSION;
  next.mode = mode;
  write_lengths(lengths.v4, next.prefix_bits_v4, next.lengths_v4);
  write_lengths(lengths.v6, next.prefix_bits_v6, next.lengths_v6);
  return datapath_->publish(next, compiled.ports);
}

}  // namespace fw::engine
