// SPDX-License-Identifier: MIT
#include "diff/history.hpp"

#include <fmt/format.h>

#include <random>
#include <vector>

#include "base/address.hpp"
#include "datapath/address_key.hpp"
#include "diff/frames.hpp"
#include "lists/image.hpp"
#include "policy/policy.h"

namespace fw::test {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;
constexpr unsigned kEgressUnseenSteps = 5'000;

class History {
 public:
  History(Pair& pair, unsigned seed)
      : pair_(pair), random_(seed), frames_(seed), ports_(FW_PORT_LINES) {}

  Difference step() {
    advance_clock();
    if (one_in(200)) {
      if (Difference found = one_in(4) ? erase() : put()) return found;
    }
    if (one_in(20'000)) {
      if (Difference found = publish()) return found;
    }
    if (one_in(5'000)) change_signature();
    if (one_in(1'000)) change_served();
    if (one_in(2'000)) pair_.restrict(1 + below(10'000'000), now_ns_ + below(4'000) * kMillisecond);
    if (one_in(20)) establish();
    if (one_in(50'000)) {
      if (Difference found = change_lists()) return found;
    }
    // Egress is unseen at first.
    if (steps_++ >= kEgressUnseenSteps && one_in(6))
      return pair_.egress(frames_.leaving(), now_ns_);
    return arrive(frames_.arriving());
  }

  Difference publish() {
    fw_config config{};
    config.mode = one_in(8) ? FW_MODE_OBSERVE : FW_MODE_ENFORCE;
    if (one_in(40)) config.mode = FW_MODE_OFF;
    config.source_bits_v6 = static_cast<fw_u8>(one_in(3) ? 128 : 48 + 8 * below(4));
    config.lengths_v4 = static_cast<fw_u8>(below(5));
    config.lengths_v6 = FW_MAX_PREFIX_LENGTHS;
    const fw_u8 v4[] = {128, 124, 112, 96}, v6[] = {128, 120, 72, 64, 56, 48, 32, 16};
    std::copy(std::begin(v4), std::end(v4), config.prefix_bits_v4);
    std::copy(std::begin(v6), std::end(v6), config.prefix_bits_v6);
    config.bans_cost = one_in(6) ? 0 : below(100'000'000);
    config.bans_burst = below(1U << 29);
    for (fw_budget_limit& budget : config.budget) {
      if (one_in(3)) continue;
      budget.cost = 62'500'000 / (1 + below(400));
      budget.burst = below(40) * budget.cost;
      budget.served_burst = below(80) * budget.cost;
      budget.limit = below(400);
    }
    config.capacity_cost = one_in(2) ? 0 : 62'500'000 / (1 + below(400));
    config.scan_ports = static_cast<fw_u8>(below(6));
    config.unanswered_above = below(20);
    for (unsigned rule = 0; rule < 4; rule++) config.rule[rule] = random_rule(rule);
    config.rule[FW_RULE_OF_PREFIXES] = random_rule(0);
    config.rule[FW_RULE_OF_PREFIXES].own = 1;
    config.limit_bits_v4 = one_in(2) ? 124 : 0;
    config.limit_bits_v6 = static_cast<fw_u8>(one_in(2) ? 48 + 8 * below(3) : 0);
    for (const unsigned port : {22U, 443U, 65536U + 53, 65536U + 27015, 65536U + 68})
      ports_[port / FW_LINE_BYTES].value[port % FW_LINE_BYTES] = static_cast<fw_u8>(below(4));
    return pair_.publish(config, ports_);
  }

 private:
  // Every eighth frame arrives on an interface without Ethernet headers.
  Difference arrive(const Bytes& frame) {
    constexpr std::size_t kHeader = 14, kShortest = 14;  // what BPF_PROG_RUN takes
    if (steps_ % 8 != 0 || frame.size() < kHeader + kShortest) return pair_.ingress(frame, now_ns_);
    return pair_.ingress(std::span(frame).subspan(kHeader), now_ns_, FW_LINK_IP);
  }

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return random_() % n == 0; }

  void advance_clock() {
    now_ns_ += below(1'500'000);
    if (one_in(400)) now_ns_ += below(2'000) * kMillisecond;
    if (one_in(5'000)) now_ns_ += below(200) * kSecond;
    if (one_in(100'000)) now_ns_ += (one_in(2) ? 2'300'000ULL : 4'600'000ULL) * kSecond;
    if (one_in(700)) now_ns_ -= below(100) * kMillisecond;
    if (one_in(5'000)) now_ns_ -= below(5) * kSecond;
    if (one_in(50'000)) now_ns_ = now_ns_ / 2;
    if (one_in(100)) now_ns_ |= 0x3fffffff;  // the end of a window
  }

  fw_rule random_rule(unsigned number) {
    fw_rule rule{};
    for (fw_limit& limit : rule.limit) {
      if (!one_in(3)) {
        limit.cost_q8 = 16'000'000'000ULL / (1 + below(60));
        limit.burst = below(1U << 29);
        if (one_in(5)) limit.cost_q8 = random_() & ((1ULL << 38) - 1);
        limit.limit_above = below(100);
      }
      if (!one_in(3)) limit.ban_above = 1 + below(40);
      limit.peers = one_in(2);
    }
    rule.ban_ms = 1 + below(30'000);
    rule.own = one_in(2);
    rule.challenge = static_cast<fw_u8>(below(3));
    if (number > 1) rule.action = static_cast<fw_u8>(below(3));
    return rule;
  }

  Address random_prefix(unsigned& bits) {
    const bool v6 = one_in(3);
    const fw_u8 v4_bits[] = {128, 128, 128, 124, 112}, v6_bits[] = {128, 120, 64, 56, 48};
    bits = v6 ? v6_bits[below(5)] : v4_bits[one_in(4) ? below(5) : 0];
    return masked(Address::parse(frames_.peer(v6)).value(), bits);
  }

  Difference put() {
    unsigned bits = 0;
    const Address address = random_prefix(bits);
    fw_entry entry{};
    entry.addr = key_of(address);
    entry.prefix_bits = static_cast<fw_u8>(bits);
    entry.kind = static_cast<fw_u8>(one_in(3) ? 1 + below(3) : unsigned{FW_ENTRY_BAN});
    entry.since_ns = now_ns_;
    entry.until_ns = one_in(40) ? FW_FOREVER : now_ns_ + below(3'000) * kMillisecond;
    entry.hold_ms = one_in(2) ? below(3'000) : 0;
    entry.ban_above = below(20);
    entry.metric = static_cast<fw_u8>(below(FW_METRIC_COUNT) | below(4) << 5);
    entry.rule = static_cast<fw_u8>(below(4));
    entry.window = static_cast<fw_u32>(now_ns_ >> FW_WINDOW_SHIFT);
    return pair_.put(entry, now_ns_);
  }

  // A signature made from a packet, so that some packets match.
  void change_signature() {
    const Bytes& bytes = frames_.arriving();
    const auto size = static_cast<fw_u32>(bytes.size());
    const fw_frame frame{
        .data = bytes.data(), .captured_bytes = size, .wire_bytes = size, .link = FW_LINK_ETHERNET};
    fw_packet packet{};
    fw_policy_parse(&frame, &packet);
    const fw_match_key key = fw_policy_match_key(&packet);
    constexpr fw_u64 kFields[] = {0xffULL << 56, 0xffULL << 48, 0xffULL << 40, 0xffffULL << 16,
                                  0xffff};
    fw_signature signature{};
    for (unsigned n = 1 + below(3); n > 0; n--) signature.mask.word[0] |= kFields[below(5)];
    if (one_in(3)) signature.mask.word[1] = 0xffffULL << (one_in(2) ? 48 : 32);
    if (one_in(5)) signature.mask.word[2] = ~0ULL << (8 * below(8));
    for (unsigned i = 0; i < 3; i++) signature.value.word[i] = key.word[i] & signature.mask.word[i];
    pair_.set_signature(below(FW_MAX_SIGNATURES), signature,
                        one_in(3) ? 0 : below(1U << FW_CLASS_COUNT));
  }

  // Opens and closes sockets, and makes ports forget that they answered: else all soon have.
  void change_served() {
    constexpr unsigned kPorts[] = {22, 80, 443, 65536 + 53, 65536 + 80, 65536 + 27015};
    constexpr fw_u8 kServed[] = {FW_PORT_CLOSED, FW_PORT_ANSWERS, FW_PORT_LISTENS,
                                 FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF};
    pair_.set_served(kPorts[below(std::size(kPorts))], kServed[below(std::size(kServed))]);
  }

  // Random frames complete few handshakes.
  void establish() {
    const Bytes& bytes = frames_.arriving();
    const auto size = static_cast<fw_u32>(bytes.size());
    const fw_frame frame{
        .data = bytes.data(), .captured_bytes = size, .wire_bytes = size, .link = FW_LINK_ETHERNET};
    fw_packet packet{};
    if (fw_policy_parse(&frame, &packet) == 0 || packet.proto != FW_IPPROTO_TCP) return;
    pair_.establish(from_key(packet.src), packet.sport, from_key(packet.dst), packet.dport,
                    now_ns_);
  }

  Difference erase() {
    pair_.erase(below(fw_entry_slots(&Pair::kSizes)));
    return {};
  }

  Difference change_lists() {
    std::vector<lists::Range> deny, allow;
    for (unsigned n = below(6); n > 0; n--) {
      unsigned bits = 0;
      const Address first = random_prefix(bits);
      Address last = first;
      last.lo |= bits >= 128 ? 0 : bits > 64 ? ~std::uint64_t{0} >> (bits - 64) : ~std::uint64_t{0};
      (one_in(3) ? allow : deny).push_back({first, last});
    }
    // Some lists have more keys in one /16 than a cell holds, so that nodes and bitmaps are used.
    const Address crowded = Address::parse(frames_.peer(false)).value();
    for (unsigned n = one_in(2) ? 60 : 0; n > 0; n--) {
      const Address at{crowded.hi, crowded.lo ^ below(one_in(2) ? 256 : 65536)};
      deny.push_back({at, at});
    }
    const auto image = lists::build_image(deny, allow);
    return image ? pair_.publish_lists(*image) : Difference{image.error().message};
  }

  Pair& pair_;
  std::mt19937_64 random_;
  Frames frames_;
  std::vector<fw_port_line> ports_;
  std::uint64_t now_ns_ = 3'600 * kSecond;
  unsigned steps_ = 0;
};

}  // namespace

Difference run_history(Pair& pair, unsigned seed, std::size_t frames, std::size_t check_every) {
  History history(pair, seed);
  if (Difference found = history.publish()) return found;
  for (std::size_t i = 0; i < frames; i++) {
    Difference found = history.step();
    if (!found && (i % check_every == 0 || i + 1 == frames)) found = pair.tables();
    if (found) return fmt::format("frame {} of seed {}: {}", i, seed, *found);
  }
  return {};
}

}  // namespace fw::test
