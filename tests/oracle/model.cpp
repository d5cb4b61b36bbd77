// SPDX-License-Identifier: MIT
#include "oracle/model.hpp"

#include <algorithm>
#include <utility>

namespace fw::test {
namespace {

constexpr unsigned kVerifiedIdleWindows = 560;  // 10 minutes
constexpr unsigned kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58;

std::uint64_t window_of(std::uint64_t now_ns) {
  return now_ns / (1ULL << 30);
}
std::uint64_t tick_of(std::uint64_t now_ns) {
  return now_ns / 16;
}

bool is_echo_request(const Said& said) {
  return said.local.is_v4() ? said.proto == kIcmp && said.icmp_type == 8
                            : said.proto == kIcmp6 && said.icmp_type == 128;
}

bool asks_to_connect(const Said& said) {
  return said.proto == kTcp && (said.flags & FW_TCP_SYN) != 0 && (said.flags & FW_TCP_ACK) == 0;
}

bool has_ports(const Said& said) {
  return said.proto == kTcp || said.proto == kUdp;
}

// What is in this window, and the share of the one before that a second reaches back into.
std::uint64_t sliding(const std::map<std::uint64_t, std::uint64_t>& by_window,
                      std::uint64_t now_ns) {
  const auto at = [&](std::uint64_t window) {
    const auto found = by_window.find(window);
    return found == by_window.end() ? 0 : found->second;
  };
  const std::uint64_t window = window_of(now_ns);
  const std::uint64_t left = 1024 - now_ns / (1 << 20) % 1024;  // 1024ths of this window to come
  return at(window) + at(window - 1) * left / 1024;
}

unsigned class_of(const Said& said, bool is_known, bool is_answer) {
  if (said.later_fragment) return FW_CLASS_FRAGMENT;
  if (said.proto == kTcp) {
    if (asks_to_connect(said)) return FW_CLASS_TCP_SYN;
    return is_known ? FW_CLASS_TCP_FLOW : FW_CLASS_TCP_STRAY;
  }
  if (said.proto == kUdp) {
    if (is_answer) return FW_CLASS_UDP_REPLY;
    const bool looks_like_an_answer = said.remote_port == 53 || said.remote_port == 123;
    return !is_known && looks_like_an_answer ? FW_CLASS_UDP_REFLECTED : FW_CLASS_UDP_NEW;
  }
  if (is_echo_request(said)) return FW_CLASS_ICMP_ECHO;
  return said.proto == kIcmp || said.proto == kIcmp6 ? FW_CLASS_ICMP_OTHER : FW_CLASS_OTHER;
}

// Every metric that a packet of this class counts under, and with how much.
std::map<unsigned, std::uint64_t> metrics_of(unsigned traffic_class, const Said& said) {
  std::map<unsigned, std::uint64_t> units{{FW_METRIC_PACKETS, 1},
                                          {FW_METRIC_BYTES, (said.frame_bytes + 15) / 16}};
  if (traffic_class == FW_CLASS_TCP_SYN) units[FW_METRIC_SYN] = 1;
  if (traffic_class == FW_CLASS_UDP_NEW || traffic_class == FW_CLASS_UDP_REFLECTED)
    units[FW_METRIC_UDP] = 1;
  if (traffic_class == FW_CLASS_ICMP_ECHO || traffic_class == FW_CLASS_ICMP_OTHER)
    units[FW_METRIC_ICMP] = 1;
  return units;
}

}  // namespace

bool Model::Bucket::pour(std::uint64_t tick, std::uint64_t cost, std::uint64_t burst) {
  level -= std::min(level, tick - at_tick);
  at_tick = tick;
  if (level > burst) return false;
  level += cost;
  return true;
}

void Model::Bucket::scoop(std::uint64_t tick, std::uint64_t cost) {
  level -= std::min(level, tick - at_tick);
  at_tick = tick;
  level -= std::min(level, cost);
}

Model::SourceKey Model::key_of(const Said& said, unsigned rule, bool verified) const {
  const auto found = rules.find(rule);
  return {source_of(said.remote), found != rules.end() && found->second.own ? rule : 0, verified};
}

std::optional<Model::SourceKey> Model::prefix_key_of(const Said& said, bool verified) const {
  const unsigned bits = said.remote.is_v4() ? limit_bits_v4 : limit_bits_v6;
  if (bits == 0) return std::nullopt;
  const Prefix prefix{.address = masked(said.remote, bits), .bits = bits};
  return SourceKey{prefix, FW_RULE_OF_PREFIXES, verified};
}

bool Model::is_verified_elsewhere(const SourceKey& key, std::uint64_t now_ns) const {
  const auto twin = sources_.find({std::get<0>(key), std::get<1>(key), true});
  return twin != sources_.end() &&
         window_of(now_ns) < twin->second.seen_window + kVerifiedIdleWindows;
}

void Model::begin_window(Source& source, bool fresh, std::uint64_t now_ns) const {
  const std::uint64_t window = window_of(now_ns);
  if (!fresh && source.seen_window != window) {
    source.drawn = 0;
    if (source.quiet_windows < 15 && under_load_until_ns_ <= now_ns) source.quiet_windows++;
  }
  source.seen_window = window;
}

Prefix Model::source_of(const Address& address) const {
  const unsigned bits = address.is_v4() ? 128 : prefix_v6;
  return {.address = masked(address, bits), .bits = bits};
}

Verdict Model::arrives(const Said& said, std::uint64_t now_ns) {
  reports.clear();
  Verdict verdict;
  verdict.reason = judge(said, now_ns, verdict);
  static const std::set<unsigned> drops{FW_REASON_DENY,      FW_REASON_BAN,   FW_REASON_CLOSED,
                                        FW_REASON_SIGNATURE, FW_REASON_LIMIT, FW_REASON_BUDGET};
  verdict.drop = !observe && drops.contains(verdict.reason);
  if (verdict.asks && !verdict.drop) ask(said, now_ns);
  return verdict;
}

// What reaches a UDP port begins a conversation, or a turn of one.
void Model::ask(const Said& said, std::uint64_t now_ns) {
  const Key key{said.remote, said.remote_port, said.local, said.local_port, said.proto};
  const auto [talk, is_new] = conversations_.try_emplace(key);
  if (is_new) talk->second.since_window = window_of(now_ns);
  talk->second.state = Conversation::State::asked;
}

unsigned Model::judge(const Said& said, std::uint64_t now_ns, Verdict& verdict) {
  if (!said.local.is_v4() && said.proto == kIcmp6 && said.ttl == 255 && said.icmp_type >= 133 &&
      said.icmp_type <= 137 && !said.later_fragment)
    return FW_REASON_LINK;

  Entry* strongest = nullptr;  // of equal ones the longest prefix
  unsigned bits = 0;
  for (auto& [prefix, entry] : entries) {
    if (!prefix.contains(said.remote) || now_ns >= entry.until_ns) continue;
    if (strongest != nullptr &&
        std::pair(entry.kind, prefix.bits) < std::pair(strongest->kind, bits))
      continue;
    strongest = &entry;
    bits = prefix.bits;
  }
  if (strongest != nullptr && strongest->kind == FW_ENTRY_EXEMPT) return FW_REASON_EXEMPT;
  if (strongest != nullptr && strongest->kind == FW_ENTRY_ALLOW) return FW_REASON_ALLOW;
  if (allowed.contains(said.remote)) return FW_REASON_ALLOW;
  if (denied.contains(said.remote)) return FW_REASON_DENY;
  if (strongest != nullptr) {
    renew(*strongest, said, now_ns);
    return FW_REASON_BAN;
  }

  if (has_ports(said) && !said.later_fragment) {
    const auto found = rule_of_port.find({said.proto == kUdp, said.local_port});
    if (found != rule_of_port.end()) verdict.rule = found->second;
  }
  if (rules[verdict.rule].action == FW_ACTION_DROP) return FW_REASON_CLOSED;
  if (rules[verdict.rule].action == FW_ACTION_PASS) return FW_REASON_OPEN;

  const Standing peer = standing(said, now_ns);
  verdict.asks = peer == Standing::unknown && said.proto == kUdp && !said.later_fragment;
  verdict.traffic_class = class_of(said, peer != Standing::unknown, peer == Standing::answers);
  if (verdict.traffic_class == FW_CLASS_UDP_REFLECTED && served_.contains({kUdp, said.local_port}))
    verdict.traffic_class = FW_CLASS_UDP_NEW;
  const bool matches = std::ranges::any_of(signatures, [&](const auto& each) {
    return each.second.traffic_class == verdict.traffic_class && each.second.matches(said);
  });
  if (peer == Standing::unknown && matches &&
      !is_verified_elsewhere(key_of(said, verdict.rule, false), now_ns))
    return FW_REASON_SIGNATURE;
  const bool verified = peer != Standing::unknown;
  const SourceKey key = key_of(said, verdict.rule, verified);
  if (is_over_limit(said, verdict.traffic_class, key, verdict.rule, peer, now_ns))
    return FW_REASON_LIMIT;
  const auto around = prefix_key_of(said, verified);
  if (around &&
      is_over_limit(said, verdict.traffic_class, *around, FW_RULE_OF_PREFIXES, peer, now_ns))
    return FW_REASON_LIMIT;
  if (peer != Standing::unknown) return FW_REASON_VERIFIED;
  return is_over_budget(said, verdict, now_ns) ? FW_REASON_BUDGET : FW_REASON_PASS;
}

void Model::renew(Entry& entry, const Said& said, std::uint64_t now_ns) const {
  const auto units = metrics_of(class_of(said, false, false), said);
  const auto counted = units.find(entry.metric);
  entry.by_window[window_of(now_ns)] += counted == units.end() ? 0 : counted->second;
  if (entry.hold_ns != 0 && entry.ban_above != 0 &&
      sliding(entry.by_window, now_ns) > entry.ban_above)
    entry.until_ns = std::max(entry.until_ns, now_ns + entry.hold_ns);
}

Model::Standing Model::standing(const Said& said, std::uint64_t now_ns) {
  const std::uint64_t window = window_of(now_ns);
  using State = Conversation::State;
  if (said.later_fragment || is_echo_request(said)) return Standing::unknown;
  if (said.proto == kTcp && !sees_what_leaves_) return goes_on(said, now_ns);
  if (asks_to_connect(said)) return Standing::unknown;
  const Key key{said.remote, has_ports(said) ? said.remote_port : 0, said.local,
                has_ports(said) ? said.local_port : 0, said.proto};
  const auto found = conversations_.find(key);
  if (found == conversations_.end()) return Standing::unknown;
  Conversation& talk = found->second;
  if (said.proto == kTcp) {
    const std::uint32_t ahead = said.ack - talk.first;  // modulo 2^32, as sequence numbers are
    if (talk.state == State::offered && (said.flags & FW_TCP_ACK) != 0 && ahead != 0 &&
        ahead <= talk.end - talk.first) {
      talk.state = State::verified;
      refund(said, FW_CLASS_TCP_SYN, FW_METRIC_SYN, now_ns);
    }
    return talk.state == State::verified ? Standing::verified : Standing::unknown;
  }
  if (talk.state == State::verified) return Standing::verified;
  if (talk.state == State::spoken) return Standing::answers;
  const bool long_enough = talk.turns >= 4 && window >= talk.since_window + 2;
  if (long_enough) talk.state = State::verified;
  return long_enough ? Standing::verified : Standing::unknown;
}

Model::Standing Model::goes_on(const Said& said, std::uint64_t now_ns) {
  using State = Conversation::State;
  constexpr std::uint32_t kMostUnseen = 4U << 20;
  const bool opens = asks_to_connect(said);
  if (!opens && ((said.flags & FW_TCP_ACK) == 0 || (said.flags & (FW_TCP_SYN | FW_TCP_RST)) != 0))
    return Standing::unknown;
  const Key key{said.remote, said.remote_port, said.local, said.local_port, said.proto};
  const auto [found, is_new] = conversations_.try_emplace(key);
  Conversation& talk = found->second;
  if (!is_new && !opens) {
    if (talk.state == State::answered) return Standing::answers;
    const auto& before = talk.acknowledged;
    const bool more = !before || (said.ack != *before && said.ack - *before <= kMostUnseen);
    if (said.seq == talk.end && more) {
      talk.state = State::answered;
      if (!before) served_.insert({kTcp, said.local_port});
      if (before)
        refund(said, FW_CLASS_TCP_STRAY, FW_METRIC_COUNT, now_ns);
      else
        refund(said, FW_CLASS_TCP_SYN, FW_METRIC_SYN, now_ns);
      return Standing::answers;
    }
  }
  talk = {.state = State::asked, .end = said.seq + said.payload_bytes + (opens ? 1 : 0)};
  if (!opens) talk.acknowledged = said.ack;
  return Standing::unknown;
}

void Model::leaves(const Said& said, std::uint64_t now_ns) {
  using State = Conversation::State;
  sees_what_leaves_ = true;
  if (said.later_fragment) return;
  if ((said.proto == kIcmp || said.proto == kIcmp6) && !is_echo_request(said)) return;
  const Key key{said.remote, has_ports(said) ? said.remote_port : 0, said.local,
                has_ports(said) ? said.local_port : 0, said.proto};
  const auto found = conversations_.find(key);
  const bool is_new = found == conversations_.end();
  if (said.proto != kTcp) {
    if (is_new) {
      conversations_[key] = {.state = State::spoken, .since_window = window_of(now_ns)};
    } else if (found->second.state == State::asked || found->second.state == State::answered) {
      if (said.proto == kUdp) {
        served_.insert({kUdp, said.local_port});
        refund(said, FW_CLASS_UDP_NEW, FW_METRIC_UDP, now_ns);
      }
      if (found->second.state == State::asked) found->second.turns++;
      found->second.state = State::answered;
    }
    return;
  }
  if ((said.flags & FW_TCP_SYN) != 0) {
    if ((said.flags & FW_TCP_ACK) != 0) served_.insert({kTcp, said.local_port});
    conversations_[key] = {.state = State::offered, .first = said.seq, .end = said.seq + 1};
  } else if (is_new || found->second.state == State::asked ||
             found->second.state == State::answered) {
    if ((said.flags & FW_TCP_RST) != 0) return;
    conversations_[key] = {
        .state = State::offered, .first = said.seq - 1, .end = said.seq + said.payload_bytes};
    refund(said, FW_CLASS_TCP_STRAY, FW_METRIC_COUNT, now_ns);  // it stood already: no stray
  } else if (found->second.state == State::offered) {
    Conversation& talk = found->second;
    const std::uint32_t end = said.seq + said.payload_bytes;
    if (end - talk.first < (4U << 20) && end - talk.first > talk.end - talk.first) talk.end = end;
  }
}

void Model::note(const Said& said, unsigned traffic_class, Source& source, std::uint64_t now_ns) {
  source.noted = metrics_of(traffic_class, said);
  source.noted_ns = now_ns >> 20 << 20;
  for (const auto& [metric, units] : source.noted)
    source.by_window.at(metric)[window_of(now_ns)] = units;
}

Model::Excess Model::meter(const Said& said, unsigned traffic_class, unsigned rule, Source& source,
                           std::uint64_t now_ns) const {
  Excess excess;
  for (const auto& [metric, units] : std::exchange(source.noted, {}))
    source.buckets.at(metric).pour(tick_of(source.noted_ns),
                                   units * rules.at(rule).limits.at(metric).cost_q8 / 256, 0);
  for (const auto& [metric, units] : metrics_of(traffic_class, said)) {
    const Limit& limit = rules.at(rule).limits.at(metric);
    source.by_window.at(metric)[window_of(now_ns)] += units;
    const std::uint64_t value = sliding(source.by_window.at(metric), now_ns);
    const bool bannable = limit.ban_above != 0 && value > limit.ban_above;
    const bool over = bannable || (limit.cost_q8 != 0 &&
                                   !source.buckets.at(metric).pour(
                                       tick_of(now_ns), units * limit.cost_q8 / 256, limit.burst));
    if (!over) continue;
    if (bannable ? !excess.ban : !excess.limit && !excess.ban)
      excess.report = {.metric = metric,
                       .value = static_cast<unsigned>(value),
                       .limit = bannable ? limit.ban_above : limit.limit_above};
    excess.limit = true;
    excess.ban = excess.ban || bannable;
  }
  return excess;
}

bool Model::is_over_limit(const Said& said, unsigned traffic_class, const SourceKey& key,
                          unsigned rule, Standing peer, std::uint64_t now_ns) {
  if (is_special(said.remote)) return false;
  const std::uint64_t window = window_of(now_ns);
  const bool may_be_forged = peer == Standing::unknown && is_verified_elsewhere(key, now_ns);

  const auto [at, fresh] = sources_.try_emplace(key);
  Source& source = at->second;
  begin_window(source, fresh, now_ns);
  if (fresh) {
    note(said, traffic_class, source, now_ns);
    return false;
  }
  Excess excess = meter(said, traffic_class, rule, source, now_ns);
  if (!excess.limit) return false;

  const bool is_news = !source.over_last || window > *source.over_last + 10;
  if (!source.over_last || window > *source.over_last + 1) source.over_since = window;
  source.over_last = window;
  const bool lasts = window - source.over_since.value_or(window) >= 3;
  if (excess.ban && !may_be_forged && (peer == Standing::verified || lasts)) {
    if (ban(std::get<0>(key), excess.report, rule, now_ns)) {
      excess.report.kind = FW_EVENT_BAN;
      reports.push_back(excess.report);
      return true;
    }
    bans_not_made++;
  }
  if (is_news) {
    excess.report.kind = FW_EVENT_LIMIT;
    reports.push_back(excess.report);
  }
  return true;
}

bool Model::ban(const Prefix& prefix, const Report& report, unsigned rule, std::uint64_t now_ns) {
  if (bans_cost == 0) return false;
  const std::uint64_t passed = tick_of(now_ns) - bans_made_.at_tick;
  if (bans_made_.level > passed + bans_burst + bans_cost) bans_made_.level = 0;  // of an old cap
  if (!bans_made_.pour(tick_of(now_ns), bans_cost, bans_burst)) return false;
  const auto found = entries.find(prefix);
  if (found != entries.end() && found->second.until_ns > now_ns) return false;
  const std::uint64_t hold_ns = rules[rule].ban_ms * 1'000'000;
  entries[prefix] = {.kind = FW_ENTRY_BAN,
                     .until_ns = now_ns + hold_ns,
                     .hold_ns = hold_ns,
                     .ban_above = report.limit,
                     .metric = report.metric};
  return true;
}

}  // namespace fw::test
