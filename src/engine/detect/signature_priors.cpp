// SPDX-License-Identifier: MIT
#include "engine/detect/signature_priors.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace fw::engine {

namespace {

// Where each number is from. Header lengths, TTLs and windows were read from fingerprints and
// sources, named beside them. Every share (a probability) is judgement: no measurement of the
// traffic of the internet is behind it. docs/detection.md shows what detection owes to them.
constexpr double kRare = 0.003;  // above max_fp_rate: without a baseline never enough by itself
constexpr double kVeryRare = 0.0001;       // what an ordinary sender's stack does not do
constexpr std::uint64_t kEcnFlags = 0xc0;  // ECE and CWR: a SYN that offers ECN, RFC 3168
// Few paths have more routers: judgement.
constexpr std::uint64_t kMaxHops = 28;

bool is_one_of(std::uint64_t value, std::initializer_list<std::uint64_t> values) {
  return std::ranges::find(values, value) != values.end();
}

// Stacks start at 64, 128 or 255: field T of nmap-os-db, `ittl` of p0f.fp.
bool is_below(std::uint64_t ttl, std::uint64_t start) {
  return ttl <= start && ttl + kMaxHops > start;
}
double ttl_share(std::uint64_t ttl) {
  if (is_below(ttl, 64) || is_below(ttl, 128)) return 0.1;
  return is_below(ttl, 255) ? 0.01 : kRare;
}

struct WindowShare {
  std::uint64_t window;
  double share;
};

// How a client's operating system opens a connection. The option layouts give the header length.
struct ClientStack {
  double weight;  // share of all clients
  std::uint64_t header_bytes;
  std::uint64_t ttl_start;
  std::array<WindowShare, 4> windows;
  double other_window;  // share of any other window
};
constexpr std::array kClientStacks{
    // Linux, Android. p0f.fp, s:unix:Linux: mss,sok,ts,nop,ws (20 bytes of options), TTL 64.
    // Windows
    // are multiples of the MSS up to 65,535 (tcp_select_initial_window() in Linux): 44 and 20 times
    // 1,460 (p0f.fp has mss*20), 7 times 8,961 (jumbo frames); 65,535: Android.
    ClientStack{0.45, 40, 64, {{{64240, 0.5}, {65535, 0.3}, {29200, 0.1}, {62727, 0.05}}}, 0.005},
    // Windows. p0f.fp, s:win:Windows: mss,nop,ws,nop,nop,sok (12 bytes), TTL 128, windows 8,192 and
    // 65,535. 64,240 and 8,760 are 44 and 6 times an MSS of 1,460.
    ClientStack{0.30, 32, 128, {{{64240, 0.5}, {65535, 0.3}, {8192, 0.2}, {8760, 0.01}}}, 0.005},
    // macOS, iOS. p0f.fp, s:unix:Mac OS X and s:unix:iOS: mss,nop,ws,nop,nop,ts,sok,eol+1 (24
    // bytes), TTL 64, window 65,535. The others are judgement.
    ClientStack{
        0.20, 44, 64, {{{65535, 0.98}, {64240, 0.01}, {32768, 0.01}, {16384, 0.01}}}, 0.001},
};
constexpr double kOtherStacks = 0.048;  // with options, but none of the above
constexpr double kBareStacks = 0.002;   // without any option: monitoring probes, scanners

double stack_share(const ClientStack& stack, const MatchField& field) {
  switch (field.field) {
    case HeaderField::header:
      return field.value == stack.header_bytes ? 1 : kVeryRare;
    case HeaderField::length:
      return is_one_of(field.value, {20 + stack.header_bytes, 40 + stack.header_bytes}) ? 1
                                                                                        : kVeryRare;
    case HeaderField::ttl:
      return is_below(field.value, stack.ttl_start) ? 0.1 : kRare;
    case HeaderField::window:
      for (const WindowShare& common : stack.windows)
        if (common.window == field.value) return common.share;
      return stack.other_window;
    default:
      return 1;
  }
}

double other_stack_share(const MatchField& field) {
  switch (field.field) {
    case HeaderField::header:
      return field.value > 20 ? 0.2 : 0;
    case HeaderField::length:
      return field.value > 40 ? 0.2 : 0;
    case HeaderField::ttl:
      return ttl_share(field.value);
    case HeaderField::window:
      return 0.05;
    default:
      return 1;
  }
}

double bare_stack_share(const MatchField& field) {
  switch (field.field) {
    case HeaderField::header:
      return field.value == 20 ? 1 : 0;
    case HeaderField::length:
      return is_one_of(field.value, {40, 60}) ? 1 : 0;
    case HeaderField::ttl:
      return ttl_share(field.value);
    case HeaderField::window:
      return 0.02;
    default:
      return 1;
  }
}

// What does not depend on the stack. Ports below 1,024 are no ephemeral ports (RFC 6056, section
// 3).
double any_client_share(const MatchField& field) {
  switch (field.field) {
    case HeaderField::sport:
      return field.value < 1024 ? kVeryRare / 10 : kVeryRare;
    case HeaderField::dport:
      return 0.05;  // a service that has not answered yet
    case HeaderField::flags:
      if (field.value == FW_TCP_SYN) return 1;
      return field.value == (FW_TCP_SYN | kEcnFlags) ? 0.1 : kVeryRare;
    case HeaderField::payload:
      return field.value == 0 ? 1 : kRare;  // data: TCP Fast Open, RFC 7413
    case HeaderField::fragment:
      return field.value == FW_FRAG_NONE ? 1 : kVeryRare;
    default:
      return 1;
  }
}

Likelihood client_likelihood(const MatchField& field) {
  Likelihood out{};
  for (std::size_t i = 0; i < kClientStacks.size(); i++)
    out.at(i) = stack_share(kClientStacks.at(i), field);
  out[3] = other_stack_share(field);
  out[4] = bare_stack_share(field);
  for (double& share : out) share *= any_client_share(field);
  return out;
}

// ACKs, resets and the like of flows that are unknown or forgotten. Lengths are those of a bare ACK
// (without and with time stamps, IPv4 and IPv6) and of a full packet; windows are what Linux (501,
// 502: 64,128 / 128; 65,160: 45 * 1,448) and Windows send in established flows.
double stray_share(const MatchField& field) {
  switch (field.field) {
    case HeaderField::flags:
      if (is_one_of(field.value, {FW_TCP_ACK, FW_TCP_ACK | FW_TCP_PSH})) return 0.6;
      if (is_one_of(field.value, {FW_TCP_RST, FW_TCP_RST | FW_TCP_ACK, FW_TCP_FIN | FW_TCP_ACK}))
        return 0.2;
      return field.value == (FW_TCP_SYN | FW_TCP_ACK) ? 0.005 : kRare;
    case HeaderField::length:
      return is_one_of(field.value, {40, 52, 60, 72, 1500}) ? 0.5 : 0.05;
    case HeaderField::header:
      return is_one_of(field.value, {20, 32}) ? 0.6 : 0.05;
    case HeaderField::window:
      return is_one_of(field.value, {0, 501, 502, 64240, 65535, 65160}) ? 0.2 : 0.01;
    case HeaderField::sport:
      return is_one_of(field.value, {80, 443}) ? 0.3 : 0.001;
    case HeaderField::dport:
      return 0.01;
    case HeaderField::payload:
      return field.value == 0 ? 0.8 : field.bits >= 32 ? 0.05 : 0.3;
    default:
      return 1;
  }
}

// IANA's service names: DNS, DHCP, NTP, NetBIOS, QUIC, IKE, OpenVPN, SSDP, STUN, WS-Discovery,
// IPsec NAT traversal, SIP, mDNS; WireGuard's default. Which of them are common is judgement.
bool is_common_udp_port(std::uint64_t port) {
  return is_one_of(
      port, {53, 67, 68, 123, 137, 138, 443, 500, 1194, 1900, 3478, 3702, 4500, 5060, 5353, 51820});
}

// Requests to a UDP service. They may all be one application's only packet, of the same length and
// with the same first bytes.
double request_share(const TrafficScope& scope, const MatchField& field) {
  const bool served = scope.port != 0;
  switch (field.field) {
    case HeaderField::length:
      return served ? 0.3 : 0.05;
    case HeaderField::payload:
      if (served) return field.bits >= 64 ? 0.3 : 0.5;
      return field.bits >= 32 ? 0.05 : 0.1;
    case HeaderField::sport:
      // Peers of one protocol send from its port. Requests from it to another service are
      // reflected.
      if (field.value == scope.port || (!served && is_common_udp_port(field.value))) return 0.3;
      return is_common_udp_port(field.value) ? kRare : 0.0005;
    case HeaderField::dport:
      return is_common_udp_port(field.value) ? 0.3 : 0.05;
    default:
      return 1;
  }
}

// Late answers, and answers to a request that left by another path.
double answer_share(const MatchField& field) {
  switch (field.field) {
    case HeaderField::sport:
      if (is_one_of(field.value, {53})) return 0.6;
      return is_one_of(field.value, {123, 1194, 3478, 5060}) ? 0.2 : 0.002;
    case HeaderField::dport:
      return is_common_udp_port(field.value) ? 0.3 : 0.005;
    case HeaderField::length:
      return 0.05;
    case HeaderField::payload:
      return field.bits >= 32 ? 0.05 : 0.1;
    default:
      return 1;
  }
}

// Lengths are those of ping: no payload, Windows' 32 bytes (IPv4, IPv6), iputils' 56 (IPv4, IPv6).
double echo_share(const MatchField& field) {
  constexpr std::uint64_t kAlphabet = 0x6162636465666768;  // "abcdefgh": Windows' ping
  switch (field.field) {
    case HeaderField::length:
      return is_one_of(field.value, {28, 60, 80, 84, 104}) ? 0.5 : 0.03;
    case HeaderField::dport:
      return is_one_of(field.value, {0, 1}) ? 0.4 : 0.005;
    case HeaderField::payload:
      if (field.value == 0 || field.value == kAlphabet >> (64 - field.bits)) return 0.4;
      return field.bits >= 32 ? 0.02 : 0.05;
    default:
      return 1;
  }
}

// Types 0, 3, 4, 11 of ICMP and 1, 2, 3, 4, 129 of ICMPv6 (IANA): echo replies and errors.
double icmp_share(const MatchField& field) {
  switch (field.field) {
    case HeaderField::icmp:
      return is_one_of(field.value >> 8, {0, 1, 2, 3, 4, 11, 129}) ? 0.3 : 0.02;
    case HeaderField::length:
      return 0.1;
    case HeaderField::dport:
      return 0.01;
    case HeaderField::payload:
      return field.bits >= 32 ? 0.05 : 0.7;
    default:
      return 1;
  }
}

// Fragments of a path of 1,500 bytes, in multiples of 8: 1,500 (RFC 791), 1,496 (RFC 8200). 1,480,
// of a tunnel, is judgement.
double rest_share(const TrafficScope& scope, const MatchField& field) {
  if (field.field != HeaderField::length) return 1;
  return scope.traffic_class == FW_CLASS_FRAGMENT && is_one_of(field.value, {1480, 1496, 1500})
             ? 0.5
             : 0.05;
}

double one_share(const TrafficScope& scope, const MatchField& field) {
  if (field.field == HeaderField::ttl) return ttl_share(field.value);
  if (field.field == HeaderField::fragment && scope.traffic_class != FW_CLASS_FRAGMENT)
    return field.value == FW_FRAG_NONE ? 1 : 0.01;
  switch (scope.traffic_class) {
    case FW_CLASS_TCP_FLOW:
    case FW_CLASS_TCP_STRAY:
      return stray_share(field);
    case FW_CLASS_UDP_REPLY:
    case FW_CLASS_UDP_REFLECTED:
      return answer_share(field);
    case FW_CLASS_UDP_NEW:
      return request_share(scope, field);
    case FW_CLASS_ICMP_ECHO:
      return echo_share(field);
    case FW_CLASS_ICMP_OTHER:
      return icmp_share(field);
    default:
      return rest_share(scope, field);
  }
}

}  // namespace

Likelihood likelihood(const TrafficScope& scope, const MatchField& field) {
  if (scope.traffic_class == FW_CLASS_TCP_SYN && scope.proto == FW_IPPROTO_TCP)
    return client_likelihood(field);
  Likelihood out{};
  out[0] = one_share(scope, field);
  return out;
}

double prior_share(const TrafficScope& scope, const Likelihood& likelihood) {
  if (scope.traffic_class != FW_CLASS_TCP_SYN || scope.proto != FW_IPPROTO_TCP)
    return likelihood[0];
  double sum = kOtherStacks * likelihood[3] + kBareStacks * likelihood[4];
  for (std::size_t i = 0; i < kClientStacks.size(); i++)
    sum += kClientStacks.at(i).weight * likelihood.at(i);
  return sum;
}

}  // namespace fw::engine
