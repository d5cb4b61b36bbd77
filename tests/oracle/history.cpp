// SPDX-License-Identifier: MIT
// The packets of a history.
#include "oracle/history.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace fw::test {
namespace {

constexpr unsigned kIcmp = 1, kTcp = 6, kUdp = 17, kGre = 47, kIcmp6 = 58;
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
      deaf_steps_(seed % 3 == 0 ? 4'000 : 0),
      now_ns_(50'000 * kSecond) {
  configure();
}

std::string History::step() {
  tell_time();
  if (one_in(300)) entry();
  if (one_in(1500)) lists();
  if (one_in(400)) sign();
  if (one_in(600)) listen();
  if (one_in(3000)) configure();
  if (one_in(300))
    if (std::string differs = crowd(); !differs.empty()) return differs;
  if (one_in(400))
    if (std::string differs = concert(); !differs.empty()) return differs;
  const Said said = speak();
  // In every third history nothing is seen to leave for a long time.
  if (steps_++ >= deaf_steps_ && one_in(4)) {
    leave(said);
    return {};
  }
  return arrive(said);
}

std::string History::end() {
  std::string entries = entries_differ();
  if (!entries.empty()) return entries;
  // A bucket holds four: two sources with verified flows fill it, whoever comes third displaces
  // one.
  const auto cells = datapath_.counters().new_sources;
  if (cells != model_.sources_seen())
    return fmt::format("{} cells for {} sources: the table is too small, and forgot some", cells,
                       model_.sources_seen());
  const auto capped = datapath_.counters().bans_capped;
  return capped == model_.bans_not_made
             ? ""
             : fmt::format("bans not made: {} and {}", capped, model_.bans_not_made);
}

// Many ask a service at once, each for itself.
std::string History::crowd() {
  Said said{.remote = {}, .local = Address::parse(kHost).value()};
  said.proto = kUdp;
  said.remote_port = kRemotePorts[0];
  said.local_port = kServicePorts[below(3)];
  said.ttl = 64;
  for (unsigned i = 0; i < 60; i++) {
    now_ns_ += below(400'000);
    said.remote = Address::v4(0xac10'0000 + below(1U << 20));
    if (std::string differs = arrive(said); !differs.empty()) return differs;
  }
  return {};
}

// A few hosts, of one network or of many, send much and in bursts together, so that each has soon
// drawn what it may; then one of them goes on alone. Sometimes a service answers half of it.
std::string History::concert() {
  const bool v6 = one_in(3), answered = one_in(2);
  const unsigned hosts = 1 + below(20), together = 20 + below(100), bursts = together + 100;
  const unsigned network = below(4) << 8, apart = one_in(2) ? 1 : 1 << 8;
  Said said{.remote = {}, .local = Address::parse(v6 ? kHost6 : kHost).value()};
  said.proto = one_in(2) ? kUdp : kTcp;
  said.remote_port = kRemotePorts[below(3)];
  said.local_port = kServicePorts[below(3)];
  said.flags = one_in(3) ? kAck : kSyn;
  for (unsigned burst = 0; burst < bursts; burst++) {
    now_ns_ += 11 * kMillisecond + below(15'000'000);
    for (unsigned host = 0; host < (burst < together ? hosts : 1); host++) {
      now_ns_ += below(400'000);
      const unsigned at = network + host * apart;
      said.remote =
          v6 ? Address::parse(fmt::format("2001:db8:{:x}::{:x}", at >> 8, at & 0xff)).value()
             : Address::v4(0xac20'0000 + at);
      if (is_banned(said.remote)) return {};  // a ban looks at its count every 10 ms, see below
      if (std::string differs = arrive(said); !differs.empty()) return differs;
      if (!answered || one_in(2)) continue;
      Said answer = said;
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

// Else packets are 11 ms apart or more: a ban looks at its count every 10.
void History::tell_time() {
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

Said History::speak() {
  const bool v6 = one_in(3);
  Said said{
      .remote = one_in(60) ? Address::parse(v6 ? "fe80::1" : "127.0.0.1").value() : remote(v6),
      .local = Address::parse(v6 ? kHost6 : kHost).value()};
  const unsigned protos[] = {kTcp, kTcp, kTcp, kUdp, kUdp, v6 ? kIcmp6 : kIcmp, kGre};
  said.proto = protos[below(7)];
  said.remote_port = kRemotePorts[below(3)];
  said.local_port = kServicePorts[below(3)];
  const unsigned flags[] = {kSyn, kSyn | kAck, kAck, kAck, kAck | kPsh, kAck | kFin, kRst};
  said.flags = flags[below(7)];
  said.seq = 1000 + below(3);
  said.ack = 1000 + below(5);
  said.payload_bytes = below(4) == 0 ? below(1200) : below(3);
  const unsigned types4[] = {0, 8, 3}, types6[] = {129, 128, 1, 135};
  said.icmp_type = v6 ? types6[below(4)] : types4[below(3)];
  said.ttl = one_in(2) ? 255 : 64;
  said.later_fragment = one_in(20);
  return said;
}

Packet History::write(Said& said, bool leaving) {
  const std::string remote = said.remote.text(), local = said.local.text();
  const std::string &from = leaving ? local : remote, &to = leaving ? remote : local;
  Packet packet =
      said.local.is_v4() ? Packet::ethernet().ipv4(from, to) : Packet::ethernet().ipv6(from, to);
  packet = packet.ttl(said.ttl);
  if (said.later_fragment) packet = packet.fragment(1480, false);
  const unsigned source = leaving ? said.local_port : said.remote_port;
  const unsigned destination = leaving ? said.remote_port : said.local_port;
  switch (said.proto) {
    case kTcp:
      packet = packet.tcp(source, destination).seq(said.seq).ack(said.ack).flags(said.flags);
      break;
    case kUdp:
      packet = packet.udp(source, destination);
      break;
    case kIcmp:
      packet = packet.icmp(said.icmp_type, 0);
      break;
    case kIcmp6:
      packet = packet.icmpv6(said.icmp_type, 0);
      break;
    default:
      packet = packet.gre();
  }
  packet = packet.payload(said.payload_bytes);
  said.frame_bytes = packet.wire_bytes();
  return packet;
}

void History::leave(Said said) {
  if (is_special(said.remote)) return;
  const Bytes bytes = write(said, true).bytes();
  datapath_.record_egress(frame_of(bytes), now_ns_);
  model_.leaves(said, now_ns_);
}

std::string History::arrive(Said said) {
  const Bytes bytes = write(said, false).bytes();
  fw_packet packet{};
  const fw_decision real = datapath_.decide(frame_of(bytes), now_ns_, packet);
  const Verdict model = model_.arrives(said, now_ns_);
  look_for_collisions();
  if (collided_) return {};
  std::vector<Report> events;
  datapath_.drain_events([&](const fw_event& event) {
    events.push_back(
        {.kind = event.kind, .metric = event.metric, .value = event.value, .limit = event.limit});
    bans_made_ += event.kind == FW_EVENT_BAN;
    by_prefix_ += event.rule == FW_RULE_OF_PREFIXES;
  });
  if ((real.verdict == FW_DROP) != model.drop || real.reason != model.reason ||
      real.traffic_class != model.traffic_class || real.rule != model.rule)
    return fmt::format("{} proto {}: policy {} {} class {} rule {}, model {} {} {} {}",
                       said.remote.text(), said.proto, real.verdict, real.reason,
                       real.traffic_class, real.rule, model.drop, model.reason, model.traffic_class,
                       model.rule);
  if (events != model_.reports)
    return fmt::format("{}: {} events, {} in the model, or not the same", said.remote.text(),
                       events.size(), model_.reports.size());
  return {};
}

// A budget of the real table names itself when it is first used.
void History::look_for_collisions() {
  const auto used = model_.budgets_used();
  if (used.size() == budgets_seen_) return;
  budgets_seen_ = used.size();
  for (const auto& [address, port, traffic_class] : used) {
    bool is_there = false;
    for (const fw_budget& budget : datapath_.tables().budgets)
      is_there =
          is_there || (budget.used != 0 && Address{budget.dst.hi, budget.dst.lo} == address &&
                       budget.port == port && budget.traffic_class == traffic_class);
    collided_ = collided_ || !is_there;
  }
}

}  // namespace fw::test
