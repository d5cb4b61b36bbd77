// SPDX-License-Identifier: MIT
// The configuration file that `floodwall setup` writes.
#include <fmt/format.h>

#include "config/config.hpp"

namespace fw::config {

namespace {

std::string quoted(const std::vector<std::string>& names) {
  if (names.size() == 1) return fmt::format("\"{}\"", names[0]);
  return fmt::format("[\"{}\"]", fmt::join(names, "\", \""));
}

// {0}: mode, {1}: interfaces. The values are the defaults of Config; a test holds them to it.
constexpr std::string_view kText =
    R"(# Floodwall. After a change: floodwall check, then floodwall apply.
# Every line but the first two may be left out: it says what holds anyway.

mode      = {0:<12} # or "observe": report, drop nothing
interface = {1:<12} # the uplink(s): "auto", a name or ["eth0", "eth1"]

[ban]                          # of sources above a `ban_at`
time       = "1m"              # after the last excess
escalate   = [1, 5, 30, 240]   # 2nd offence 5 times as long, ...
memory     = "1d"              # ... if it comes within this time
prefix_v6  = 64                # an IPv6 source is its first 64 bits
per_minute = 1000              # no more bans than this: floods forge their sources

[exempt]                       # never dropped, besides what is on allow.list
own_addresses     = true
gateway           = true
dns               = true
dhcp              = true
operator_sessions = true       # the SSH peers of this machine, now

[limit.default]                # per source: above `limit` dropped, above `ban_at` banned
syn     = {{ limit = "200/s", ban_at = "1k/s" }}
udp     = {{ ban_at = "20k/s" }}   # that does not answer this host
icmp    = {{ limit = "100/s" }}
# bytes = {{ limit = "25MB/s" }}
# packets = {{ limit = "30k/s", ban_at = "50k/s", burst = "1s" }}

# [limit.prefix]               # per /24 (IPv4) and /48 (IPv6), of all who are in it, together
# syn     = {{ limit = "2k/s" }}
# packets = {{ limit = "100k/s", ban_at = "200k/s" }}

# [[service]]                  # other limits for some ports of this host
# name    = "game"
# port    = "udp/27015"        # or ["tcp/80", "tcp/8000-8999", "tcp+udp/53"]
# action  = "limit"            # or "drop" (nobody gets in), "pass" (no limits)
# packets = {{ limit = "1k/s", ban_at = "2k/s" }}

# [budget.tcp_syn]             # of all who proved nothing, together, to an address or a service:
# limit        = "25/s"        # what may go unanswered; floodwall suggest says what is usual here
# burst        = 150           # packets at once
# served_burst = 150           # ... to a port on which a service answers

# [detect]                     # floods that no limit per source sees
# signatures  = true           # find what a flood's packets share, and drop on that
# syn_cookies = true           # answer SYNs above their budget; net.ipv4.tcp_syncookies says how
# learn       = true           # raise the budgets to what is usual here
# capture     = true           # keep the heads of an attack's packets as pcap
# scan_ports  = 14             # of 16 groups of closed ports: who tries so many scans; 0: off
# scan_ban    = "none"         # or how long a scanner is banned: its address may be forged

[lists]                        # files beside this one: an address, prefix or range a line
allow = ["allow.list"]
deny  = ["deny.list"]          # and more, such as "feeds/*.netset"

[log]
folder  = "/var/log/floodwall"
rotate  = "16MiB"
keep    = 5                    # rotated files
journal = true                 # to the systemd journal as well

[api]
group = "floodwall"            # its members may use the command line; root always may

[tables]                       # powers of two; the memory is taken at the start
sources = 131072
flows   = 262144
bans    = 131072
)";

}  // namespace

std::string starter_text(const std::vector<std::string>& interfaces, Mode mode) {
  return fmt::format(kText, mode == Mode::observe ? "\"observe\"" : "\"enforce\"",
                     quoted(interfaces));
}

}  // namespace fw::config
