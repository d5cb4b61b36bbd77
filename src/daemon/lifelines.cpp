// SPDX-License-Identifier: MIT
#include "daemon/lifelines.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "base/file.hpp"

namespace fw::daemon {
namespace {

// A lifeline is asked for when those before it count no more: limits are over a second or so.
constexpr std::uint64_t kBetweenNs = 5 * kSecond;
// What a person at a shell causes: a screenful, within a second. Judgement.
constexpr int kSessionPackets = 20;
constexpr std::uint64_t kPacketNs = 20 * kMillisecond;
// An operator who logs in may at once log in again (scp). Judgement.
constexpr int kLogIns = 2;
constexpr std::size_t kMostConnections = 64;  // judgement: more of them tell nothing new

// Where nobody is known, anybody who gets in will do; a list may hold some of them.
constexpr std::array kStrangersV4{Address::v4(0x0808'0404), Address::v4(0x52c1'0a07),
                                  Address::v4(0xc5a0'1107), Address::v4(0x9b04'2c15)};
constexpr std::array kStrangersV6{Address{0x2600'1f18'0000'0000ULL, 7},
                                  Address{0x2a01'04f8'0000'0000ULL, 7}};

class Examination {
 public:
  Examination(Trial& trial, const Lifelines& lifelines) : trial_(trial), host_(lifelines) {}

  std::vector<Cut> run() {
    sessions();
    log_ins();
    gateways();
    servers();
    connections();
    return std::move(cuts_);
  }

 private:
  using Loss = std::optional<fw_decision>;

  // ---- conversations, which end at the first loss

  Loss go_on(const Endpoint& peer, const Endpoint& local, std::uint32_t number) {
    for (int i = 0; i < kSessionPackets; i++) {
      const auto at = static_cast<std::uint32_t>(number + 64U * static_cast<unsigned>(i));
      const Loss lost = trial_.arrive(tcp_frame(
          peer, local,
          {.flags = kAck | kPush, .number = at, .acknowledged = at, .payload_bytes = 64}));
      if (lost) return lost;
      trial_.leave(tcp_frame(
          local, peer,
          {.flags = kAck | kPush, .number = at, .acknowledged = at + 64, .payload_bytes = 64}));
      trial_.pass_time(kPacketNs);
    }
    return std::nullopt;
  }

  Loss log_in(const Endpoint& peer, const Endpoint& local) {
    if (const Loss lost = trial_.arrive(tcp_frame(peer, local, {.flags = kSyn, .number = 1})))
      return lost;
    trial_.leave(tcp_frame(local, peer, {.flags = kSyn | kAck, .number = 1, .acknowledged = 2}));
    trial_.pass_time(kPacketNs);
    if (const Loss lost =
            trial_.arrive(tcp_frame(peer, local, {.flags = kAck, .number = 2, .acknowledged = 2})))
      return lost;
    return go_on(peer, local, 2);
  }

  Loss log_ins_of(const Address& peer, const Address& local, std::uint16_t port) {
    for (int i = 0; i < kLogIns; i++)
      if (const Loss lost = log_in({peer, static_cast<std::uint16_t>(50'000 + i)}, {local, port}))
        return lost;
    return std::nullopt;
  }

  Loss connect(const Endpoint& local, const Endpoint& peer) {
    trial_.leave(tcp_frame(local, peer, {.flags = kSyn, .number = 1}));
    trial_.pass_time(kPacketNs);
    if (const Loss lost = trial_.arrive(
            tcp_frame(peer, local, {.flags = kSyn | kAck, .number = 1, .acknowledged = 2})))
      return lost;
    trial_.leave(tcp_frame(local, peer, {.flags = kAck, .number = 2, .acknowledged = 2}));
    return go_on(peer, local, 2);
  }

  Loss ask(const Endpoint& local, const Endpoint& server) {
    constexpr std::array<std::uint8_t, 24> kQuestion{0, 7, 1, 0, 0, 1};
    constexpr std::array<std::uint8_t, 40> kAnswer{0, 7, 0x81, 0x80, 0, 1, 0, 1};
    trial_.leave(udp_frame(local, server, kQuestion));
    trial_.pass_time(kPacketNs);
    return trial_.arrive(udp_frame(server, local, kAnswer));
  }

  // ---- the lifelines

  void sessions() {
    for (const host::Socket& session : host_.facts.ssh.sessions) {
      trial_.establish(session);
      note(fmt::format("your SSH session from {}", session.remote.text()), session.remote,
           go_on({session.remote, session.remote_port}, {session.local, session.local_port}, 1));
    }
  }

  // Without a session nobody's address is known: then one stranger must get in.
  void log_ins() {
    std::set<std::pair<Address, std::uint16_t>> asked;
    for (const host::Socket& session : host_.facts.ssh.sessions)
      if (asked.emplace(session.remote, session.local_port).second)
        note(fmt::format("a new log-in from {} to sshd (port {})", session.remote.text(),
                         session.local_port),
             session.remote, log_ins_of(session.remote, session.local, session.local_port));
    if (!asked.empty()) return;
    for (const std::uint16_t port : host_.facts.ssh.ports)
      note_strangers(fmt::format("every log-in to sshd (port {})", port),
                     [&](const Address& stranger, const Address& local) {
                       return log_ins_of(stranger, local, port);
                     });
  }

  void gateways() {
    for (const host::DefaultRoute& route : host_.facts.network.default_routes) {
      const auto local = own_address(route.gateway);
      if (!route.has_gateway || !local) continue;
      const std::string gateway = route.gateway.text();
      note(fmt::format("the answers by which your gateway {} is found", gateway), route.gateway,
           trial_.arrive(neighbour_frame(route.gateway, *local)));
      const auto stranger = stranger_like(*local);
      const Endpoint here{*local, host_.ephemeral.first}, there{stranger, 443};
      trial_.leave(tcp_frame(here, there, {.flags = kSyn, .number = 1}));
      note(fmt::format("what your gateway {} says about packets that are too big", gateway),
           route.gateway, trial_.arrive(too_big_frame(route.gateway, here, there)));
    }
  }

  void servers() {
    for (const host::NetworkServer& server : host_.facts.dns) {
      const auto local = own_address(server.address);
      if (!local || is_loopback(server.address)) continue;
      Loss lost;
      for (const std::uint16_t port : ephemeral_ports())
        if (!lost) lost = ask({*local, port}, {server.address, 53});
      note(fmt::format("the answers of your DNS server {}", server.address.text()), server.address,
           lost);
    }
    constexpr std::array<std::uint8_t, 240> kReply{2};  // RFC 2131: a BOOTREPLY
    for (const host::NetworkServer& server : host_.facts.dhcp)
      if (const auto local = own_address(server.address); local && local->is_v4())
        note(fmt::format("the answers of your DHCP server {}", server.address.text()),
             server.address, trial_.arrive(udp_frame({server.address, 67}, {*local, 68}, kReply)));
  }

  void connections() {
    std::size_t asked = 0;
    for (const host::Socket& socket : host_.connections) {
      if (socket.proto != IPPROTO_TCP || !may_be_peer(socket.remote) || is_served(socket)) continue;
      if (asked++ == kMostConnections) break;
      trial_.establish(socket);
      note(fmt::format("the connection of this host to {} port {}", socket.remote.text(),
                       socket.remote_port),
           socket.remote,
           go_on({socket.remote, socket.remote_port}, {socket.local, socket.local_port}, 1));
    }
    note_strangers("the answers to every new connection of this host",
                   [&](const Address& stranger, const Address& local) {
                     Loss lost;
                     for (const std::uint16_t port : ephemeral_ports()) {
                       if (!lost) lost = connect({local, port}, {stranger, 443});
                       if (!lost) lost = ask({local, port}, {stranger, 123});
                     }
                     if (lost) return lost;
                     trial_.leave(echo_request_frame(local, stranger));
                     return trial_.arrive(echo_reply_frame(stranger, local));
                   });
  }

  // ---- notes

  void note(std::string what, const Address& source, const Loss& lost) {
    trial_.pass_time(kBetweenNs);
    if (lost)
      cuts_.push_back({.what = std::move(what),
                       .source = source,
                       .decision = *lost,
                       .metric = trial_.limited()});
  }

  // Only if no stranger of a family is heard.
  template <typename Talk>
  void note_strangers(const std::string& what, Talk talk) {
    const auto try_all = [&](std::span<const Address> strangers) {
      Loss lost;
      for (const Address& stranger : strangers) {
        const auto local = own_address(stranger);
        if (!local) return;
        lost = talk(stranger, *local);
        trial_.pass_time(kBetweenNs);
        if (!lost) return;
      }
      note(what, strangers.back(), lost);
    };
    try_all(kStrangersV4);
    if (cuts_.empty() || cuts_.back().what != what) try_all(kStrangersV6);
  }

  // ---- this host

  [[nodiscard]] std::optional<Address> own_address(const Address& peer) const {
    for (const host::Interface& interface : host_.facts.network.interfaces)
      for (const host::InterfaceAddress& own : interface.addresses)
        if (own.address.is_v4() == peer.is_v4() && !is_special(own.address)) return own.address;
    return std::nullopt;
  }
  [[nodiscard]] static Address stranger_like(const Address& local) {
    return local.is_v4() ? kStrangersV4.front() : kStrangersV6.front();
  }
  [[nodiscard]] static bool is_loopback(const Address& address) { return !may_be_peer(address); }
  [[nodiscard]] bool is_served(const host::Socket& socket) const {
    return std::ranges::any_of(host_.listeners, [&](const host::Socket& listener) {
      return listener.proto == socket.proto && listener.local_port == socket.local_port;
    });
  }
  // Some of the ports that the kernel gives to connections: the ends, and between them.
  [[nodiscard]] std::array<std::uint16_t, 5> ephemeral_ports() const {
    const auto [first, last] = host_.ephemeral;
    std::array<std::uint16_t, 5> ports{};
    for (unsigned i = 0; i < ports.size(); i++)
      ports[i] = static_cast<std::uint16_t>(first + (last - first) * i / (ports.size() - 1));
    return ports;
  }

  Trial& trial_;
  const Lifelines& host_;
  std::vector<Cut> cuts_;
};

}  // namespace

Lifelines read_lifelines(host::HostFacts facts) {
  Lifelines found{.facts = std::move(facts), .listeners = {}, .connections = {}};
  found.listeners = host::listeners().value_or(std::vector<host::Socket>{});
  found.connections = host::connected_sockets().value_or(std::vector<host::Socket>{});
  const std::string range = read_file("/proc/sys/net/ipv4/ip_local_port_range", 64).value_or("");
  unsigned first = 0, last = 0;
  if (std::sscanf(range.c_str(), "%u %u", &first, &last) == 2 && first <= last && last <= 0xffff)
    found.ephemeral = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
  return found;
}

std::vector<Cut> find_cuts(Trial& trial, const Lifelines& lifelines) {
  return Examination(trial, lifelines).run();
}

}  // namespace fw::daemon
