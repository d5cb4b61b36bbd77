// SPDX-License-Identifier: MIT
// One host behind the policy, with a clock that only the test moves. Verdicts are text ("drop ban",
// "pass verified"), so that a failed expectation is readable.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "abi/words.hpp"
#include "base/address.hpp"
#include "datapath/address_key.hpp"
#include "datapath/user/user_datapath.hpp"
#include "harness/packet.hpp"
#include "lists/image.hpp"

namespace fw::test {

inline constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;
inline constexpr std::uint64_t kWindow = std::uint64_t{1} << FW_WINDOW_SHIFT;

inline constexpr const char *kHost = "198.51.100.7", *kPeer = "192.0.2.1";
inline constexpr const char *kHost6 = "2001:db8::7", *kPeer6 = "2001:db8:1::1";

inline Packet from(std::string_view peer) {
  return peer.find(':') == std::string_view::npos ? Packet::ethernet().ipv4(peer, kHost)
                                                  : Packet::ethernet().ipv6(peer, kHost6);
}
inline Packet to(std::string_view peer) {
  return peer.find(':') == std::string_view::npos ? Packet::ethernet().ipv4(kHost, peer)
                                                  : Packet::ethernet().ipv6(kHost6, peer);
}

inline std::string reason_word(unsigned reason) {
  return reason < FW_REASON_COUNT ? std::string(kReasonWords.at(reason)) : "no such reason";
}

class Lab {
 public:
  explicit Lab(datapath::TableSizes sizes = {.sources = 1 << 12, .flows = 1 << 12, .bans = 1 << 10})
      : datapath(sizes, 42), config(datapath.config()), ports(FW_PORT_LINES) {
    config.abi_version = FW_ABI_VERSION;
    config.mode = FW_MODE_ENFORCE;
    config.source_bits_v6 = 64;
    config.lengths_v4 = 4;
    config.lengths_v6 = 4;
    const fw_u8 v4[] = {128, 120, 104, 96};
    const fw_u8 v6[] = {128, 64, 48, 32};
    std::copy(std::begin(v4), std::end(v4), config.prefix_bits_v4);
    std::copy(std::begin(v6), std::end(v6), config.prefix_bits_v6);
    config.bans_cost = 1;
    config.bans_burst = 1U << 29;
    config.rule[0].ban_ms = 60'000;
    publish();
  }

  // Limits a metric to `per_second` packets (or bytes), with a burst of `burst_ns` at that rate;
  // bans above `ban_above` packets (or 16 bytes) per window.
  fw_limit& limit(unsigned metric, double per_second, std::uint64_t burst_ns,
                  std::uint32_t ban_above = 0, unsigned rule = 0) {
    fw_limit& limit = config.rule[rule].limit[metric];
    const double unit = metric == FW_METRIC_BYTES ? FW_BYTES_UNIT : 1;
    limit = {};
    if (per_second > 0) {
      limit.cost_q8 = static_cast<fw_u64>(std::ceil(256 * 62.5e6 * unit / per_second));
      limit.burst = static_cast<fw_u32>(burst_ns >> FW_TICK_SHIFT);
      limit.limit_above = static_cast<fw_u32>(per_second * 1.073741824 / unit);
    }
    limit.ban_above = ban_above;
    publish();
    return limit;
  }
  // Packets of peers count under this limit, too.
  void meter_peers(unsigned metric, unsigned rule = 0) {
    config.rule[rule].limit[metric].peers = 1;
    publish();
  }
  void service(bool udp, unsigned port, unsigned rule, unsigned action) {
    const unsigned index = port + (udp ? 65536 : 0);
    ports[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES] = static_cast<fw_u8>(rule);
    config.rule[rule].action = static_cast<fw_u8>(action);
    config.rule[rule].ban_ms = 60'000;
    publish();
  }
  void publish() {
    if (!datapath.publish(config, ports)) std::abort();
  }
  void lists(std::string_view deny, std::string_view allow) {
    const auto ranges = [](std::string_view text) {
      std::vector<lists::Range> out;
      if (!text.empty()) {
        const Address address = Address::parse(text).value();
        out.push_back({address, address});
      }
      return out;
    };
    if (!datapath.publish_lists(lists::build_image(ranges(deny), ranges(allow)).value()))
      std::abort();
  }

  // Puts an entry in force from now on; returns its index.
  fw_s32 entry(unsigned kind, std::string_view prefix, std::uint64_t for_ns = kSecond * 60,
               fw_u32 hold_ms = 0, fw_u32 ban_above = 0, unsigned flags = 0) {
    const Prefix parsed = Prefix::parse(prefix).value();
    fw_entry entry{};
    entry.addr = key_of(parsed.address);
    entry.prefix_bits = static_cast<fw_u8>(parsed.bits);
    entry.kind = static_cast<fw_u8>(kind);
    entry.since_ns = now_ns;
    entry.until_ns = for_ns == FW_FOREVER ? FW_FOREVER : now_ns + for_ns;
    entry.hold_ms = hold_ms;
    entry.ban_above = ban_above;
    entry.metric = static_cast<fw_u8>(flags);
    return fw_policy_entry_put(&datapath.env(), &entry, now_ns);
  }
  // The ban of exactly this prefix, or null.
  const fw_entry* entry_of(std::string_view prefix) {
    const Prefix parsed = Prefix::parse(prefix).value();
    const fw_s32 index = fw_policy_entry_find(&datapath.env(), key_of(parsed.address),
                                              static_cast<fw_u8>(parsed.bits), FW_ENTRY_BAN);
    return index < 0 ? nullptr : &datapath.tables().entries[static_cast<std::size_t>(index)];
  }

  fw_decision decide(const Packet& made) {
    const Bytes bytes = made.bytes();
    const fw_frame frame{.data = bytes.data(),
                         .captured_bytes = static_cast<fw_u32>(bytes.size()),
                         .wire_bytes = made.wire_bytes(),
                         .link = FW_LINK_ETHERNET};
    return datapath.decide(frame, now_ns, packet);
  }
  std::string in(const Packet& made) {
    decision = decide(made);
    return std::string(decision.verdict == FW_DROP ? "drop " : "pass ") +
           reason_word(decision.reason);
  }
  void out(const Packet& made) {
    const Bytes bytes = made.bytes();
    const fw_frame frame{.data = bytes.data(),
                         .captured_bytes = static_cast<fw_u32>(bytes.size()),
                         .wire_bytes = made.wire_bytes(),
                         .link = FW_LINK_ETHERNET};
    datapath.record_egress(frame, now_ns);
  }
  // Completes a TCP handshake: `peer` is verified.
  void handshake(std::string_view peer, unsigned port = 40000) {
    in(from(peer).tcp(port, 80).syn().seq(5));
    out(to(peer).tcp(80, port).flags(kSyn).seq(1000).ack(6));
    in(from(peer).tcp(port, 80).seq(6).ack(1001));
  }
  std::vector<fw_event> events() {
    std::vector<fw_event> out;
    datapath.drain_events([&](const fw_event& event) { out.push_back(event); });
    return out;
  }

  datapath::UserDatapath datapath;
  fw_config config;
  std::vector<fw_port_line> ports;
  std::uint64_t now_ns = 1000 * kWindow;  // the start of a window
  fw_packet packet{};                     // of the last frame
  fw_decision decision{};
};

}  // namespace fw::test
