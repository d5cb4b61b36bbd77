// SPDX-License-Identifier: MIT
#include "engine/detect/signature_priors.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace fw::engine {

namespace {

constexpr double kRare = 0.003;
constexpr double kVeryRare = 0.0001;
constexpr std::uint8_t kTcp = 6;

bool is_one_of(std::uint64_t value, std::initializer_list<std::uint64_t> values) {
  return std::ranges::find(values, value) != values.end();
}

// Stacks start at 64, 128 or 255, and few paths have more than 28 hops.
bool is_below(std::uint64_t ttl, std::uint64_t start) {
  return ttl <= start && ttl + 28 > start;
}
double ttl_share(std::uint64_t ttl) {
  if (is_below(ttl, 64) || is_below(ttl, 128)) return 0.1;
  return is_below(ttl, 255) ? 0.01 : kRare;
}

struct WindowShare {
  std::uint64_t window;
  double share;
};

// How a client's operating system opens a connection: what nmap's and p0f's fingerprints, and the
// stacks' sources, say of the systems in use.
struct ClientStack {
  double weight;  // of all clients
  std::uint64_t header_bytes;
  std::uint64_t ttl_start;
  std::array<WindowShare, 4> windows;
  double other_window;
};
constexpr std::array kClientStacks{
    // Linux and Android: MSS, SACK, time stamps, window scale.
    ClientStack{0.45, 40, 64, {{{64240, 0.5}, {65535, 0.3}, {29200, 0.1}, {62727, 0.05}}}, 0.005},
    // Windows: no time stamps.
    ClientStack{0.30, 32, 128, {{{64240, 0.5}, {65535, 0.3}, {8192, 0.2}, {8760, 0.01}}}, 0.005},
    // macOS and iOS: the same as Linux, and an end of list.
    ClientStack{
        0.20, 44, 64, {{{65535, 0.98}, {64240, 0.01}, {32768, 0.01}, {16384, 0.01}}}, 0.001},
};
constexpr double kOtherStacks = 0.048;
// Without any option: monitoring probes, toys, scanners.
constexpr double kBareStacks = 0.002;

double stack_share(const ClientStack& stack, const Term& term) {
  switch (term.field) {
    case HeaderField::header:
      return term.value == stack.header_bytes ? 1 : kVeryRare;
    case HeaderField::length:
      return is_one_of(term.value, {20 + stack.header_bytes, 40 + stack.header_bytes}) ? 1
                                                                                       : kVeryRare;
    case HeaderField::ttl:
      return is_below(term.value, stack.ttl_start) ? 0.1 : kRare;
    case HeaderField::window:
      for (const WindowShare& common : stack.windows)
        if (common.window == term.value) return common.share;
      return stack.other_window;
    default:
      return 1;
  }
}

double other_stack_share(const Term& term) {
  switch (term.field) {
    case HeaderField::header:
      return term.value > 20 ? 0.2 : 0;
    case HeaderField::length:
      return term.value > 40 ? 0.2 : 0;
    case HeaderField::ttl:
      return ttl_share(term.value);
    case HeaderField::window:
      return 0.05;
    default:
      return 1;
  }
}

double bare_stack_share(const Term& term) {
  switch (term.field) {
    case HeaderField::header:
      return term.value == 20 ? 1 : 0;
    case HeaderField::length:
      return is_one_of(term.value, {40, 60}) ? 1 : 0;
    case HeaderField::ttl:
      return ttl_share(term.value);
    case HeaderField::window:
      return 0.02;
    default:
      return 1;
  }
}

// Every client has them alike.
double any_client_share(const Term& term) {
  switch (term.field) {
    case HeaderField::sport:
      return term.value < 1024 ? kVeryRare / 10 : kVeryRare;
    case HeaderField::dport:
      return 0.05;  // a service that has not answered yet
    case HeaderField::flags:
      if (term.value == FW_TCP_SYN) return 1;
      return term.value == (FW_TCP_SYN | 0xc0) ? 0.1 : kVeryRare; /* ECN, RFC 3168 */
    case HeaderField::payload:
      return term.value == 0 ? 1 : kRare; /* Fast Open, RFC 7413 */
    case HeaderField::fragment:
      return term.value == FW_FRAG_NONE ? 1 : kVeryRare;
    default:
      return 1;
  }
}

Likelihood client_likelihood(const Term& term) {
  Likelihood out{};
  for (std::size_t i = 0; i < kClientStacks.size(); i++)
    out.at(i) = stack_share(kClientStacks.at(i), term);
  out[3] = other_stack_share(term);
  out[4] = bare_stack_share(term);
  for (double& share : out) share *= any_client_share(term);
  return out;
}

// ACKs, resets and the like of connections that nobody here knows (any more).
double stray_share(const Term& term) {
  switch (term.field) {
    case HeaderField::flags:
      if (is_one_of(term.value, {FW_TCP_ACK, FW_TCP_ACK | FW_TCP_PSH})) return 0.6;
      if (is_one_of(term.value, {FW_TCP_RST, FW_TCP_RST | FW_TCP_ACK, FW_TCP_FIN | FW_TCP_ACK}))
        return 0.2;
      return term.value == (FW_TCP_SYN | FW_TCP_ACK) ? 0.005 : kRare;
    case HeaderField::length:
      return is_one_of(term.value, {40, 52, 60, 72, 1500}) ? 0.5 : 0.05;
    case HeaderField::header:
      return is_one_of(term.value, {20, 32}) ? 0.6 : 0.05;
    case HeaderField::window:
      return is_one_of(term.value, {0, 501, 502, 64240, 65535, 65160}) ? 0.2 : 0.01;
    case HeaderField::sport:
      return is_one_of(term.value, {80, 443}) ? 0.3 : 0.001;
    case HeaderField::dport:
      return 0.01;
    case HeaderField::payload:
      return term.value == 0 ? 0.8 : term.bits >= 32 ? 0.05 : 0.3;
    default:
      return 1;
  }
}

bool is_common_udp_port(std::uint64_t port) {
  return is_one_of(
      port, {53, 67, 68, 123, 137, 138, 443, 500, 1194, 1900, 3478, 3702, 4500, 5060, 5353, 51820});
}

// What asks a service may be one application's only packet: the same length, the same first bytes.
double question_share(const TrafficScope& scope, const Term& term) {
  const bool served = scope.port != 0;
  switch (term.field) {
    case HeaderField::length:
      return served ? 0.3 : 0.05;
    case HeaderField::payload:
      if (served) return term.bits >= 64 ? 0.3 : 0.5;
      return term.bits >= 32 ? 0.05 : 0.1;
    case HeaderField::sport:
      // Peers of one protocol speak from its port; who asks another service from it reflects.
      if (term.value == scope.port || (!served && is_common_udp_port(term.value))) return 0.3;
      return is_common_udp_port(term.value) ? kRare : 0.0005;
    case HeaderField::dport:
      return is_common_udp_port(term.value) ? 0.3 : 0.05;
    default:
      return 1;
  }
}

// Late answers, and answers whose question went another way.
double answer_share(const Term& term) {
  switch (term.field) {
    case HeaderField::sport:
      if (is_one_of(term.value, {53})) return 0.6;
      return is_one_of(term.value, {123, 1194, 3478, 5060}) ? 0.2 : 0.002;
    case HeaderField::dport:
      return is_common_udp_port(term.value) ? 0.3 : 0.005;
    case HeaderField::length:
      return 0.05;
    case HeaderField::payload:
      return term.bits >= 32 ? 0.05 : 0.1;
    default:
      return 1;
  }
}

double echo_share(const Term& term) {
  constexpr std::uint64_t kAlphabet = 0x6162636465666768; /* what Windows fills a ping with */
  switch (term.field) {
    case HeaderField::length:
      return is_one_of(term.value, {28, 60, 80, 84, 104}) ? 0.5 : 0.03;
    case HeaderField::dport:
      return is_one_of(term.value, {0, 1}) ? 0.4 : 0.005;
    case HeaderField::payload:
      if (term.value == 0 || term.value == kAlphabet >> (64 - term.bits)) return 0.4;
      return term.bits >= 32 ? 0.02 : 0.05;
    default:
      return 1;
  }
}

double icmp_share(const Term& term) {
  switch (term.field) {
    case HeaderField::icmp:
      return is_one_of(term.value >> 8, {0, 1, 2, 3, 4, 11, 129}) ? 0.3 : 0.02;
    case HeaderField::length:
      return 0.1;
    case HeaderField::dport:
      return 0.01;
    case HeaderField::payload:
      return term.bits >= 32 ? 0.05 : 0.7;
    default:
      return 1;
  }
}

double rest_share(const TrafficScope& scope, const Term& term) {
  if (term.field != HeaderField::length) return 1;
  return scope.traffic_class == FW_CLASS_FRAGMENT && is_one_of(term.value, {1480, 1496, 1500})
             ? 0.5
             : 0.05;
}

double one_share(const TrafficScope& scope, const Term& term) {
  if (term.field == HeaderField::ttl) return ttl_share(term.value);
  if (term.field == HeaderField::fragment && scope.traffic_class != FW_CLASS_FRAGMENT)
    return term.value == FW_FRAG_NONE ? 1 : 0.01;
  switch (scope.traffic_class) {
    case FW_CLASS_TCP_FLOW:
    case FW_CLASS_TCP_STRAY:
      return stray_share(term);
    case FW_CLASS_UDP_REPLY:
    case FW_CLASS_UDP_REFLECTED:
      return answer_share(term);
    case FW_CLASS_UDP_NEW:
      return question_share(scope, term);
    case FW_CLASS_ICMP_ECHO:
      return echo_share(term);
    case FW_CLASS_ICMP_OTHER:
      return icmp_share(term);
    default:
      return rest_share(scope, term);
  }
}

}  // namespace

Likelihood likelihood(const TrafficScope& scope, const Term& term) {
  if (scope.traffic_class == FW_CLASS_TCP_SYN && scope.proto == kTcp)
    return client_likelihood(term);
  Likelihood out{};
  out[0] = one_share(scope, term);
  return out;
}

double ordinary_share(const TrafficScope& scope, const Likelihood& likelihood) {
  if (scope.traffic_class != FW_CLASS_TCP_SYN || scope.proto != kTcp) return likelihood[0];
  double sum = kOtherStacks * likelihood[3] + kBareStacks * likelihood[4];
  for (std::size_t i = 0; i < kClientStacks.size(); i++)
    sum += kClientStacks.at(i).weight * likelihood.at(i);
  return sum;
}

}  // namespace fw::engine
