// SPDX-License-Identifier: MIT
// The configuration as a value. It is read from TOML, validated and replaced as a whole; nothing
// else in the product reads the files. The initialiser of a member is the key's default; ranges and
// meanings are in keys.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/configuration.h"
#include "base/address.hpp"
#include "base/error.hpp"
#include "base/units.hpp"

namespace fw::config {

enum class Mode { observe, enforce };
// When questions of unverified sources over UDP are answered by a challenge.
enum class Challenge { off, automatic, on };
enum class DatapathKind { automatic, xdp, nfqueue };

// Of one metric, in packets or bytes per second.
struct Limit {
  std::optional<double> limit;   // the excess is dropped
  std::optional<double> ban_at;  // a source above it is restricted or banned; not below `limit`
  Milliseconds burst{1000};      // so much time's worth of `limit` may come at once
  bool peers = false;            // packets of peers count as well

  bool operator==(const Limit&) const = default;
};
using Limits = std::array<Limit, FW_METRIC_COUNT>;  // by fw_metric

// Limits of all sources of a prefix together, beside those of each source.
struct PrefixLimit {
  Limits limits{};  // none
  unsigned prefix_v4 = 24;
  unsigned prefix_v6 = 48;  // shorter than a source (Ban::prefix_v6), if there is a limit

  // Does any metric have a limit?
  [[nodiscard]] bool any() const;
  bool operator==(const PrefixLimit&) const = default;
};

// Of one class: what all unverified sources together may send unanswered to one address, or to one
// port on which a service answers.
struct Budget {
  std::optional<double> limit;  // packets per second; none: no budget
  unsigned burst = 0;           // packets at once to an address
  unsigned served_burst = 0;    // packets at once to a port on which a service answers

  bool operator==(const Budget&) const = default;
};
using Budgets = std::array<Budget, FW_CLASS_COUNT>;  // by fw_class

// Floods that no limit per source sees.
struct Detect {
  bool signatures = true;   // find what a flood's packets share, and drop on that
  bool learn = true;        // raise budgets to what is usual on this host
  bool syn_cookies = true;  // answer SYNs above their budget, where the datapath can
  // Packets/s above its budget that a service is taken to bear until it is seen to suffer; none:
  // nothing is borne. Judgement: a program that answers on one core takes several times as many.
  std::optional<double> capacity = 10'000;
  Challenge udp_challenges = Challenge::automatic;  // of services that say nothing else
  unsigned scan_ports = 14;  // groups of closed ports, of 16, that make a scan; 0: none does
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

// [[service]]: what holds instead of the default for packets to some ports of this host.
struct Service {
  std::string name;
  std::vector<PortRange> ports;  // no two services share one
  Action action = Action::limit;
  std::optional<Limits> limits;          // none: counted together with the default
  std::optional<Milliseconds> ban_time;  // none: ban.time
  std::optional<Challenge> challenge;    // none: detect.udp_challenges

