// SPDX-License-Identifier: MIT
// What this machine is, as far as its sockets and files say, and the configuration that follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/sockets.hpp"
#include "host/trusted_proxies.hpp"

namespace fw::setup {

// In the order of the menu.
enum class Kind : std::uint8_t { web, proxied_web, game, dns, mail, vpn, log_collector, docker };
inline constexpr std::size_t kKinds = 8;

// What was found on this machine.
struct Evidence {
  std::vector<host::Socket> listeners{}, connections{};
  std::vector<host::TrustedProxy> proxies{};
  bool forwards_ports = false;  // by nftables or iptables
  bool has_docker = false;
};
// Reads it. What cannot be read counts as not there: it is only offered, never decided.
[[nodiscard]] Evidence read_evidence();

struct Offer {
  Kind kind{};
  std::string name;                  // "game server"
  std::vector<std::string> ports{};  // that listen: "udp/27015"
  std::string why{};                 // "udp/27015 listens"; empty: nothing speaks for it
  std::string guide{};               // its page: "docs/guides/game.md"
};
// One of each kind, in the order of the menu. `web` is not offered where a proxy is in front for
// sure.
[[nodiscard]] std::vector<Offer> offers(const Evidence& evidence);

// "A proxy or CDN is in front, for sure: ...", "perhaps: ...", or nothing.
[[nodiscard]] std::string in_front(const Evidence& evidence);

// The numbers of an answer, as indices into `all`: "" is what is offered, "0" is none. Fails, with
// what would be right, on anything else.
[[nodiscard]] Result<std::vector<std::size_t>> chosen(std::string_view answer,
                                                      std::span<const Offer> all);

// The text of conf.d/setup.toml for them; empty if none needs a line.
[[nodiscard]] std::string kinds_text(std::span<const Offer> chosen);

}  // namespace fw::setup
