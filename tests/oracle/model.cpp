// SPDX-License-Identifier: MIT
// The model of lists, entries, flows and limits.
#include "oracle/model.hpp"

#include <algorithm>
#include <utility>

namespace fw::test {
namespace {

constexpr unsigned kVerifiedIdleWindows = 560;  // 10 minutes

std::uint64_t window_of(std::uint64_t now_ns) {
  return now_ns / (1ULL << 30);
}
std::uint64_t tick_of(std::uint64_t now_ns) {
  return now_ns / 16;
}

bool is_echo_request(const Datagram& datagram) {
  return datagram.local.is_v4() ? datagram.proto == FW_IPPROTO_ICMP && datagram.icmp_type == 8
                                : datagram.proto == FW_IPPROTO_ICMPV6 && datagram.icmp_type == 128;
}

bool is_syn(const Datagram& datagram) {
  return datagram.proto == FW_IPPROTO_TCP && (datagram.flags & FW_TCP_SYN) != 0 &&
         (datagram.flags & FW_TCP_ACK) == 0;
}

bool has_ports(const Datagram& datagram) {
  return datagram.proto == FW_IPPROTO_TCP || datagram.proto == FW_IPPROTO_UDP;
}

// The sliding-window count: this window, and of the one before the share less than a window old.
std::uint64_t sliding(const std::map<std::uint64_t, std::uint64_t>& by_window,
                      std::uint64_t now_ns) {
  const auto at = [&](std::uint64_t window) {
    const auto found = by_window.find(window);
    return found == by_window.end() ? 0 : found->second;
  };
  const std::uint64_t window = window_of(now_ns);
  const std::uint64_t left =
      1024 - now_ns / (1 << 20) % 1024;  // 1024ths of this window that are left
  return at(window) + at(window - 1) * left / 1024;
}

unsigned class_of(const Datagram& datagram, bool is_known, bool is_answer) {
  if (datagram.later_fragment) return FW_CLASS_FRAGMENT;
  if (datagram.proto == FW_IPPROTO_TCP) {
    if (is_syn(datagram)) return FW_CLASS_TCP_SYN;
    return is_known ? FW_CLASS_TCP_FLOW : FW_CLASS_TCP_STRAY;
  }
  if (datagram.proto == FW_IPPROTO_UDP) {
    if (is_answer) return FW_CLASS_UDP_REPLY;
    const bool looks_like_an_answer = datagram.remote_port == 53 || datagram.remote_port == 123;
    return !is_known && looks_like_an_answer ? FW_CLASS_UDP_REFLECTED : FW_CLASS_UDP_NEW;
  }
  if (is_echo_request(datagram)) return FW_CLASS_ICMP_ECHO;
  return datagram.proto == FW_IPPROTO_ICMP || datagram.proto == FW_IPPROTO_ICMPV6
             ? FW_CLASS_ICMP_OTHER
             : FW_CLASS_OTHER;
}

// The metrics that a datagram of this class is metered under, with its units in each.
std::map<unsigned, std::uint64_t> metrics_of(unsigned traffic_class, const Datagram& datagram) {
  std::map<unsigned, std::uint64_t> units{{FW_METRIC_PACKETS, 1},
                                          {FW_METRIC_BYTES, (datagram.frame_bytes + 15) / 16}};
  if (traffic_class == FW_CLASS_TCP_SYN) units[FW_METRIC_SYN] = 1;
  if (traffic_class == FW_CLASS_UDP_NEW || traffic_class == FW_CLASS_UDP_REFLECTED)
    units[FW_METRIC_UDP] = 1;
  if (traffic_class == FW_CLASS_ICMP_ECHO || traffic_class == FW_CLASS_ICMP_OTHER)
    units[FW_METRIC_ICMP] = 1;
  return units;
}

}  // namespace

void Model::Bucket::advance(std::uint64_t tick) {
  used -= std::min(used, tick - at_tick);
  at_tick = tick;
}

bool Model::Bucket::admit(std::uint64_t tick, std::uint64_t cost, std::uint64_t burst) {
  advance(tick);
  if (used > burst) return false;
  used += cost;
  return true;
}

void Model::Bucket::refund(std::uint64_t tick, std::uint64_t cost) {
  advance(tick);
  used -= std::min(used, cost);
}

Model::SourceKey Model::key_of(const Datagram& datagram, unsigned rule, bool verified) const {
  const auto found = rules.find(rule);
  return {source_of(datagram.remote), found != rules.end() && found->second.own ? rule : 0,
          verified};
}

std::optional<Model::SourceKey> Model::prefix_key_of(const Datagram& datagram,
                                                     bool verified) const {
  const unsigned bits = datagram.remote.is_v4() ? limit_bits_v4 : limit_bits_v6;
  if (bits == 0 || (!datagram.remote.is_v4() && is_link_local(datagram.remote)))
    return std::nullopt;
  const Prefix prefix{.address = masked(datagram.remote, bits), .bits = bits};
  return SourceKey{prefix, FW_RULE_OF_PREFIXES, verified};
}

bool Model::has_verified_entry(const SourceKey& key, std::uint64_t now_ns) const {
  const auto verified_entry = sources_.find({std::get<0>(key), std::get<1>(key), true});
  return verified_entry != sources_.end() &&
         window_of(now_ns) < verified_entry->second.seen_window + kVerifiedIdleWindows;
}

void Model::begin_window(Source& source, bool is_new, unsigned traffic_class,
                         std::uint64_t now_ns) {
  const std::uint64_t window = window_of(now_ns);
  if (!is_new && source.seen_window != window) {
    source.taken = 0;
    if (source.age < 15 && under_load_until_ns_[traffic_class] <= now_ns) source.age++;
  }
  source.seen_window = window;
}

Prefix Model::source_of(const Address& address) const {
  const unsigned bits = address.is_v4() || is_link_local(address) ? 128 : prefix_v6;
  return {.address = masked(address, bits), .bits = bits};
}

Verdict Model::arrives(const Datagram& datagram, std::uint64_t now_ns) {
  reports.clear();
  Verdict verdict;
  verdict.reason = judge(datagram, now_ns, verdict);
  static const std::set<unsigned> drops{FW_REASON_DENY,      FW_REASON_BAN,    FW_REASON_CLOSED,
                                        FW_REASON_SIGNATURE, FW_REASON_LIMIT,  FW_REASON_BUDGET,
                                        FW_REASON_RESTRICT,  FW_REASON_SPOOFED};
  verdict.drop = !observe && drops.contains(verdict.reason);
  if (verdict.begins_flow && !verdict.drop) record_question(datagram, now_ns);
  return verdict;
}

// A UDP datagram that reaches this host begins a flow, or the next exchange of one.
void Model::record_question(const Datagram& datagram, std::uint64_t now_ns) {
  const FlowKey key{datagram.remote, datagram.remote_port, datagram.local, datagram.local_port,
                    datagram.proto};
  const auto [found, is_new] = flows_.try_emplace(key);
  if (is_new) found->second.first_window = window_of(now_ns);
  found->second.state = Flow::State::unanswered;
}

unsigned Model::judge(const Datagram& datagram, std::uint64_t now_ns, Verdict& verdict) {
  if (!datagram.local.is_v4() && datagram.proto == FW_IPPROTO_ICMPV6 && datagram.ttl == 255 &&
      datagram.icmp_type >= 133 && datagram.icmp_type <= 137 && !datagram.later_fragment)
    return FW_REASON_LINK;

  is_restricted_ = is_exempt_ = completed_ = false;
  Entry* strongest = nullptr;  // of two of one standing, that of the longer prefix
  unsigned strongest_bits = 0;
  for (auto& [prefix, entry] : entries) {
    if (!prefix.contains(datagram.remote) || now_ns >= entry.until_ns) continue;
    if (strongest != nullptr && std::pair(standing_of(entry), prefix.bits) <
                                    std::pair(standing_of(*strongest), strongest_bits))
      continue;
    strongest = &entry;
    strongest_bits = prefix.bits;
  }
  const Standing standing = strongest == nullptr ? Standing::none : standing_of(*strongest);
  is_exempt_ = standing >= Standing::exempt;
  if (!is_exempt_) {
    if (standing == Standing::allowed || allowed.contains(datagram.remote)) return FW_REASON_ALLOW;
    if (denied.contains(datagram.remote)) return FW_REASON_DENY;
    if (standing == Standing::banned) {
      renew(*strongest, datagram, now_ns);
      return FW_REASON_BAN;
    }
    is_restricted_ = standing == Standing::restricted;
  }

  if (has_ports(datagram) && !datagram.later_fragment) {
    const auto found = rule_of_port.find({datagram.proto == FW_IPPROTO_UDP, datagram.local_port});
    if (found != rule_of_port.end()) verdict.rule = found->second;
  }
  const unsigned action = rules[verdict.rule].action;
  if (action == FW_ACTION_DROP && !is_exempt_) return FW_REASON_CLOSED;
  if (action == FW_ACTION_PASS && !is_restricted_ && standing != Standing::own)
    return FW_REASON_OPEN;

  const Peer peer = peer_of(datagram, now_ns);
  verdict.begins_flow =
      peer == Peer::unknown && datagram.proto == FW_IPPROTO_UDP && !datagram.later_fragment;
  verdict.traffic_class = class_of(datagram, peer != Peer::unknown, peer == Peer::answers);
  if (verdict.traffic_class == FW_CLASS_UDP_REFLECTED &&
      served_.contains({FW_IPPROTO_UDP, datagram.local_port}))
    verdict.traffic_class = FW_CLASS_UDP_NEW;
  if (quotes_flow(datagram) && quotes_.admit(tick_of(now_ns), 62'500, 62'500'000))
    return FW_REASON_QUOTE;
  if (is_restricted_ || is_exempt_)
    if (const auto reason =
            judge_standing(*strongest, datagram, verdict.traffic_class, peer, completed_, now_ns))
      return *reason;
  const bool matches = std::ranges::any_of(signatures, [&](const auto& each) {
    return each.second.traffic_class == verdict.traffic_class && each.second.matches(datagram) &&
           (each.second.until_ns == 0 || now_ns < each.second.until_ns);
  });
  if (peer == Peer::unknown && matches &&
      !has_verified_entry(key_of(datagram, verdict.rule, false), now_ns))
    return FW_REASON_SIGNATURE;
  const bool verified = peer == Peer::verified;
  const SourceKey key = key_of(datagram, verdict.rule, verified);
  if (is_over_limit(datagram, verdict.traffic_class, key, verdict.rule, peer, now_ns))
    return FW_REASON_LIMIT;
  const auto prefix_key = prefix_key_of(datagram, verified);
  if (prefix_key && is_over_limit(datagram, verdict.traffic_class, *prefix_key, FW_RULE_OF_PREFIXES,
                                  peer, now_ns))
    return FW_REASON_LIMIT;
  if (peer != Peer::unknown) return FW_REASON_VERIFIED;
  return is_over_budget(datagram, verdict, now_ns) ? FW_REASON_BUDGET : FW_REASON_PASS;
}

Model::Standing Model::standing_of(const Entry& entry) {
  if (entry.kind == FW_ENTRY_BAN) return entry.restricted ? Standing::restricted : Standing::banned;
  if (entry.kind == FW_ENTRY_ALLOW) return Standing::allowed;
  return entry.own ? Standing::own : Standing::exempt;
}

std::optional<unsigned> Model::judge_standing(Entry& entry, const Datagram& datagram,
                                              unsigned traffic_class, Peer peer, bool completes,
                                              std::uint64_t now_ns) {
  if (is_restricted_) {
    std::uint64_t& counted = entry.by_window[entry.window];
    if (completes && entry.metric == FW_METRIC_SYN && counted > 0) counted--;
    if (peer != Peer::unknown) return std::nullopt;
    renew(entry, datagram, now_ns);
    return FW_REASON_RESTRICT;
  }
  if (!entry.own && peer != Peer::unknown) return FW_REASON_EXEMPT;
  const unsigned kind =
      traffic_class == FW_CLASS_TCP_SYN                                              ? 0
      : traffic_class == FW_CLASS_TCP_STRAY                                          ? 1
      : traffic_class == FW_CLASS_UDP_NEW || traffic_class == FW_CLASS_UDP_REFLECTED ? 2
                                                                                     : 3;
  const bool passes = exempt_.at(kind).admit(tick_of(now_ns), 125'000, 31'250'000);
  const bool to_own = std::ranges::any_of(entries, [&](const auto& each) {
    return each.first.contains(datagram.local) && now_ns < each.second.until_ns &&
           standing_of(each.second) == Standing::own;
  });
  if (entry.own && to_own) return FW_REASON_SPOOFED;
  if (passes) return FW_REASON_EXEMPT;
  return entry.own ? std::optional<unsigned>(FW_REASON_SPOOFED) : std::nullopt;
}

bool Model::is_left_unanswered(const Datagram& datagram, unsigned traffic_class,
                               const Source& source, Peer peer, std::uint64_t now_ns) const {
  constexpr unsigned kMostUnrefunded = 15;
  if (peer != Peer::unknown || traffic_class != FW_CLASS_UDP_NEW) return false;
  if (source.unrefunded != kMostUnrefunded) return false;
  if (!served_.contains({FW_IPPROTO_UDP, datagram.local_port})) return false;
  const auto sent = sent_epochs_.find(datagram.local_port);
  const unsigned epoch = sent == sent_epochs_.end() ? 0 : sent->second;
  return (window_of(now_ns) / 4 - epoch) % 32 <= 1;
}

void Model::renew(Entry& entry, const Datagram& datagram, std::uint64_t now_ns) const {
  const auto units = metrics_of(class_of(datagram, false, false), datagram);
  const auto counted = units.find(entry.metric);
  entry.window = window_of(now_ns);
  entry.by_window[window_of(now_ns)] += counted == units.end() ? 0 : counted->second;
  if (entry.hold_ns != 0 && entry.ban_above != 0 &&
      sliding(entry.by_window, now_ns) > entry.ban_above)
    entry.until_ns = std::max(entry.until_ns, now_ns + entry.hold_ns);
}

// Is the datagram an ICMP error about a flow that this host answered or began?
bool Model::quotes_flow(const Datagram& datagram) const {
  if (!datagram.quoted || datagram.later_fragment) return false;
  const bool v4 = datagram.local.is_v4();
  if (datagram.proto != (v4 ? FW_IPPROTO_ICMP : FW_IPPROTO_ICMPV6)) return false;
  if (datagram.icmp_type != (v4 ? 3 : 1)) return false;
  const Datagram::Quoted& of = *datagram.quoted;
  const bool ports = of.proto == FW_IPPROTO_TCP || of.proto == FW_IPPROTO_UDP;
  const auto found = flows_.find(
      {of.remote, ports ? of.remote_port : 0, datagram.local, ports ? of.local_port : 0, of.proto});
  return found != flows_.end() && found->second.state != Flow::State::unanswered &&
         (of.proto != FW_IPPROTO_TCP || found->second.state != Flow::State::replied);
}

Model::Peer Model::peer_of(const Datagram& datagram, std::uint64_t now_ns) {
  const std::uint64_t window = window_of(now_ns);
  using State = Flow::State;
  if (datagram.later_fragment || is_echo_request(datagram)) return Peer::unknown;
  if (datagram.proto == FW_IPPROTO_TCP && !egress_seen_) return one_way_peer_of(datagram, now_ns);
  if (is_syn(datagram)) return Peer::unknown;
  const FlowKey key{datagram.remote, has_ports(datagram) ? datagram.remote_port : 0, datagram.local,
                    has_ports(datagram) ? datagram.local_port : 0, datagram.proto};
  const auto found = flows_.find(key);
  const Peer partner =
      datagram.proto == FW_IPPROTO_UDP &&
              partners_.contains({datagram.remote, datagram.local, datagram.local_port})
          ? Peer::acquainted
          : Peer::unknown;
  if (found == flows_.end()) return partner;
  Flow& flow = found->second;
  if (datagram.proto == FW_IPPROTO_TCP) {
    const std::uint32_t ahead = datagram.ack - flow.isn;  // modulo 2^32, as sequence numbers are
    if (flow.state == State::handshake && (datagram.flags & FW_TCP_ACK) != 0 && ahead != 0 &&
        ahead <= flow.next - flow.isn) {
      flow.state = State::established;
      completed_ = true;
      refund(datagram, FW_CLASS_TCP_SYN, FW_METRIC_SYN, now_ns);
    }
    return flow.state == State::established ? Peer::verified : Peer::unknown;
  }
  if (flow.state == State::outbound) return Peer::answers;
  if (datagram.proto == FW_IPPROTO_UDP && flow.exchanges >= 4 && window >= flow.first_window + 2)
    flow.state = State::established;
  return flow.state == State::established ? Peer::acquainted : partner;
}

Model::Peer Model::one_way_peer_of(const Datagram& datagram, std::uint64_t now_ns) {
  using State = Flow::State;
  constexpr std::uint32_t kMaxUnverifiedBytes = 4U << 20;
  const bool opens = is_syn(datagram);
  if (!opens &&
      ((datagram.flags & FW_TCP_ACK) == 0 || (datagram.flags & (FW_TCP_SYN | FW_TCP_RST)) != 0))
    return Peer::unknown;
  const FlowKey key{datagram.remote, datagram.remote_port, datagram.local, datagram.local_port,
                    datagram.proto};
  const auto [found, is_new] = flows_.try_emplace(key);
  Flow& flow = found->second;
  if (!is_new && !opens) {
    if (flow.state == State::replied) return Peer::answers;
    const auto& before = flow.acked;
    const bool acks_more =
        !before || (datagram.ack != *before && datagram.ack - *before <= kMaxUnverifiedBytes);
    if (datagram.seq == flow.next && acks_more) {
      flow.state = State::replied;
      if (!before) served_.insert({FW_IPPROTO_TCP, datagram.local_port});
      completed_ = !before;
      if (before)
        refund(datagram, FW_CLASS_TCP_STRAY, FW_METRIC_COUNT, now_ns);
      else
        refund(datagram, FW_CLASS_TCP_SYN, FW_METRIC_SYN, now_ns);
      return Peer::answers;
    }
  }
  flow = {.state = State::unanswered,
          .next = datagram.seq + datagram.payload_bytes + (opens ? 1 : 0)};
  if (!opens) flow.acked = datagram.ack;
  return Peer::unknown;
}

void Model::leaves(const Datagram& datagram, std::uint64_t now_ns) {
  using State = Flow::State;
  egress_seen_ = true;
  if (datagram.proto == FW_IPPROTO_UDP && !datagram.later_fragment &&
      served_.contains({FW_IPPROTO_UDP, datagram.local_port}))
    sent_epochs_[datagram.local_port] = window_of(now_ns) / 4 % 32;
  if (datagram.later_fragment) return;
  if ((datagram.proto == FW_IPPROTO_ICMP || datagram.proto == FW_IPPROTO_ICMPV6) &&
      !is_echo_request(datagram))
    return;
  const FlowKey key{datagram.remote, has_ports(datagram) ? datagram.remote_port : 0, datagram.local,
                    has_ports(datagram) ? datagram.local_port : 0, datagram.proto};
  const auto found = flows_.find(key);
  const bool is_new = found == flows_.end();
  if (datagram.proto != FW_IPPROTO_TCP) {
    if (is_new) {
      if (datagram.proto == FW_IPPROTO_UDP)
        partners_.insert({datagram.remote, datagram.local, datagram.remote_port});
      flows_[key] = {.state = State::outbound, .first_window = window_of(now_ns)};
    } else if (found->second.state == State::unanswered || found->second.state == State::replied) {
      if (datagram.proto == FW_IPPROTO_UDP) {
        served_.insert({FW_IPPROTO_UDP, datagram.local_port});
        refund(datagram, FW_CLASS_UDP_NEW, FW_METRIC_UDP, now_ns);
      }
      if (found->second.state == State::unanswered) found->second.exchanges++;
      found->second.state = State::replied;
    }
    return;
  }
  if ((datagram.flags & FW_TCP_SYN) != 0) {
    if ((datagram.flags & FW_TCP_ACK) != 0) served_.insert({FW_IPPROTO_TCP, datagram.local_port});
    flows_[key] = {.state = State::handshake, .isn = datagram.seq, .next = datagram.seq + 1};
  } else if (is_new || found->second.state == State::unanswered ||
             found->second.state == State::replied) {
    if ((datagram.flags & FW_TCP_RST) != 0) return;
    flows_[key] = {.state = State::handshake,
                   .isn = datagram.seq - 1,
                   .next = datagram.seq + datagram.payload_bytes};
    refund(datagram, FW_CLASS_TCP_STRAY, FW_METRIC_COUNT,
           now_ns);  // established before the start: not out of state
  } else if (found->second.state == State::handshake) {
    Flow& flow = found->second;
    const std::uint32_t end = datagram.seq + datagram.payload_bytes;
    if (end - flow.isn < (4U << 20) && end - flow.isn > flow.next - flow.isn) flow.next = end;
  }
}

void Model::defer(const Datagram& datagram, unsigned traffic_class, Source& source,
                  std::uint64_t now_ns) {
  source.deferred = metrics_of(traffic_class, datagram);
  source.deferred_ns = now_ns >> 20 << 20;
  for (const auto& [metric, units] : source.deferred)
    source.by_window.at(metric)[window_of(now_ns)] = units;
}

Model::Excess Model::meter(const Datagram& datagram, unsigned traffic_class, unsigned rule,
                           Source& source, Peer peer, std::uint64_t now_ns) const {
  Excess excess;
  for (const auto& [metric, units] : std::exchange(source.deferred, {}))
    source.buckets.at(metric).admit(tick_of(source.deferred_ns),
                                    units * rules.at(rule).limits.at(metric).cost_q8 / 256, 0);
  for (const auto& [metric, units] : metrics_of(traffic_class, datagram)) {
    const Limit& limit = rules.at(rule).limits.at(metric);
    const bool is_metered = peer == Peer::unknown || limit.peers;
    if (is_metered || peer == Peer::verified)
      source.by_window.at(metric)[window_of(now_ns)] += units;
    if (!is_metered) continue;
    const std::uint64_t value = sliding(source.by_window.at(metric), now_ns);
    const bool bannable = limit.ban_above != 0 && value > limit.ban_above;
    const bool refused =
        limit.cost_q8 != 0 &&
        !source.buckets.at(metric).admit(tick_of(now_ns), units * limit.cost_q8 / 256, limit.burst);
    excess.refused = excess.refused || refused;
    if (!bannable && !refused) continue;
    if (bannable ? !excess.ban : !excess.limit && !excess.ban)
      excess.report = {.metric = metric,
                       .value = static_cast<unsigned>(value),
                       .limit = bannable ? limit.ban_above : limit.limit_above};
    excess.limit = true;
    excess.ban = excess.ban || bannable;
  }
  return excess;
}

bool Model::is_over_limit(const Datagram& datagram, unsigned traffic_class, const SourceKey& key,
                          unsigned rule, Peer peer, std::uint64_t now_ns) {
  if (!may_be_peer(datagram.remote)) return false;
  const std::uint64_t window = window_of(now_ns);
  const bool spares = is_link_local(std::get<0>(key).address) ||
                      (peer != Peer::verified && has_verified_entry(key, now_ns));

  const auto [at, is_new] = sources_.try_emplace(key);
  Source& source = at->second;
  begin_window(source, is_new, traffic_class, now_ns);
  if (is_exempt_) return false;
  if (is_new) {
    defer(datagram, traffic_class, source, now_ns);
    return false;
  }
  Excess excess = meter(datagram, traffic_class, rule, source, peer, now_ns);
  const std::uint64_t udp = sliding(source.by_window.at(FW_METRIC_UDP), now_ns);
  if (unanswered_above != 0 && udp > unanswered_above && !excess.ban &&
      rule != FW_RULE_OF_PREFIXES &&
      is_left_unanswered(datagram, traffic_class, source, peer, now_ns)) {
    excess.limit = excess.ban = true;
    excess.report = {
        .metric = FW_METRIC_UDP, .value = static_cast<unsigned>(udp), .limit = unanswered_above};
  }
  if (!excess.limit) return false;

  const bool is_news = !source.excess_last || window > *source.excess_last + 10;
  if (!source.excess_last || window > *source.excess_last + 1) source.excess_since = window;
  source.excess_last = window;
  const bool lasts = window - source.excess_since.value_or(window) >= 3;
  const bool is_proof = peer == Peer::verified && datagram.proto == FW_IPPROTO_TCP;
  excess.report.kind = is_proof ? FW_EVENT_BAN : FW_EVENT_RESTRICT;
  if (excess.ban && !spares && (is_proof || (lasts && !is_restricted_))) {
    if (ban(std::get<0>(key), excess.report, rule, now_ns)) {
      reports.push_back(excess.report);
      return true;
    }
    bans_not_made++;
  }
  excess.report.kind = FW_EVENT_LIMIT;
  if (is_news && excess.refused) reports.push_back(excess.report);
  return excess.refused;
}

bool Model::ban(const Prefix& prefix, const Report& report, unsigned rule, std::uint64_t now_ns) {
  if (bans_cost == 0) return false;
  const std::uint64_t passed = tick_of(now_ns) - bans_made_.at_tick;
  if (bans_made_.used > passed + bans_burst + bans_cost)
    bans_made_.used = 0;  // left from another configuration
  if (!bans_made_.admit(tick_of(now_ns), bans_cost, bans_burst)) return false;
  const auto found = entries.find(prefix);
  const bool restricts = report.kind == FW_EVENT_RESTRICT;
  if (found != entries.end() && found->second.until_ns > now_ns &&
      (restricts || standing_of(found->second) != Standing::restricted))
    return false;
  const std::uint64_t hold_ns = rules[rule].ban_ms * 1'000'000;
  entries[prefix] = {.kind = FW_ENTRY_BAN,
                     .until_ns = now_ns + hold_ns,
                     .hold_ns = hold_ns,
                     .ban_above = report.limit,
                     .metric = report.metric,
                     .by_window = {},
                     .window = window_of(now_ns),
                     .restricted = restricts};
  return true;
}

}  // namespace fw::test
