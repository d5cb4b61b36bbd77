// SPDX-License-Identifier: MIT
#include "host/proxies.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

namespace fw::host {

namespace {

constexpr std::array<std::uint16_t, 4> kWebPorts{80, 443, 8080, 8443};
constexpr unsigned kEnough = 20;     // judgement: fewer connections are of anybody
constexpr unsigned kEnoughFew = 50;  // the same for a proxy that is not known
constexpr std::size_t kFew = 3;      // addresses; an office's clients come from one, too
constexpr unsigned kIpv4 = 96;       // bits in front of an IPv4 prefix in the mapped form

struct Published {
  std::string_view owner, prefix;
};
// https://www.cloudflare.com/ips/ and https://api.fastly.com/public-ip-list, which change rarely.
constexpr Published kPublished[] = {
    {"Cloudflare", "103.21.244.0/22"}, {"Cloudflare", "103.22.200.0/22"},
    {"Cloudflare", "103.31.4.0/22"},   {"Cloudflare", "104.16.0.0/13"},
    {"Cloudflare", "104.24.0.0/14"},   {"Cloudflare", "108.162.192.0/18"},
    {"Cloudflare", "131.0.72.0/22"},   {"Cloudflare", "141.101.64.0/18"},
    {"Cloudflare", "162.158.0.0/15"},  {"Cloudflare", "172.64.0.0/13"},
    {"Cloudflare", "173.245.48.0/20"}, {"Cloudflare", "188.114.96.0/20"},
    {"Cloudflare", "190.93.240.0/20"}, {"Cloudflare", "197.234.240.0/22"},
    {"Cloudflare", "198.41.128.0/17"}, {"Cloudflare", "2400:cb00::/32"},
    {"Cloudflare", "2405:8100::/32"},  {"Cloudflare", "2405:b500::/32"},
    {"Cloudflare", "2606:4700::/32"},  {"Cloudflare", "2803:f800::/32"},
    {"Cloudflare", "2a06:98c0::/29"},  {"Cloudflare", "2c0f:f248::/32"},
    {"Fastly", "104.156.80.0/20"},     {"Fastly", "140.248.64.0/18"},
    {"Fastly", "140.248.128.0/17"},    {"Fastly", "146.75.0.0/17"},
    {"Fastly", "151.101.0.0/16"},      {"Fastly", "157.52.64.0/18"},
    {"Fastly", "167.82.0.0/17"},       {"Fastly", "172.111.64.0/18"},
    {"Fastly", "185.31.16.0/22"},      {"Fastly", "199.27.72.0/21"},
    {"Fastly", "199.232.0.0/16"},      {"Fastly", "23.235.32.0/20"},
    {"Fastly", "2a04:4e40::/32"},      {"Fastly", "2a04:4e42::/32"}};

struct Range {
  std::string_view owner;
  Prefix prefix;
};
const std::vector<Range>& ranges() {
  static const std::vector<Range> all = [] {
    std::vector<Range> parsed;
    for (const Published& one : kPublished)
      if (const auto prefix = Prefix::parse(one.prefix)) parsed.push_back({one.owner, *prefix});
    return parsed;
  }();
  return all;
}

bool is_loopback(const Address& address) {
  return address.is_v4() ? address.v4_number() >> 24 == 127 : address == Address{0, 1};
}

struct Count {
  unsigned connections = 0;
  std::set<Prefix> prefixes;
};

}  // namespace

ProxyInFront proxy_in_front(std::span<const Socket> connections,
                            std::span<const Socket> listeners) {
  std::set<std::uint16_t> served;
  for (const Socket& one : listeners)
    if (std::ranges::find(kWebPorts, one.local_port) != kWebPorts.end())
      served.insert(one.local_port);
  ProxyInFront found;
  std::map<std::string_view, Count> known;
  std::map<Address, unsigned> others;
  for (const Socket& one : connections) {
    if (!served.contains(one.local_port) || is_loopback(one.remote) || one.remote == one.local)
      continue;
    found.all++;
    const auto range = std::ranges::find_if(
        ranges(), [&one](const Range& each) { return each.prefix.contains(one.remote); });
    if (range == ranges().end()) {
      // Of a client of IPv6 the /64 counts.
      others[masked(one.remote, one.remote.is_v4() ? kIpv4 + 32 : 64)]++;
      continue;
    }
    known[range->owner].connections++;
    known[range->owner].prefixes.insert(range->prefix);
  }
  if (found.all < kEnough) return found;
  for (const auto& [owner, count] : known) {
    if (count.connections < found.connections) continue;
    found.connections = count.connections;
    found.name = owner;
    found.prefixes.assign(count.prefixes.begin(), count.prefixes.end());
  }
  using Certainty = ProxyInFront::Certainty;
  if (found.connections * 5 >= found.all * 4) {
    found.certainty = Certainty::sure;
  } else if (found.connections * 5 >= found.all) {
    found.certainty = Certainty::perhaps;
  } else if (found.name.clear(), found.all >= kEnoughFew && others.size() <= kFew) {
    found.certainty = Certainty::perhaps;
    found.connections = found.all;
    found.prefixes.clear();
    for (const auto& [address, count] : others)
      found.prefixes.push_back({address, address.is_v4() ? 128U : 64U});
  }
  return found;
}

}  // namespace fw::host
