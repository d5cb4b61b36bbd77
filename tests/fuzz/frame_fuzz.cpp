// SPDX-License-Identifier: MIT
// Any frames, in any order, both ways, at any times: the policy reads nothing behind a frame's end
// and its decisions hold together.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "datapath/address_key.hpp"
#include "datapath/user/user_datapath.hpp"
#include "fuzz/check.hpp"
#include "lists/image.hpp"

namespace {

using fw::datapath::UserDatapath;
using fw::test::check;

// A denied network with an allowed one in it, in both families.
std::vector<std::byte> lists() {
  const auto range = [](const char* first, const char* last) {
    return fw::lists::Range{*fw::Address::parse(first), *fw::Address::parse(last)};
  };
  const fw::lists::Range deny[] = {range("203.0.113.0", "203.0.113.255"),
                                   range("2001:db8:dead::", "2001:db8:dead::ffff")};
  const fw::lists::Range allow[] = {range("203.0.113.8", "203.0.113.15"),
                                    range("2001:db8:dead::8", "2001:db8:dead::f")};
  const auto image = fw::lists::build_image(deny, allow);
  check(image.has_value());
  return *image;
}

void configure(UserDatapath& datapath) {
  fw_config config = datapath.config();
  config.mode = FW_MODE_ENFORCE;
  config.source_bits_v6 = 64;
  config.lengths_v4 = 1;
  config.lengths_v6 = 2;
  config.prefix_bits_v4[0] = config.prefix_bits_v6[0] = 128;
  config.prefix_bits_v6[1] = 64;
  config.bans_cost = 1;
  config.bans_burst = 1U << 29;
  for (fw_limit& limit : config.rule[0].limit)
    limit = {
        .cost_q8 = 1ULL << 34, .burst = 1U << 20, .ban_above = 3, .limit_above = 1, .peers = 1};
  config.rule[0].ban_ms = 1000;
  config.scan_ports = 3;
  config.syn_cookies = 1;
  for (fw_budget_limit& budget : config.budget)
    budget = {.cost = 1U << 20, .burst = 8U << 20, .served_burst = 16U << 20, .limit = 60};
  static const std::vector<fw_port_line> ports(FW_PORT_LINES);
  static const std::vector<std::byte> image = lists();
  check(datapath.publish(config, ports).has_value());
  check(datapath.publish_lists(image).has_value());
  // Of every class: whatever goes to port 53 (shape word 0, its last 16 bits).
  datapath.tables().signatures[5].mask.word[0] = 0xffff;
  datapath.tables().signatures[5].value.word[0] = 53;
  for (fw_u64& active : datapath.tables().signature_set->active) active = 1U << 5;
  // The host of the corpus, which answers SYNs.
  fw_entry own{};
  own.addr = key_of(*fw::Address::parse("198.51.100.7"));
  own.prefix_bits = 128;
  own.kind = FW_ENTRY_EXEMPT;
  own.until_ns = FW_FOREVER;
  check(fw_policy_entry_put(&datapath.env(), &own, 1) >= 0);
  datapath.judge_capture();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  UserDatapath datapath({.sources = 16, .flows = 16, .bans = 8}, 7);
  configure(datapath);
  std::uint64_t now_ns = 1ULL << 40;
  // Each frame: how it goes (1 byte), how far the clock does (1), length (2), bytes.
  while (size >= 4) {
    const unsigned how = data[0], step = data[1];
    const std::size_t length = std::min<std::size_t>(data[2] | data[3] << 8, size - 4);
    const auto exact = std::make_unique<fw_u8[]>(length + 1);  // +1: never of size 0
    std::copy_n(data + 4, length, exact.get() + 1);
    data += 4 + length;
    size -= 4 + length;
    now_ns += std::uint64_t{step} * step * (how & 8 ? 1'000'000'000 : 100'000);
    if (how & 16) now_ns -= std::uint64_t{step} << 24;
    const fw_frame frame{.data = exact.get() + 1,
                         .captured_bytes = static_cast<fw_u32>(length),
                         .wire_bytes = static_cast<fw_u32>(how & 2 ? length + step : length),
                         .link = static_cast<fw_u8>(how & 4 ? FW_LINK_IP : FW_LINK_ETHERNET)};
    if (how & 1) {
      datapath.record_egress(frame, now_ns);
      continue;
    }
    fw_packet packet{};
    const fw_decision decision = datapath.decide(frame, now_ns, packet);
    check(decision.reason < FW_REASON_COUNT && decision.traffic_class < FW_CLASS_COUNT);
    check(decision.verdict == (fw_reason_drops(decision.reason) != 0 ? FW_DROP : FW_PASS));
    check(packet.len_bytes == frame.wire_bytes);
    check(fw_policy_parse(&frame, &packet) == 0 || packet.ip_len_bytes <= frame.wire_bytes);
  }
  return 0;
}
