// SPDX-License-Identifier: MIT
// The datagrams of a history, and the comparison of what policy and model do with them.
#include "oracle/history.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

namespace fw::test {
namespace {

constexpr const char *kHost = "198.51.100.7", *kHost6 = "2001:db8::7";

fw_frame frame_of(const Bytes& bytes) {
  const auto size = static_cast<fw_u32>(bytes.size());
  return {
      .data = bytes.data(), .captured_bytes = size, .wire_bytes = size, .link = FW_LINK_ETHERNET};
}

}  // namespace

History::History(unsigned seed)
    : random_(seed),
      datapath_({.sources = 1 << 20, .flows = 1 << 20, .bans = 1 << 10}, seed),
      ports_(FW_PORT_LINES),
      egress_unseen_steps_(seed % 3 == 0 ? 4'000 : 0),
      now_ns_(50'000 * kSecond) {
  configure();
}

std::string History::step() {
  advance_clock();
  if (one_in(300)) change_entry();
  if (one_in(1500)) change_lists();
  if (one_in(400)) change_signature();
  if (one_in(600)) change_listener();
  if (one_in(3000)) configure();
  if (one_in(300))
    if (std::string differs = many_clients(); !differs.empty()) return differs;
  if (one_in(400))
    if (std::string differs = coordinated_senders(); !differs.empty()) return differs;
  const Datagram datagram = random_datagram();
  // In every third history egress is unseen for a long time.
  if (steps_++ >= egress_unseen_steps_ && one_in(4)) {
    leave(datagram);
    return {};
  }
  return arrive(datagram);
}

std::string History::end() {
  std::string entries = entries_differ();
  if (!entries.empty()) return entries;
  // A bucket has four slots: two sources with verified flows fill it, and a third one evicts.
  const auto slots = datapath_.counters().new_sources;
  if (slots != model_.sources_seen())
    return fmt::format("{} slots taken by {} sources: the table is too small and evicted some",
                       slots, model_.sources_seen());
  const auto capped = datapath_.counters().bans_capped;
  return capped == model_.bans_not_made
             ? ""
             : fmt::format("bans not made: {} and {}", capped, model_.bans_not_made);
}

// Many clients ask one service at once, a datagram each.
std::string History::many_clients() {
  Datagram datagram{.remote = {}, .local = Address::parse(kHost).value()};
  datagram.proto = FW_IPPROTO_UDP;
  datagram.remote_port = kRemotePorts[0];
  datagram.local_port = kServicePorts[below(3)];
  datagram.ttl = 64;
  for (unsigned i = 0; i < 60; i++) {
    now_ns_ += below(400'000);
    datagram.remote = Address::v4(0xac10'0000 + below(1U << 20));
    if (std::string differs = arrive(datagram); !differs.empty()) return differs;
  }
  return {};
}

// A few hosts, of one network or of many, send bursts together until each has used its quota; then
// one of them goes on alone. Sometimes a service answers half of the datagrams.
std::string History::coordinated_senders() {
  const bool v6 = one_in(3), answered = one_in(2);
  const unsigned hosts = 1 + below(20), together = 20 + below(100), bursts = together + 100;
  const unsigned network = below(4) << 8, apart = one_in(2) ? 1 : 1 << 8;
  Datagram datagram{.remote = {}, .local = Address::parse(v6 ? kHost6 : kHost).value()};
  datagram.proto = one_in(2) ? FW_IPPROTO_UDP : FW_IPPROTO_TCP;
  datagram.remote_port = kRemotePorts[below(3)];
  datagram.local_port = kServicePorts[below(3)];
  datagram.flags = one_in(3) ? kAck : kSyn;
  for (unsigned burst = 0; burst < bursts; burst++) {
    now_ns_ += 11 * kMillisecond + below(15'000'000);
    for (unsigned host = 0; host < (burst < together ? hosts : 1); host++) {
      now_ns_ += below(400'000);
      const unsigned at = network + host * apart;
      datagram.remote =
          v6 ? Address::parse(fmt::format("2001:db8:{:x}::{:x}", at >> 8, at & 0xff)).value()
             : Address::v4(0xac20'0000 + at);
      if (is_banned(datagram.remote)) return {};  // see advance_clock()
      if (std::string differs = arrive(datagram); !differs.empty()) return differs;
      if (!answered || one_in(2)) continue;
      Datagram answer = datagram;
      answer.flags |= kAck;
      leave(answer);
    }
  }
  return {};
}

bool History::is_banned(const Address& address) const {
  return std::ranges::any_of(model_.entries, [&](const auto& each) {
    return each.first.contains(address) && each.second.until_ns > now_ns_;
  });
}

// At least 11 ms a step: dropped packets are added to a ban every 10 ms (FW_PENDING_FLUSH_MS), the
// model adds them at once.
void History::advance_clock() {
  now_ns_ += 11 * kMillisecond + below(20'000'000);
  if (one_in(2000)) now_ns_ += below(150) * kSecond;
  if (one_in(20'000)) now_ns_ += 60 * kSecond * below(20);
}

Address History::remote(bool v6) {
  const unsigned number = below(10);
  return Address::parse(v6 ? fmt::format("2001:db8:{}::{}", number % 3, number + 1)
                           : fmt::format("10.0.{}.{}", number % 2, number))
      .value();
}

Datagram History::random_datagram() {
  const bool v6 = one_in(3);
  Datagram datagram{
      .remote = one_in(60) ? Address::parse(v6 ? "fe80::1" : "127.0.0.1").value() : remote(v6),
      .local = Address::parse(v6 ? kHost6 : kHost).value()};
  const unsigned protos[] = {FW_IPPROTO_TCP, FW_IPPROTO_TCP,
                             FW_IPPROTO_TCP, FW_IPPROTO_UDP,
                             FW_IPPROTO_UDP, v6 ? FW_IPPROTO_ICMPV6 : FW_IPPROTO_ICMP,
                             IPPROTO_GRE};
  datagram.proto = protos[below(7)];
  datagram.remote_port = kRemotePorts[below(3)];
  datagram.local_port = kServicePorts[below(3)];
  const unsigned flags[] = {kSyn, kSyn | kAck, kAck, kAck, kAck | kPsh, kAck | kFin, kRst};
  datagram.flags = flags[below(7)];
  datagram.seq = 1000 + below(3);
  datagram.ack = 1000 + below(5);
  datagram.payload_bytes = below(4) == 0 ? below(1200) : below(3);
  const unsigned types4[] = {0, 8, 3}, types6[] = {129, 128, 1, 135};
  datagram.icmp_type = v6 ? types6[below(4)] : types4[below(3)];
  datagram.ttl = one_in(2) ? 255 : 64;
  datagram.later_fragment = one_in(20);
  if (datagram.icmp_type == 3 || datagram.icmp_type == 1)
    datagram.quoted = {.remote = remote(v6),
                       .proto = one_in(2) ? FW_IPPROTO_TCP : FW_IPPROTO_UDP,
                       .remote_port = kRemotePorts[below(3)],
                       .local_port = kServicePorts[below(3)]};
  return datagram;
}

// The first bytes of the packet that an ICMP error quotes.
Bytes History::quote_of(const Datagram& datagram) {
  const Datagram::Quoted& of = *datagram.quoted;
  const std::string from = datagram.local.text(), to = of.remote.text();
  const Packet ip =
      datagram.local.is_v4() ? Packet::ip().ipv4(from, to) : Packet::ip().ipv6(from, to);
  const Packet packet = of.proto == FW_IPPROTO_TCP ? ip.tcp(of.local_port, of.remote_port).ack(1)
                                                   : ip.udp(of.local_port, of.remote_port);
  Bytes bytes = packet.bytes();
  bytes.resize(datagram.local.is_v4() ? 28 : 48);
  return bytes;
}

Packet History::build(Datagram& datagram, bool leaving) {
  const std::string remote = datagram.remote.text(), local = datagram.local.text();
  const std::string &from = leaving ? local : remote, &to = leaving ? remote : local;
  Packet packet = datagram.local.is_v4() ? Packet::ethernet().ipv4(from, to)
                                         : Packet::ethernet().ipv6(from, to);
  packet = packet.ttl(datagram.ttl);
  if (datagram.later_fragment) packet = packet.fragment(1480, false);
  const unsigned source = leaving ? datagram.local_port : datagram.remote_port;
  const unsigned destination = leaving ? datagram.remote_port : datagram.local_port;
  switch (datagram.proto) {
    case FW_IPPROTO_TCP:
      packet =
          packet.tcp(source, destination).seq(datagram.seq).ack(datagram.ack).flags(datagram.flags);
      break;
    case FW_IPPROTO_UDP:
      packet = packet.udp(source, destination);
      break;
    case FW_IPPROTO_ICMP:
      packet = packet.icmp(datagram.icmp_type, 0);
      break;
    case FW_IPPROTO_ICMPV6:
      packet = packet.icmpv6(datagram.icmp_type, 0);
      break;
    default:
      packet = packet.gre();
  }
  const bool is_icmp = datagram.proto == FW_IPPROTO_ICMP || datagram.proto == FW_IPPROTO_ICMPV6;
  if (datagram.quoted && is_icmp && !datagram.later_fragment)
    packet = packet.payload(quote_of(datagram));
  packet = packet.payload(datagram.payload_bytes);
  datagram.frame_bytes = packet.wire_bytes();
  return packet;
}

void History::leave(Datagram datagram) {
  if (!may_be_peer(datagram.remote)) return;
  const Bytes bytes = build(datagram, true).bytes();
  datapath_.record_egress(frame_of(bytes), now_ns_);
  model_.leaves(datagram, now_ns_);
}

std::string History::arrive(Datagram datagram) {
  const Bytes bytes = build(datagram, false).bytes();
  fw_packet packet{};
  const fw_decision real = datapath_.decide(frame_of(bytes), now_ns_, packet);
  const Verdict model = model_.arrives(datagram, now_ns_);
  look_for_collisions();
  if (collided_) return {};
  std::vector<Report> events;
  datapath_.drain_events([&](const fw_event& event) {
    events.push_back(
        {.kind = event.kind, .metric = event.metric, .value = event.value, .limit = event.limit});
    bans_made_ += event.kind == FW_EVENT_BAN || event.kind == FW_EVENT_RESTRICT;
    prefix_events_ += event.rule == FW_RULE_OF_PREFIXES;
  });
  if ((real.verdict == FW_DROP) != model.drop || real.reason != model.reason ||
      real.traffic_class != model.traffic_class || real.rule != model.rule)
    return fmt::format("{} proto {}: policy {} {} class {} rule {}, model {} {} {} {}",
                       datagram.remote.text(), datagram.proto, real.verdict, real.reason,
                       real.traffic_class, real.rule, model.drop, model.reason, model.traffic_class,
                       model.rule);
  if (events != model_.reports)
    return fmt::format("{}: {} events, {} in the model, or not the same", datagram.remote.text(),
                       events.size(), model_.reports.size());
  return {};
}

// A slot of the real budget table is named when it is first used: a budget that the model has used
// and no slot is named after shares the slot of another.
void History::look_for_collisions() {
  const auto used = model_.budgets_used();
  if (used.size() == budgets_seen_) return;
  budgets_seen_ = used.size();
  for (const auto& [address, port, traffic_class] : used) {
    bool is_named = false;
    for (const fw_budget& budget : datapath_.tables().budgets)
      is_named =
          is_named || (budget.used != 0 && Address{budget.dst.hi, budget.dst.lo} == address &&
                       budget.port == port && budget.traffic_class == traffic_class);
    collided_ = collided_ || !is_named;
  }
}

}  // namespace fw::test
