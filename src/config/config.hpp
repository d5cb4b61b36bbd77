// SPDX-License-Identifier: MIT
// The configuration as a value. It is read from TOML whole, validated whole and swapped whole;
// nothing else in the product reads the files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/units.hpp"
#include "policy/abi.h"

namespace fw::config {

enum class Mode { observe, enforce };
enum class DatapathKind { automatic, xdp, nfqueue };

// Per source, in units (packets or bytes) per second.
struct Limit {
  std::optional<double> limit;   // above: the excess is dropped
  std::optional<double> ban_at;  // above, over about a second: the source is banned
  Milliseconds burst{1000};      // how much of `limit` may come at once

  bool operator==(const Limit&) const = default;
};
using Limits = std::array<Limit, FW_METRIC_COUNT>;  // by fw_metric

// Limits of the sources of a prefix together, beside those of each.
struct PrefixLimit {
  Limits limits{};  // none
  unsigned prefix_v4 = 24;
  unsigned prefix_v6 = 48;  // shorter than a source's (Ban::prefix_v6), if there is a limit

  [[nodiscard]] bool any() const;
  bool operator==(const PrefixLimit&) const = default;
};

// Of one class: what sources that proved nothing may send together to one address (or one port
// where a service answers) without getting anything in return.
struct Budget {
  std::optional<double> limit;  // packets/s; none: no budget
  unsigned burst = 0;           // packets that may come at once ...
  unsigned served_burst = 0;    // ... and where a service answers

  bool operator==(const Budget&) const = default;
};
using Budgets = std::array<Budget, FW_CLASS_COUNT>;  // by fw_class

// Floods that no limit per source sees.
struct Detect {
  bool signatures = true;    // work out what a flood's packets share, and drop on that
  bool learn = true;         // raise budgets to what is usual here
  bool syn_cookies = true;   // answer SYNs above their budget, where the datapath can
  unsigned scan_ports = 14;  // of 16 groups of closed ports: a source that tried so many; 0: off
  Milliseconds scan_ban{0};  // 0: a scan is only reported
  bool capture = true;       // keep the heads of an attack's packets as pcap

  bool operator==(const Detect&) const = default;
};

enum class Action { limit, drop, pass };

struct PortRange {
  bool udp = false;
  std::uint16_t first = 0, last = 0;

  bool operator==(const PortRange&) const = default;
};

// [[service]]: limits that hold instead of the default for packets to some ports of this host.
struct Service {
  std::string name;
  std::vector<PortRange> ports;  // "udp/27015", "tcp/8000-8999"; never overlapping another service
  Action action = Action::limit;
  std::optional<Limits> limits;          // none: those of the default, counted together with it
  std::optional<Milliseconds> ban_time;  // else ban.time

  bool operator==(const Service&) const = default;
};
// Of the policy's rules the first is the default, and the last that of prefixes.
inline constexpr std::size_t kMaxServices = FW_MAX_RULES - 2;

struct Ban {
  Milliseconds time{60'000};
  std::vector<unsigned> escalate{1, 5, 30, 240};  // factor of the 1st, 2nd ... offence
  Milliseconds memory{24 * 3600 * 1000};          // how long an offence is remembered
  unsigned prefix_v6 = 64;                        // 48..128
  unsigned per_minute = 1000;                     // cap on bans made by themselves

  bool operator==(const Ban&) const = default;
};

struct Exempt {
  bool own_addresses = true, gateway = true, dns = true, dhcp = true, operator_sessions = true;

  bool operator==(const Exempt&) const = default;
};

struct Lists {
  // Paths or globs, relative to the folder of floodwall.toml.
  std::vector<std::string> allow{"allow.list"};
  std::vector<std::string> deny{"deny.list"};

  bool operator==(const Lists&) const = default;
};

// Fixed at start; a change needs a restart of the daemon and is refused at reload.
struct Tables {
  std::uint32_t sources = 131'072;  // powers of two
  std::uint32_t flows = 262'144;
  std::uint32_t bans = 131'072;

  bool operator==(const Tables&) const = default;
};

// Fixed at start, as Tables are.
struct Nfqueue {
  unsigned queue = 4300;  // the first number; see datapath/nfqueue/nfqueue_datapath.hpp

  bool operator==(const Nfqueue&) const = default;
};

struct Log {
  std::filesystem::path folder = "/var/log/floodwall";
  std::uint64_t rotate_bytes = 16ULL << 20;
  unsigned keep = 5;
  bool journal = true;

  bool operator==(const Log&) const = default;
};

struct Api {
  std::string group = "floodwall";  // may use the socket; root always may

  bool operator==(const Api&) const = default;
};

struct Config {
  Mode mode = Mode::enforce;
  std::vector<std::string> interfaces{"auto"};
  DatapathKind datapath = DatapathKind::automatic;
  bool keep_filtering = true;  // at SIGTERM: filtering goes on without the daemon
  Ban ban;
  Exempt exempt;
  Limits limit_default = defaults();
  PrefixLimit limit_prefix;
  Budgets budgets = default_budgets();
  Detect detect;
  std::vector<Service> services;  // at most kMaxServices
  Lists lists;
  Tables tables;
  Nfqueue nfqueue;
  Log log;
  Api api;

  [[nodiscard]] static Limits defaults();
  [[nodiscard]] static Budgets default_budgets();

  bool operator==(const Config&) const = default;
};

// Reads `file` and then `conf.d/*.toml` beside it in name order (later files override single keys
// and append services). Every problem is found in one go: the message has a line per problem,
// "floodwall.toml:14:9: limit.default.syn.limit = \"0/s\": must be 1/s to 1M/s"; an unknown key
// names the nearest valid one. Error kind: invalid_config. A missing `file` is an error.
[[nodiscard]] Result<Config> load(const std::filesystem::path& file);

// The same from text; `name` is what messages call it.
[[nodiscard]] Result<Config> parse(std::string_view toml, const std::string& name);

// What the datapath needs of it. Seeds, masks and entry lengths are the caller's.
struct Compiled {
  fw_config policy{};
  std::vector<fw_port_line> ports;      // FW_PORT_LINES of them
  std::vector<std::string> rule_names;  // by rule; [0] is "default"
};
[[nodiscard]] Compiled compile(const Config& config);
[[nodiscard]] fw_budget_limit compile_budget(const Budget& budget);

// The configuration that `floodwall setup` writes: commented, and what load() makes of it equals
// Config{} but for what is given.
[[nodiscard]] std::string starter_text(const std::vector<std::string>& interfaces, Mode mode);

}  // namespace fw::config
