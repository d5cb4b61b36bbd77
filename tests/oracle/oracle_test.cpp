// SPDX-License-Identifier: MIT
// The policy against its slow and obvious model, over random histories of a few hosts: packets both
// ways, bans, allowances, lists, configurations and long silences.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "datapath/user/user_datapath.hpp"
#include "harness/packet.hpp"
#include "lists/image.hpp"
#include "oracle/model.hpp"

namespace fw::test {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;
constexpr unsigned kIcmp = 1, kTcp = 6, kUdp = 17, kGre = 47, kIcmp6 = 58;
constexpr const char *kHost = "198.51.100.7", *kHost6 = "2001:db8::7";
constexpr unsigned kServicePorts[] = {22, 80, 27015};

class History {
 public:
  explicit History(unsigned seed)
      : random_(seed),
        datapath_({.sources = 1 << 14, .flows = 1 << 14, .bans = 1 << 10}, seed),
        ports_(FW_PORT_LINES) {
    configure();
  }

  // What differs, or nothing.
  std::string step() {
    tell_time();
    if (one_in(300)) mark();
    if (one_in(1500)) lists();
    if (one_in(3000)) configure();
    const Said said = speak();
    if (one_in(4)) {
      leave(said);
      return {};
    }
    return arrive(said);
  }
  std::string end() {
    const std::string marks = marks_differ();
    if (!marks.empty()) return marks;
    const auto capped = datapath_.counters().bans_capped;
    return capped == model_.bans_not_made
               ? ""
               : fmt::format("bans not made: {} and {}", capped, model_.bans_not_made);
  }
  [[nodiscard]] const fw_counters counters() const { return datapath_.counters(); }
  [[nodiscard]] std::uint64_t bans_made() const { return bans_made_; }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return random_() % n == 0; }

