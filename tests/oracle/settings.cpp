// SPDX-License-Identifier: MIT
// Changes that an operator or the engine makes in a history.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "datapath/address_key.hpp"
#include "lists/image.hpp"
#include "oracle/history.hpp"

namespace fw::test {

// An operator's ban, allowance or exemption, or the end of one.
void History::change_entry() {
  const bool v6 = one_in(3);
  const unsigned v4_bits[] = {128, 120}, v6_bits[] = {128, 64, 48};
  const unsigned bits = v6 ? v6_bits[below(3)] : v4_bits[below(2)];
  const Prefix prefix{.address = masked(remote(v6), bits), .bits = bits};
  fw_env& env = datapath_.env();
  if (one_in(3)) {
    const fw_s32 index = entry_of(prefix);
    if (index >= 0) fw_policy_entry_erase(&env, static_cast<fw_u32>(index));
    model_.entries.erase(prefix);
    return;
  }
  fw_entry real{};
  real.addr = key_of(prefix.address);
  real.prefix_bits = static_cast<fw_u8>(bits);
  real.kind = static_cast<fw_u8>(one_in(2) ? unsigned{FW_ENTRY_BAN} : 1 + below(3));
  real.since_ns = now_ns_;
  real.until_ns = now_ns_ + below(20) * kSecond;
  real.hold_ms = one_in(2) ? below(10'000) : 0;
  real.ban_above = below(8);
  real.metric = static_cast<fw_u8>(below(FW_METRIC_COUNT));
  const bool restricted = real.kind == FW_ENTRY_BAN && one_in(2);
  const bool own = real.kind == FW_ENTRY_EXEMPT && one_in(2);
  real.window = static_cast<fw_u32>(now_ns_ >> FW_WINDOW_SHIFT);
  const unsigned metric = real.metric;
  real.metric |= (restricted ? FW_ENTRY_RESTRICTED : 0) | (own ? FW_ENTRY_OWN : 0);
  const fw_s32 index = fw_policy_entry_put(&env, &real, now_ns_);
  ASSERT_GE(index, 0);
  datapath_.clear_pending(static_cast<std::size_t>(index));
  model_.entries[prefix] = {.kind = real.kind,
                            .until_ns = real.until_ns,
                            .hold_ns = real.hold_ms * kMillisecond,
                            .ban_above = real.ban_above,
                            .metric = metric,
                            .by_window = {},
                            .window = now_ns_ >> FW_WINDOW_SHIFT,
                            .restricted = restricted,
                            .own = own};
}

fw_s32 History::entry_of(const Prefix& prefix) {
  for (const fw_u8 kind : {FW_ENTRY_BAN, FW_ENTRY_ALLOW, FW_ENTRY_EXEMPT}) {
    const fw_s32 index = fw_policy_entry_find(&datapath_.env(), key_of(prefix.address),
                                              static_cast<fw_u8>(prefix.bits), kind);
    if (index >= 0) return index;
  }
  return -1;
}

std::string History::entries_differ() {
  for (const auto& [prefix, entry] : model_.entries) {
    const fw_s32 index = entry_of(prefix);
    const std::uint64_t until =
        index < 0 ? 0 : datapath_.tables().entries[static_cast<std::size_t>(index)].until_ns;
    if (std::max(until, now_ns_) != std::max(entry.until_ns, now_ns_))
      return fmt::format("{} holds for {} ns more, in the model for {}", prefix.text(),
                         until - now_ns_, entry.until_ns - now_ns_);
  }
  return {};
}

void History::change_lists() {
  model_.denied.clear();
  model_.allowed.clear();
  for (unsigned n = below(4); n > 0; n--)
    (one_in(3) ? model_.allowed : model_.denied).insert(remote(one_in(3)));
  std::vector<lists::Range> deny, allow;
  for (const Address& address : model_.denied) deny.push_back({address, address});
  for (const Address& address : model_.allowed) allow.push_back({address, address});
  ASSERT_TRUE(datapath_.publish_lists(lists::build_image(deny, allow).value()));
}

// Puts a signature in force, or takes one out.
void History::change_signature() {
  const unsigned number = below(3);
  datapath::Tables tables = datapath_.tables();
  const std::uint64_t bit = 1ULL << number;
  for (fw_u64& active : tables.signature_set->active) active &= ~bit;
  if (model_.signatures.erase(number) > 0) return;

  Signature made;
  made.traffic_class = below(FW_CLASS_COUNT);
  fw_signature& real = tables.signatures[number];
  real = {};
  const auto want = [&](std::optional<unsigned>& field, unsigned value, unsigned shift,
                        std::uint64_t mask) {
    field = value;
    real.mask.word[0] |= mask << shift;
    real.value.word[0] |= std::uint64_t{value} << shift;
  };
  const bool tcp =
      made.traffic_class == FW_CLASS_TCP_SYN || made.traffic_class == FW_CLASS_TCP_STRAY;
  const bool udp =
      made.traffic_class == FW_CLASS_UDP_NEW || made.traffic_class == FW_CLASS_UDP_REFLECTED;
  if (one_in(2)) real.until_ns = made.until_ns = now_ns_ + below(20) * kSecond;
  if (one_in(2)) want(made.ttl, one_in(2) ? 255 : 64, 40, 0xff);
  if (tcp && one_in(2)) want(made.flags, one_in(2) ? kSyn : kAck, 48, 0xff);
  if ((tcp || udp) && one_in(2)) want(made.remote_port, kRemotePorts[below(3)], 16, 0xffff);
  if ((tcp || udp) && one_in(2)) want(made.local_port, kServicePorts[below(3)], 0, 0xffff);
  tables.signature_set->active[made.traffic_class] |= bit;
  model_.signatures[number] = made;
}

// Opens a listening socket, or closes one.
void History::change_listener() {
  const unsigned proto = one_in(2) ? FW_IPPROTO_UDP : FW_IPPROTO_TCP,
                 port = kServicePorts[below(3)];
  const unsigned index = port + (proto == FW_IPPROTO_UDP ? 65536 : 0);
  fw_u8& known = datapath_.tables().served[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES];
  model_.large_rcvbuf.erase({proto, port});
  if (model_.listening.erase({proto, port})) {
    known &= static_cast<fw_u8>(~(FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF));
    return;
  }
  model_.listening.insert({proto, port});
  known |= FW_PORT_LISTENS;
  if (!one_in(2)) return;
  model_.large_rcvbuf.insert({proto, port});
  known |= FW_PORT_LARGE_RCVBUF;
}

Limit History::random_limit(bool bytes) {
  Limit limit;
  const unsigned unit = bytes ? 20 : 1;
  if (!one_in(3)) {
    limit.cost_q8 = 16'000'000'000ULL / ((1ULL + below(6)) * unit);
    limit.burst = below(62'500'000);
    limit.limit_above = below(50);
  }
  if (!one_in(3)) limit.ban_above = (1 + below(4)) * unit;
  limit.peers = one_in(3);
  return limit;
}

Rule History::random_rule(unsigned number, bool strict) {
  Rule rule;
  for (unsigned m = 0; m < FW_METRIC_COUNT && strict; m++)
    rule.limits[m] = random_limit(m == FW_METRIC_BYTES);
  rule.ban_ms = 1 + below(20'000);
  rule.own = number > 0 && one_in(2);
  if (number > 1 && one_in(3)) rule.action = one_in(2) ? FW_ACTION_DROP : FW_ACTION_PASS;
  return rule;
}

void History::configure() {
  model_.observe = one_in(8);
  model_.bans_cost = one_in(5) ? 0 : 1 + below(300'000'000);
  model_.bans_burst = below(1U << 29);
  model_.unanswered_above = one_in(2) ? 1 + below(10) : 0;
  model_.rule_of_port.clear();
  const bool strict = one_in(2);  // else mostly budgets decide
  for (unsigned number = 0; number < 4; number++)
    model_.rules[number] = random_rule(number, strict);
  Rule& of_prefixes = model_.rules[FW_RULE_OF_PREFIXES] = random_rule(0, strict);
  of_prefixes.own = true;
  for (Limit& limit : of_prefixes.limits) limit.ban_above *= one_in(4) ? 4 : 0;
  model_.limit_bits_v4 = one_in(2) ? 120 : 0;
  model_.limit_bits_v6 = one_in(2) ? 48 : 0;
  for (const unsigned port : kServicePorts)
    for (const bool udp : {false, true}) model_.rule_of_port[{udp, port}] = below(4);
  for (unsigned traffic_class = 0; traffic_class < FW_CLASS_COUNT; traffic_class++) {
    const bool is_cheap = one_in(3);
    const std::uint64_t tick = is_cheap ? 250'000 : 15'625'000;  // 4 ms, or 0.25 s
    const std::uint64_t cost = one_in(4) ? 0 : tick * (1 + below(16));
    const unsigned most = is_cheap ? 300 : 12;
    model_.budget_limits[traffic_class] = {
        .cost = cost, .burst = cost * below(most), .served_burst = cost * below(most)};
  }
  publish();
}

void History::publish() {
  fw_config config = datapath_.config();
  config.abi_version = FW_ABI_VERSION;
  config.mode = model_.observe ? FW_MODE_OBSERVE : FW_MODE_ENFORCE;
  config.source_bits_v6 = static_cast<fw_u8>(model_.prefix_v6);
  config.unanswered_above = model_.unanswered_above;
  config.limit_bits_v4 = static_cast<fw_u8>(model_.limit_bits_v4);
  config.limit_bits_v6 = static_cast<fw_u8>(model_.limit_bits_v6);
  config.lengths_v4 = 2;
  config.lengths_v6 = 3;
  const fw_u8 v4[] = {128, 120}, v6[] = {128, 64, 48};
  std::copy(std::begin(v4), std::end(v4), config.prefix_bits_v4);
  std::copy(std::begin(v6), std::end(v6), config.prefix_bits_v6);
  config.bans_cost = static_cast<fw_u32>(model_.bans_cost);
  config.bans_burst = static_cast<fw_u32>(model_.bans_burst);
  for (const auto& [number, rule] : model_.rules) {
    fw_rule& real = config.rule[number];
    real = {};
    for (unsigned m = 0; m < FW_METRIC_COUNT; m++)
      real.limit[m] = {.cost_q8 = rule.limits[m].cost_q8,
                       .burst = static_cast<fw_u32>(rule.limits[m].burst),
                       .ban_above = rule.limits[m].ban_above,
                       .limit_above = rule.limits[m].limit_above,
                       .peers = rule.limits[m].peers ? 1U : 0U};
    real.ban_ms = static_cast<fw_u32>(rule.ban_ms);
    real.action = static_cast<fw_u8>(rule.action);
    real.own = rule.own;
  }
  for (const auto& [traffic_class, budget] : model_.budget_limits)
    config.budget[traffic_class] = {.cost = static_cast<fw_u32>(budget.cost),
                                    .burst = static_cast<fw_u32>(budget.burst),
                                    .served_burst = static_cast<fw_u32>(budget.served_burst),
                                    .limit = 1};
  for (const auto& [port, number] : model_.rule_of_port) {
    const unsigned index = port.second + (port.first ? 65536 : 0);
    ports_[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] = static_cast<fw_u8>(number);
  }
  ASSERT_TRUE(datapath_.publish(config, ports_));
}

}  // namespace fw::test
