// SPDX-License-Identifier: MIT
#include "setup/kinds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/terminal_text.hpp"
#include "host/port_forwarding.hpp"
#include "host/proxies.hpp"

namespace fw::setup {

namespace {

struct Range {
  bool udp;
  std::uint16_t first, last;
};

struct Row {
  Kind kind;
  std::string_view name, guide;
  std::span<const Range> ports;
  std::string_view usual;  // ports that are written if none of them listens
  std::string_view text;   // of the configuration; {} is the array of ports
};

constexpr std::array kWeb{Range{false, 80, 80}, Range{false, 443, 443}, Range{true, 443, 443}};
// Source engine, FiveM, Minecraft (both), Quake 3, TeamSpeak, Unreal, Rust, Valheim, ARK.
constexpr std::array kGame{
    Range{true, 27015, 27050}, Range{true, 30120, 30120}, Range{false, 25565, 25565},
    Range{true, 19132, 19132}, Range{true, 27960, 27960}, Range{true, 9987, 9987},
    Range{true, 7777, 7778},   Range{true, 28015, 28017}, Range{true, 2456, 2458}};
constexpr std::array kDns{Range{true, 53, 53}, Range{false, 53, 53}};
constexpr std::array kMail{Range{false, 25, 25},   Range{false, 465, 465}, Range{false, 587, 587},
                           Range{false, 110, 110}, Range{false, 143, 143}, Range{false, 993, 993},
                           Range{false, 995, 995}};
constexpr std::array kVpn{Range{true, 51820, 51820}, Range{true, 1194, 1194}, Range{true, 500, 500},
                          Range{true, 4500, 4500}};
constexpr std::array kLogs{Range{true, 514, 514}, Range{true, 12201, 12201},
                           Range{true, 2055, 2055}, Range{true, 6343, 6343}, Range{true, 162, 162}};

constexpr std::string_view kProxiedText =
    "# All users come from the proxy's addresses, so a limit per source would hit all of them.\n"
    "# Better still: put the proxy's addresses on allow.list, and write action = \"drop\" instead\n"
    "# of the limit. Then nobody reaches the web server past the proxy.\n"
    "[[service]]\nname = \"web\"\nport = [{}]\n"
    "syn  = {{ limit = \"none\", ban_at = \"none\" }}\n";
constexpr std::string_view kWebText =
    "# Connections that complete their handshake do not count.\n"
    "[[service]]\nname = \"web\"\nport = [{}]\n"
    "syn  = {{ limit = \"100/s\", ban_at = \"150/s\" }}\n";
constexpr std::string_view kGameText =
    "# Packets of players do not count: the server answers them.\n"
    "[[service]]\nname     = \"game\"\nport     = [{}]\n"
    "packets  = {{ limit = \"1k/s\", ban_at = \"2k/s\" }}\nban_time = \"10m\"\n";
constexpr std::string_view kDnsText =
    "# Questions that are answered do not count. \"auto\": above what the service bears, senders\n"
    "# are asked to come by TCP.\n"
    "[[service]]\nname      = \"dns\"\nport      = [{}]\n"
    "packets   = {{ limit = \"2k/s\" }}\nchallenge = \"auto\"\n";
constexpr std::string_view kMailText =
    "# Mail servers open few connections; those that complete their handshake do not count.\n"
    "[[service]]\nname = \"mail\"\nport = [{}]\n"
    "syn  = {{ limit = \"50/s\", ban_at = \"100/s\" }}\n";
constexpr std::string_view kVpnText =
    "# Packets of tunnels that are answered do not count: this holds for who only knocks.\n"
    "[[service]]\nname    = \"vpn\"\nport    = [{}]\npackets = {{ limit = \"500/s\" }}\n";
constexpr std::string_view kLogsText =
    "# A collector answers nobody, so its senders look like a flood. If you know them, put them "
    "on\n"
    "# allow.list and write action = \"drop\" instead of the limit.\n"
    "[[service]]\nname    = \"logs\"\nport    = [{}]\npackets = {{ limit = \"none\" }}\n"
    "udp     = {{ limit = \"none\", ban_at = \"none\" }}\n";

constexpr std::array<Row, kKinds> kRows{{
    {Kind::web, "web server", "web.md", kWeb, R"("tcp/80", "tcp/443", "udp/443")", kWebText},
    {Kind::proxied_web, "web server behind a proxy or CDN", "web.md", kWeb,
     R"("tcp/80", "tcp/443", "udp/443")", kProxiedText},
    {Kind::game, "game server", "game.md", kGame, R"("udp/27015")", kGameText},
    {Kind::dns, "DNS server", "dns.md", kDns, R"("udp/53", "tcp/53")", kDnsText},
    {Kind::mail, "mail server", "mail.md", kMail, R"("tcp/25", "tcp/465", "tcp/587", "tcp/993")",
     kMailText},
    {Kind::vpn, "VPN gateway", "vpn.md", kVpn, R"("udp/51820")", kVpnText},
    {Kind::log_collector, "log collector", "log-collector.md", kLogs, R"("udp/514")", kLogsText},
    // Nothing is written for it: which ports are published is Docker's matter.
    {Kind::docker, "Docker host", "docker.md", {}, "", ""},
}};

bool from_outside(const host::Socket& one) {
  const std::string local = one.local.text();
  return !local.starts_with("127.") && local != "::1";
}

std::vector<std::string> listening(const Row& row, const Evidence& evidence) {
  std::vector<std::string> found;
  for (const Range& range : row.ports)
    for (const host::Socket& one : evidence.listeners) {
      if (one.proto != (range.udp ? IPPROTO_UDP : IPPROTO_TCP) || !from_outside(one)) continue;
      if (one.local_port < range.first || one.local_port > range.last) continue;
      std::string port = fmt::format("{}/{}", range.udp ? "udp" : "tcp", one.local_port);
      if (std::ranges::find(found, port) == found.end()) found.push_back(std::move(port));
    }
  return found;
}

std::string why(const Row& row, const std::vector<std::string>& ports, const Evidence& evidence) {
  const bool proxied = !evidence.proxies.empty();
  if (row.kind == Kind::docker) {
    if (!evidence.has_docker) return {};
    return evidence.forwards_ports ? "Docker is here, and ports are forwarded" : "Docker is here";
  }
  if (row.kind == Kind::web && proxied) return {};
  if (row.kind == Kind::proxied_web && !proxied) return {};
  if (ports.empty()) return {};
  return fmt::format("{} {}", fmt::join(ports, ", "), ports.size() == 1 ? "listens" : "listen");
}

}  // namespace

Evidence read_evidence() {
  Evidence out{.proxies = host::trusted_proxies()};
  if (auto found = host::listeners()) out.listeners = std::move(*found);
  if (auto found = host::connected_sockets()) out.connections = std::move(*found);
  if (const auto found = host::forwards_ports()) out.forwards_ports = *found;
  std::error_code error;
  out.has_docker = std::filesystem::exists("/run/docker.sock", error);
  return out;
}

std::vector<Offer> offers(const Evidence& evidence) {
  std::vector<Offer> out;
  for (const Row& row : kRows) {
    Offer offer{.kind = row.kind, .name = std::string(row.name), .ports = listening(row, evidence)};
    offer.why = why(row, offer.ports, evidence);
    offer.guide = fmt::format("docs/guides/{}", row.guide);
    out.push_back(std::move(offer));
  }
  return out;
}

std::string in_front(const Evidence& evidence) {
  if (!evidence.proxies.empty()) {
    const host::TrustedProxy& first = evidence.proxies.front();
    const std::size_t more = evidence.proxies.size() - 1;
    return fmt::format(
        "A proxy or CDN is in front, for the web server is told to trust it: {}{} ({})\n",
        printable_excerpt(first.proxy), more == 0 ? "" : fmt::format(" and {} more", more),
        printable(first.where));
  }
  const host::ProxyInFront seen = host::proxy_in_front(evidence.connections, evidence.listeners);
  if (seen.certainty == host::ProxyInFront::Certainty::none) return {};
  const bool sure = seen.certainty == host::ProxyInFront::Certainty::sure;
  return fmt::format("{} in front: {} of {} connections to the web ports come from {}.{}\n",
                     seen.name.empty() ? "Perhaps a proxy or CDN is"
                     : sure            ? seen.name + " is"
                                       : "Perhaps " + seen.name + " is",
                     seen.connections, seen.all,
                     seen.name.empty()
                         ? fmt::format("{} {} only", seen.prefixes.size(),
                                       seen.prefixes.size() == 1 ? "address" : "addresses")
                         : "its addresses",
                     sure ? "" : " That is a guess.");
}

Result<std::vector<std::size_t>> chosen(std::string_view answer, std::span<const Offer> all) {
  std::vector<std::size_t> out;
  bool none = false;
  std::size_t words = 0;
  while (!answer.empty()) {
    const std::size_t end = std::min(answer.find_first_of(" ,\t\r"), answer.size());
    const std::string_view word = answer.substr(0, end);
    answer.remove_prefix(std::min(answer.size(), end + 1));
    if (word.empty()) continue;
    ++words;
    std::size_t number = 0;
    const auto [at, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || at != word.data() + word.size() || number > all.size())
      return fail(ErrorKind::usage, fmt::format("\"{}\" is no number from 0 to {}",
                                                printable_excerpt(word), all.size()));
    none |= number == 0;
    if (number != 0 && std::ranges::find(out, number - 1) == out.end()) out.push_back(number - 1);
  }
  if (none && !out.empty()) return fail(ErrorKind::usage, "0 is none, so it stands alone");
  if (words == 0)
    for (std::size_t i = 0; i < all.size(); ++i)
      if (!all[i].why.empty()) out.push_back(i);
  std::ranges::sort(out);
  const auto has = [&](Kind kind) {
    return std::ranges::any_of(out, [&](std::size_t i) { return all[i].kind == kind; });
  };
  if (has(Kind::web) && has(Kind::proxied_web))
    return fail(ErrorKind::usage, "the web server is either behind a proxy or not: 1 or 2");
  return out;
}

std::string kinds_text(std::span<const Offer> chosen) {
  std::string out;
  for (const Offer& offer : chosen) {
    const Row& row = kRows.at(static_cast<std::size_t>(offer.kind));
    if (row.text.empty()) continue;
    std::vector<std::string> quoted;
    for (const std::string& port : offer.ports) quoted.push_back(fmt::format("\"{}\"", port));
    const std::string ports =
        quoted.empty() ? std::string(row.usual) : fmt::format("{}", fmt::join(quoted, ", "));
    out += "\n" + fmt::format(fmt::runtime(row.text), ports);
  }
  if (out.empty()) return out;
  return "# Written by floodwall setup. What it means, and what to expect: docs/guides/.\n" + out;
}

}  // namespace fw::setup