  // Packets are 11 ms apart or more: a ban looks at its count every 10.
  void tell_time() {
    now_ns_ += 11 * kMillisecond + below(20'000'000);
    if (one_in(2000)) now_ns_ += below(150) * kSecond;
    if (one_in(20'000)) now_ns_ += below(20) * 60 * kSecond;
  }

  Address remote(bool v6) {
    const unsigned number = below(10);
    return Address::parse(v6 ? fmt::format("2001:db8:{}::{}", number % 3, number + 1)
                             : fmt::format("10.0.{}.{}", number % 2, number))
        .value();
  }

  Said speak() {
    const bool v6 = one_in(3);
    Said said{
        .remote = one_in(60) ? Address::parse(v6 ? "fe80::1" : "127.0.0.1").value() : remote(v6),
        .local = Address::parse(v6 ? kHost6 : kHost).value()};
    const unsigned protos[] = {kTcp, kTcp, kTcp, kUdp, kUdp, v6 ? kIcmp6 : kIcmp, kGre};
    said.proto = protos[below(7)];
    const unsigned remote_ports[] = {40000, 40001, 53};
    said.remote_port = remote_ports[below(3)];
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

  Packet write(Said& said, bool leaving) {
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

  void leave(Said said) {
    if (is_special(said.remote)) return;
    const Bytes bytes = write(said, true).bytes();
    datapath_.note_egress(frame_of(bytes), now_ns_);
    model_.leaves(said, now_ns_);
  }

  std::string arrive(Said said) {
    const Bytes bytes = write(said, false).bytes();
    fw_packet packet{};
    const fw_decision real = datapath_.decide(frame_of(bytes), now_ns_, packet);
    const Verdict model = model_.arrives(said, now_ns_);
    std::vector<Report> events;
    datapath_.drain_events([&](const fw_event& event) {
      events.push_back({.kind = event.kind,
                        .measure = event.measure,
                        .value = event.value,
                        .limit = event.limit});
      bans_made_ += event.kind == FW_EVENT_BAN;
    });
    if ((real.verdict == FW_DROP) != model.drop || real.reason != model.reason ||
        real.klass != model.klass || real.rule != model.rule)
      return fmt::format("{} proto {}: policy {} {} class {} rule {}, model {} {} {} {}",
                         said.remote.text(), said.proto, real.verdict, real.reason, real.klass,
                         real.rule, model.drop, model.reason, model.klass, model.rule);
    if (events != model_.reports)
      return fmt::format("{}: {} events, {} in the model, or not the same", said.remote.text(),
                         events.size(), model_.reports.size());
    return {};
  }

  static fw_frame frame_of(const Bytes& bytes) {
    const auto size = static_cast<fw_u32>(bytes.size());
    return {
        .data = bytes.data(), .captured_bytes = size, .wire_bytes = size, .link = FW_LINK_ETHERNET};
  }

  // An operator's ban, allowance or exemption, or the end of one.
  void mark() {
    const bool v6 = one_in(3);
    const unsigned v4_bits[] = {128, 120}, v6_bits[] = {128, 64, 48};
    const unsigned bits = v6 ? v6_bits[below(3)] : v4_bits[below(2)];
    const Prefix prefix{.address = masked(remote(v6), bits), .bits = bits};
    fw_env& env = datapath_.env();
    if (one_in(3)) {
      const fw_s32 index = fw_mark_of(prefix);
      if (index >= 0) fw_policy_mark_erase(&env, static_cast<fw_u32>(index));
      model_.marks.erase(prefix);
      return;
    }
    fw_mark real{};
    real.addr = prefix.address.key();
    real.prefix_bits = static_cast<fw_u8>(bits);
    real.kind = static_cast<fw_u8>(one_in(2) ? unsigned{FW_MARK_BAN} : 1 + below(3));
    real.since_ns = now_ns_;
    real.until_ns = now_ns_ + below(20) * kSecond;
    real.hold_ms = one_in(2) ? below(10'000) : 0;
    real.ban_above = below(8);
    real.measure = static_cast<fw_u8>(below(FW_MEASURE_COUNT));
    real.window = static_cast<fw_u32>(now_ns_ >> FW_WINDOW_SHIFT);
    const fw_s32 index = fw_policy_mark_put(&env, &real, now_ns_);
    ASSERT_GE(index, 0);
    datapath_.clear_pending(static_cast<std::size_t>(index));
    model_.marks[prefix] = {.kind = real.kind,
                            .until_ns = real.until_ns,
                            .hold_ns = real.hold_ms * kMillisecond,
                            .ban_above = real.ban_above,
                            .measure = real.measure};
  }

  fw_s32 fw_mark_of(const Prefix& prefix) {
    for (const fw_u8 kind : {FW_MARK_BAN, FW_MARK_ALLOW, FW_MARK_EXEMPT}) {
      const fw_s32 index = fw_policy_mark_find(&datapath_.env(), prefix.address.key(),
                                               static_cast<fw_u8>(prefix.bits), kind);
      if (index >= 0) return index;
    }
    return -1;
  }

  std::string marks_differ() {
    for (const auto& [prefix, mark] : model_.marks) {
      const fw_s32 index = fw_mark_of(prefix);
      const std::uint64_t until =
          index < 0 ? 0 : datapath_.tables().marks[static_cast<std::size_t>(index)].until_ns;
      if (std::max(until, now_ns_) != std::max(mark.until_ns, now_ns_))
        return fmt::format("{} holds for {} ns more, in the model for {}", prefix.text(),
                           until - now_ns_, mark.until_ns - now_ns_);
    }
    return {};
  }

  void lists() {
    model_.denied.clear();
    model_.allowed.clear();
    for (unsigned n = below(4); n > 0; n--)
      (one_in(3) ? model_.allowed : model_.denied).insert(remote(one_in(3)));
    std::vector<lists::Range> deny, allow;
    for (const Address& address : model_.denied) deny.push_back({address, address});
    for (const Address& address : model_.allowed) allow.push_back({address, address});
    ASSERT_TRUE(datapath_.publish_lists(lists::build_image(deny, allow).value()));
  }

  Limit random_limit(bool bytes) {
    Limit limit;
    const unsigned unit = bytes ? 20 : 1;
    if (!one_in(3)) {
      limit.cost_q8 = 16'000'000'000ULL / ((1 + below(6)) * unit);
      limit.burst = below(62'500'000);
      limit.limit_above = below(50);
    }
    if (!one_in(3)) limit.ban_above = (1 + below(4)) * unit;
    return limit;
  }

  void configure() {
    model_.observe = one_in(8);
    model_.bans_cost = one_in(5) ? 0 : 1 + below(300'000'000);
    model_.bans_burst = below(1U << 29);
    model_.rule_of_port.clear();
    for (unsigned number = 0; number < 4; number++) {
      Rule& rule = model_.rules[number];
      rule = {};
      for (unsigned m = 0; m < FW_MEASURE_COUNT; m++)
        rule.limits[m] = random_limit(m == FW_MEASURE_BYTES);
      rule.ban_ms = 1 + below(20'000);
      rule.own = number > 0 && one_in(2);
      if (number > 1 && one_in(3)) rule.action = one_in(2) ? FW_ACTION_DROP : FW_ACTION_PASS;
    }
    for (const unsigned port : kServicePorts)
      for (const bool udp : {false, true}) model_.rule_of_port[{udp, port}] = below(4);
    publish();
  }

  void publish() {
    fw_config config = datapath_.config();
    config.abi_version = FW_ABI_VERSION;
    config.mode = model_.observe ? FW_MODE_OBSERVE : FW_MODE_ENFORCE;
    config.source_bits_v6 = static_cast<fw_u8>(model_.prefix_v6);
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
      for (unsigned m = 0; m < FW_MEASURE_COUNT; m++)
        real.limit[m] = {.cost_q8 = rule.limits[m].cost_q8,
                         .burst = static_cast<fw_u32>(rule.limits[m].burst),
                         .ban_above = rule.limits[m].ban_above,
                         .limit_above = rule.limits[m].limit_above,
                         .pad = 0};
      real.ban_ms = static_cast<fw_u32>(rule.ban_ms);
      real.action = static_cast<fw_u8>(rule.action);
      real.own = rule.own;
    }
    for (const auto& [port, number] : model_.rule_of_port) {
      const unsigned index = port.second + (port.first ? 65536 : 0);
      ports_[index / FW_LINE_BYTES].rule[index % FW_LINE_BYTES] = static_cast<fw_u8>(number);
    }
    ASSERT_TRUE(datapath_.publish(config, ports_));
  }

  std::mt19937_64 random_;
  datapath::UserDatapath datapath_;
  Model model_;
  std::vector<fw_port_line> ports_;
  std::uint64_t now_ns_ = 50'000 * kSecond;
  std::uint64_t bans_made_ = 0;
};

TEST(policy_oracle, the_policy_does_what_its_slow_and_obvious_model_does) {
  constexpr unsigned kHistories = 40, kSteps = 7'000;
  fw_counters sum{};
  std::uint64_t bans = 0;
  for (unsigned seed = 1; seed <= kHistories; seed++) {
    History history(seed);
    for (unsigned i = 0; i < kSteps; i++) {
      const std::string found = history.step();
      ASSERT_EQ(found, "") << "step " << i << " of seed " << seed;
    }
    ASSERT_EQ(history.end(), "") << "at the end of seed " << seed;
    const fw_counters counters = history.counters();
    for (unsigned r = 0; r < FW_REASON_COUNT; r++) sum.packets[r] += counters.packets[r];
    bans += history.bans_made();
    ASSERT_EQ(counters.untracked, 0U);
  }
  // The histories were worth comparing.
  for (const unsigned reason :
       {FW_REASON_LINK, FW_REASON_EXEMPT, FW_REASON_ALLOW, FW_REASON_DENY, FW_REASON_BAN,
        FW_REASON_CLOSED, FW_REASON_OPEN, FW_REASON_LIMIT, FW_REASON_PROVEN, FW_REASON_PASS})
    EXPECT_GT(sum.packets[reason], 300U) << reason;
  EXPECT_GT(bans, 200U);
}

}  // namespace
}  // namespace fw::test