  bool operator==(const Service&) const = default;
};
// The policy's first rule is the default, its last one is that of prefixes.
inline constexpr std::size_t kMaxServices = FW_MAX_RULES - 2;

struct Ban {
  Milliseconds time{60'000};
  std::vector<unsigned> escalate{1, 5, 30, 240};  // multiples of `time`, by number of offences
  Milliseconds memory{24 * 3600 * 1000};          // how long an offence is remembered
  unsigned prefix_v6 = 64;                        // bits of an IPv6 address that make a source
  unsigned per_minute = 1000;                     // most automatic bans
  // Packets per second that a UDP service leaves unanswered while it answers others; none: never.
  std::optional<double> unanswered_at = 200;

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

// Entries; powers of two.
struct Tables {
  std::uint32_t sources = 131'072;
  std::uint32_t flows = 262'144;
  std::uint32_t bans = 131'072;

  bool operator==(const Tables&) const = default;
};

struct Nfqueue {
  unsigned queue = 4300;  // the first queue number

  bool operator==(const Nfqueue&) const = default;
};

struct Log {
  std::filesystem::path folder = "/var/log/floodwall";
  std::uint64_t rotate_bytes = 16ULL << 20;
  unsigned keep = 5;  // rotated files
  bool journal = true;

  bool operator==(const Log&) const = default;
};

struct Api {
  std::string group = "floodwall";            // its members may do what root may over the API
  std::string read_group = "floodwall-read";  // its members may look

  bool operator==(const Api&) const = default;
};

// How the body of a webhook is written.
enum class WebhookShape { generic, slack, discord, ntfy };

// [[alert]]: whom to tell what happens. One of command, url and mail says how.
struct Alert {
  std::string name;
  std::vector<std::string> command;  // its path and its arguments; no shell
  std::string url;                   // secret: it may hold a token
  WebhookShape shape = WebhookShape::generic;
  std::vector<std::string> mail;  // addresses
  std::string mail_from = "floodwall";
  std::vector<std::string> sendmail{"/usr/sbin/sendmail"};
  std::vector<std::string> on{"attack", "vector", "end", "degraded", "healthy", "refused", "lists"};
  unsigned per_minute = 10;

  bool operator==(const Alert&) const = default;
};
inline constexpr std::size_t kMaxAlerts = 16;  // judgement: each has a queue of its own

// The web page.
struct Web {
  std::string listen = "off";        // or where, as "127.0.0.1:8870"
  std::string certificate = "none";  // or the path of a PEM file, and of its key
  std::string key = "none";
  std::vector<std::string> names;  // by which browsers reach it, besides addresses and localhost

  bool operator==(const Web&) const = default;
};

struct Config {
  Mode mode = Mode::enforce;
  std::vector<std::string> interfaces{"auto"};
  DatapathKind datapath = DatapathKind::automatic;
  bool keep_filtering = true;  // filtering goes on after SIGTERM
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
  std::vector<Alert> alerts;  // at most kMaxAlerts
  Web web;

  [[nodiscard]] static Limits defaults();
  [[nodiscard]] static Budgets default_budgets();

  bool operator==(const Config&) const = default;
};

// The texts of a configuration: floodwall.toml, then conf.d/*.toml beside it in name order.
struct Source {
  struct File {
    std::string name;  // "conf.d/10-web.toml"
    std::string text;

    bool operator==(const File&) const = default;
  };
  std::vector<File> files;

  bool operator==(const Source&) const = default;
};
[[nodiscard]] Result<Source> read_source(const std::filesystem::path& file);

// Later files override single keys and append services. The error (invalid_config) has a line for
// every problem of all files: "floodwall.toml:14:9: limit.default.syn.limit = \"0/s\": must be
// 0.125/s to 1M/s". For an unknown key it names the nearest valid one.
[[nodiscard]] Result<Config> parse(const Source& source);

// Reads and parses. A missing `file` is an error.
[[nodiscard]] Result<Config> load(const std::filesystem::path& file);

// Where a key ("exempt.dns", "service.ssh.action") is set last: "floodwall.toml:14"; empty:
// nowhere, it has its default.
[[nodiscard]] std::string place_of(const Source& source, std::string_view key);

[[nodiscard]] std::vector<std::string> places_of(const Source& source,
                                                 std::span<const std::string> keys);

// Every key that has a value, in the order of the documentation, and where it is set (place_of).
struct Setting {
  std::string key, value, place;
};
[[nodiscard]] std::vector<Setting> settings(const Config& config, const Source& source);

// The same from text, which messages call `name`.
[[nodiscard]] Result<Config> parse(std::string_view toml, const std::string& name);

// The configuration as the datapath reads it. The caller fills in seeds, masks and the prefix
// lengths of entries.
struct Compiled {
  fw_config policy{};
  std::vector<fw_port_line> ports;      // FW_PORT_LINES of them
  std::vector<std::string> rule_names;  // by rule; [0] is "default"
};
[[nodiscard]] Compiled compile(const Config& config);
[[nodiscard]] fw_budget_limit compile_budget(const Budget& budget);

// The configuration file that `floodwall setup` writes, with comments. It has every default:
// parse() of it equals Config{} but for the two arguments.
[[nodiscard]] std::string starter_text(const std::vector<std::string>& interfaces, Mode mode);

}  // namespace fw::config
