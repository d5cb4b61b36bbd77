// SPDX-License-Identifier: MIT
// Every key of floodwall.toml, once. Reading, the starter file, the report of `floodwall apply` and
// docs/configuration.md are made from these tables: a new key is a row here and the member of
// config.hpp that it fills, whose initialiser is the default.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.hpp"

namespace fw::config {

// ---- words

inline constexpr std::array<std::string_view, 2> kModeWords{"observe", "enforce"};
inline constexpr std::array<std::string_view, 3> kDatapathWords{"auto", "xdp", "nfqueue"};
inline constexpr std::array<std::string_view, 3> kChallengeWords{"off", "auto", "on"};
inline constexpr std::array<std::string_view, 3> kActionWords{"limit", "drop", "pass"};
inline constexpr std::array<std::string_view, 4> kShapeWords{"generic", "slack", "discord", "ntfy"};
// What alerts are about (alert/kind.hpp has what each says).
inline constexpr std::array<std::string_view, 7> kAlertWords{
    "attack", "vector", "end", "degraded", "healthy", "refused", "lists"};

struct NamedThing {
  std::string_view word, meaning;
};
inline constexpr std::array<NamedThing, FW_METRIC_COUNT> kMetrics{{
#define FW_METRIC_NAMED(name, word, meaning, ...) {word, meaning},
    FW_METRICS(FW_METRIC_NAMED)
#undef FW_METRIC_NAMED
}};
inline constexpr std::array<NamedThing, FW_CLASS_COUNT> kClasses{{
#define FW_CLASS_NAMED(name, word, meaning, ...) {word, meaning},
    FW_CLASSES(FW_CLASS_NAMED)
#undef FW_CLASS_NAMED
}};
constexpr bool has_budget(std::size_t traffic_class) {
  return (FW_CLASSES_WITH_BUDGET >> traffic_class & 1) != 0;
}

// ---- ranges

// Judgement: below a second a ban is no more than a limit; beyond a month it is the operator's.
inline constexpr Duration kBanTimes{std::chrono::seconds{1}, std::chrono::hours{30 * 24}};
// Judgement: less would forget a source between two attacks; more is no memory but a list.
inline constexpr Duration kMemory{std::chrono::minutes{1}, std::chrono::hours{3650 * 24}};
// The meter of automatic bans holds 2^29 ticks of 16 ns, 8.6 s: a ban may cost no more, which makes
// 7 per minute the least. 10 is the next round number.
inline constexpr Number kBansPerMinute{10, 1'000'000, "no bans but those made by hand"};
// 48: the largest block that a site is usually assigned (RFC 6177).
inline constexpr Number kSourceBits{48, 128};
// A single address (32, 128) is a source and no prefix. 8 and 16 are judgement.
inline constexpr Number kPrefixBitsV4{8, 31};
inline constexpr Number kPrefixBitsV6{16, 127};
// A packet at 0.125/s costs 5e8 ticks of 16 ns, just below what a meter holds (2^29). A ban needs a
// packet per interval of a second. The upper bounds are judgement: faster than any single source.
inline constexpr Rate kLimitRates{0.125, 1e6, 1000, 100e9};
inline constexpr Rate kBanRates{1, 1e6, 1000, 100e9};
// A meter holds 2^29 ticks of 16 ns, 8.6 s. 10 ms is judgement.
inline constexpr Duration kBursts{std::chrono::milliseconds{10}, std::chrono::seconds{8}};
// At 1/s a burst of 68 packets fills the 32 bits that hold it in ticks. 10M/s is judgement.
inline constexpr Rate kBudgetRates{1, 10e6};
// 8: the batch that a CPU takes from a budget (policy/budgets.h). The upper bound is judgement.
inline constexpr Number kBudgetBursts{8, 1'000'000};
// A source entry has 16 bits for the groups of closed ports that the source tried.
inline constexpr Number kScanGroups{1, 16, "scans are not looked for"};
// Judgement: 1024 entries are enough for a test; 16 Mi sources and 64 Mi flows take gigabytes.
inline constexpr PowerOfTwo kEntries{1024, 16U << 20};
inline constexpr PowerOfTwo kFlows{1024, 64U << 20};
// The NFQUEUE datapath takes a block of numbers (datapath/nfqueue/nfqueue_datapath.hpp).
inline constexpr unsigned kQueueBlock = 16;
inline constexpr Number kQueues{0, 65'535 - (kQueueBlock - 1)};
inline constexpr Size kLogSizes{64ULL << 10, 10ULL << 30};  // judgement
inline constexpr Number kLogFiles{0, 1000};                 // judgement
inline constexpr Number kAlertsPerMinute{1, 600};           // judgement
inline constexpr RisingNumbers kEscalation{
    1, 100'000, "a later offence must not be held shorter than an earlier one"};

// ---- checks of texts; each says why a text cannot be, or nothing

[[nodiscard]] std::string check_interfaces(const std::vector<std::string>& names);
[[nodiscard]] std::string check_service_name(const std::string& name);
[[nodiscard]] std::string check_alert_name(const std::string& name);
[[nodiscard]] std::string check_command(const std::vector<std::string>& arguments);
[[nodiscard]] std::string check_url(const std::string& url);
[[nodiscard]] std::string check_mail(const std::vector<std::string>& addresses);
[[nodiscard]] std::string check_mail_from(const std::string& address);
[[nodiscard]] std::string check_alert_words(const std::vector<std::string>& words);

[[nodiscard]] std::string check_listen(const std::string& text);
[[nodiscard]] std::string check_pem_path(const std::string& text);
[[nodiscard]] std::string check_host_names(const std::vector<std::string>& names);

// ---- the keys

inline constexpr auto kTopKeys = std::to_array<Key<Config>>({
    {.name = "mode",
     .field = Field{&Config::mode, Choice{kModeWords}},
     .about = "\"observe\": everything is judged and logged, nothing dropped"},
    {.name = "interface",
     .field = Field{&Config::interfaces, Words{check_interfaces}},
     .about = "the uplinks: \"auto\", a name or [\"eth0\", \"eth1\"]",
     .detail =
         "`\"auto\"` is every interface with a default route in a table that a rule looks up."},
    {.name = "datapath",
     .field = Field{&Config::datapath, Choice{kDatapathWords}},
     .about = "\"auto\" takes XDP where it can be had, else NFQUEUE",
     .detail = "See [datapaths.md](datapaths.md).",
     .effect = Effect::at_start},
    {.name = "keep_filtering",
     .field = Field{&Config::keep_filtering, Flag{}},
     .about = "when the daemon is stopped, filtering goes on without it"},
});

inline constexpr auto kBanKeys = std::to_array<Key<Ban>>({
    {.name = "time",
     .field = Field{&Ban::time, kBanTimes},
     .about = "how long a source is banned or restricted after its last excess",
     .detail = "A ban runs on while the flood goes on."},
    {.name = "escalate",
     .field = Field{&Ban::escalate, kEscalation},
     .about = "multiples of `time` for the 1st, 2nd, ... offence"},
    {.name = "memory",
     .field = Field{&Ban::memory, kMemory},
     .about = "an offence is forgotten after this time"},
    {.name = "prefix_v6",
     .field = Field{&Ban::prefix_v6, kSourceBits},
     .about = "so many first bits of an IPv6 address make one source"},
    {.name = "per_minute",
     .field = Field{&Ban::per_minute, kBansPerMinute},
     .about = "at most so many automatic bans: floods forge their sources"},
    {.name = "unanswered_at",
     .field = Field{&Ban::unanswered_at, kBanRates},
     .about = "restricted: who sends more to a service that answers only others",
     .detail = "Packets per second to a UDP service that leaves them unanswered, for some seconds. "
               "A service that answers nobody, such as a collector of logs, says nothing about its "
               "senders."},
});

inline constexpr auto kExemptKeys = std::to_array<Key<Exempt>>({
    {.name = "own_addresses",
     .field = Field{&Exempt::own_addresses, Flag{}},
     .about = "every address of this machine"},
    {.name = "gateway",
     .field = Field{&Exempt::gateway, Flag{}},
     .about = "the routers of its default routes"},
    {.name = "dns", .field = Field{&Exempt::dns, Flag{}}, .about = "the name servers it uses"},
    {.name = "dhcp",
     .field = Field{&Exempt::dhcp, Flag{}},
     .about = "the servers it has its leases from"},
    {.name = "operator_sessions",
     .field = Field{&Exempt::operator_sessions, Flag{}},
     .about = "the peers of its SSH sessions, from log-in to log-out"},
});

// Of one metric, in [limit.default], [limit.prefix] or a [[service]].
inline constexpr auto kLimitKeys = std::to_array<Key<Limit>>({
    {.name = "limit",
     .field = Field{&Limit::limit, kLimitRates},
     .about = "above this rate the excess is dropped"},
    {.name = "ban_at",
     .field = Field{&Limit::ban_at, kBanRates},
     .about = "a source above it is restricted after 3 s",
     .detail = "Not below `limit`. It is banned, and at once, if its packets are of verified TCP "
               "connections, which nobody can forge (`peers`). See "
               "[what a ban needs](decisions/evidence-for-a-ban.md)."},
    {.name = "burst",
     .field = Field{&Limit::burst, kBursts},
     .about = "how much of `limit` may come at once"},
    {.name = "peers",
     .field = Field{&Limit::peers, Flag{}},
     .about = "count packets of connections, dialogues and answers, too"},
});

inline constexpr auto kPrefixKeys = std::to_array<Key<PrefixLimit>>({
    {.name = "prefix_v4",
     .field = Field{&PrefixLimit::prefix_v4, kPrefixBitsV4},
     .about = "bits of an IPv4 prefix"},
    {.name = "prefix_v6",
     .field = Field{&PrefixLimit::prefix_v6, kPrefixBitsV6},
     .about = "bits of an IPv6 prefix, fewer than ban.prefix_v6",
     .detail = "With that at 128, 64 is of use here."},
});

// Of one class.
inline constexpr auto kBudgetKeys = std::to_array<Key<Budget>>({
    {.name = "limit",
     .field = Field{&Budget::limit, kBudgetRates},
     .about = "unanswered packets per second"},
    {.name = "burst",
     .field = Field{&Budget::burst, kBudgetBursts},
     .about = "packets that may come at once"},
    {.name = "served_burst",
     .field = Field{&Budget::served_burst, kBudgetBursts},
     .about = "the same for a port on which a service answers"},
});

inline constexpr auto kDetectKeys = std::to_array<Key<Detect>>({
    {.name = "signatures",
     .field = Field{&Detect::signatures, Flag{}},
     .about = "find what a flood's packets share, and drop on that",
     .detail = "`false`: budgets alone."},
    {.name = "syn_cookies",
     .field = Field{&Detect::syn_cookies, Flag{}},
     .about = "answer SYNs above their budget by SYN cookies",
     .detail = "`false`: drop them. Not everywhere possible: see below."},
    {.name = "capacity",
     .field = Field{&Detect::capacity, kBudgetRates},
     .about = "what a service is taken to bear above its budget",
     .detail = "Of unverified senders, together, before anybody has looked. As long as it bears "
               "it, nothing of it is dropped that may be of a user; while it suffers it is given "
               "less, and while its program reads more than this, more (`docs/detection.md`). "
               "`\"none\"`: nothing is borne, what is above a budget is dropped."},
    {.name = "udp_challenges",
     .field = Field{&Detect::udp_challenges, Choice{kChallengeWords}},
     .about = "ask back what unverified sources ask over UDP (DNS, A2S)",
     .detail = "`\"auto\"`: above what the service bears; `\"on\"`: always. A game server's "
               "client has to return a number, a resolver to come by TCP. Only with the datapath "
               "`xdp`; DNS only where the port is served by TCP as well. See "
               "[udp-proof.md](decisions/udp-proof.md)."},
    {.name = "learn",
     .field = Field{&Detect::learn, Flag{}},
     .about = "raise the budgets to what is usual here",
     .detail = "`false`: the configured ones hold."},
    {.name = "capture",
     .field = Field{&Detect::capture, Flag{}},
     .about = "keep the heads of an attack's packets as pcap"},
    {.name = "scan_ports",
     .field = Field{&Detect::scan_ports, kScanGroups},
     .about = "a source that tried so many of 16 groups of closed ports scans"},
    {.name = "scan_ban",
     .field = Field{&Detect::scan_ban, Duration{kBanTimes.from, kBanTimes.to, true}},
     .about = "how long a scanner is banned: its address may be forged"},
});

inline constexpr auto kServiceKeys = std::to_array<Key<Service>>({
    {.name = "name",
     .field = Field{&Service::name, Word{check_service_name}},
     .about = "the log names the rule by it",
     .detail = "At most 32 letters, digits, `-`, `_` or `.`.",
     .example = "\"game\"",
     .needed = "a service needs one, such as \"web\""},
    {.name = "port",
     .field = Field{&Service::ports, Ports{}},
     .about = "such as [\"tcp/80\", \"tcp/8000-8999\", \"tcp+udp/53\"]",
     .detail = "A port is of one service only.",
     .example = "\"udp/27015\"",
     .needed = "a service needs one, such as \"tcp/80\""},
    {.name = "action",
     .field = Field{&Service::action, Choice{kActionWords}},
     .about = "\"drop\": only allowed and exempt sources; \"pass\": no limits"},
    {.name = "ban_time",
     .field = Field{&Service::ban_time, kBanTimes},
     .about = "how long this service's limits ban a source",
     .example = "\"10m\"",
     .fallback = "ban.time"},
    {.name = "challenge",
     .field = Field{&Service::challenge, Choice{kChallengeWords}},
     .about = "ask back what unverified sources ask this service over UDP",
     .example = "\"auto\"",
     .fallback = "detect.udp_challenges"},
});

inline constexpr auto kListKeys = std::to_array<Key<Lists>>({
    {.name = "allow",
     .field = Field{&Lists::allow, Words{}},
     .about = "`floodwall allow` writes into the first one"},
    {.name = "deny",
     .field = Field{&Lists::deny, Words{}},
     .about = "such as [\"deny.list\", \"feeds/*.netset\"]"},
});

inline constexpr auto kTableKeys = std::to_array<Key<Tables>>({
    {.name = "sources",
     .field = Field{&Tables::sources, kEntries},
     .about = "sources that are metered",
     .effect = Effect::at_start},
    {.name = "flows",
     .field = Field{&Tables::flows, kFlows},
     .about = "connections and exchanges that are known",
     .effect = Effect::at_start},
    {.name = "bans",
     .field = Field{&Tables::bans, kEntries},
     .about = "bans, exempt and allowed prefixes together",
     .effect = Effect::at_start},
});

inline constexpr auto kNfqueueKeys = std::to_array<Key<Nfqueue>>({
    {.name = "queue",
     .field = Field{&Nfqueue::queue, kQueues},
     .about = "the first of its queue numbers",
     .detail = "One per CPU (at most 8), then one for what this host sends. If another program has "
               "one of them, the 16 above are tried, and so on.",
     .effect = Effect::at_start},
});

inline constexpr auto kLogKeys = std::to_array<Key<Log>>({
    {.name = "folder",
     .field = Field{&Log::folder, Folder{}},
     .about = "holds floodwall.log (for people) and events.json (for programs)"},
    {.name = "rotate",
     .field = Field{&Log::rotate_bytes, kLogSizes},
     .about = "a file that is larger is rotated"},
    {.name = "keep", .field = Field{&Log::keep, kLogFiles}, .about = "rotated files that are kept"},
    {.name = "journal",
     .field = Field{&Log::journal, Flag{}},
     .about = "to the systemd journal as well, where there is one"},
});

inline constexpr auto kApiKeys = std::to_array<Key<Api>>({
    {.name = "group",
     .field = Field{&Api::group, Word{}},
     .about = "its members may use `floodwall`; root always may"},
    {.name = "read_group",
     .field = Field{&Api::read_group, Word{}},
     .about = "its members may look, and change nothing",
     .detail = "Neither group need exist. Who is in both may change things, too."},
});

inline constexpr auto kAlertKeys = std::to_array<Key<Alert>>({
    {.name = "name",
     .field = Field{&Alert::name, Word{check_alert_name}},
     .about = "`floodwall alert test` and messages name it by it",
     .detail = "At most 32 letters, digits, `-`, `_` or `.`.",
     .example = "\"oncall\"",
     .needed = "an alert needs one, such as \"oncall\""},
    {.name = "command",
     .field = Field{&Alert::command, Words{check_command}},
     .about = "a program from the root and its arguments; it gets JSON on standard input",
     .detail = "No shell is in between.",
     .example = "[\"/usr/local/bin/page\", \"--urgent\"]"},
    {.name = "url",
     .field = Field{&Alert::url, Secret{check_url}},
     .about = "a webhook: http:// or https://; it is never shown, since it may hold a token",
     .example = "\"https://hooks.example.org/T0/token\""},
    {.name = "shape",
     .field = Field{&Alert::shape, Choice{kShapeWords}},
     .about = "of the webhook's body"},
    {.name = "mail",
     .field = Field{&Alert::mail, Words{check_mail}},
     .about = "addresses that get a mail",
     .example = "\"ops@example.org\""},
    {.name = "mail_from",
     .field = Field{&Alert::mail_from, Word{check_mail_from}},
     .about = "its sender"},
    {.name = "sendmail",
     .field = Field{&Alert::sendmail, Words{check_command}},
     .about = "what takes mail on standard input, with the addresses as arguments",
     .detail = "Called with `-i -f SENDER -- ADDRESS ...`."},
    {.name = "on",
     .field = Field{&Alert::on, Words{check_alert_words}},
     .about = "about what; see docs/alerts.md"},
    {.name = "per_minute",
     .field = Field{&Alert::per_minute, kAlertsPerMinute},
     .about = "so many messages a minute; what comes more is told in one"},
});

inline constexpr auto kWebKeys = std::to_array<Key<Web>>({
    {.name = "listen",
     .field = Field{&Web::listen, Word{check_listen}},
     .about = "where the web page is, as \"127.0.0.1:8870\"; \"off\": nowhere",
     .detail = "An address that is not loopback needs `certificate` and `key`. See "
               "[web.md](web.md)."},
    {.name = "certificate",
     .field = Field{&Web::certificate, Word{check_pem_path}},
     .about = "the chain for TLS, a PEM file; \"none\": no TLS"},
    {.name = "key",
     .field = Field{&Web::key, Word{check_pem_path}},
     .about = "its private key, a PEM file that the daemon's user may read"},
    {.name = "names",
     .field = Field{&Web::names, Words{check_host_names}},
     .about = "host names that browsers use, besides addresses and localhost"},
});

// ---- the groups, in the order of the starter file and of the documentation

inline constexpr KeyGroup<Config> kTop{"", "", kTopKeys};
inline constexpr KeyGroup<Ban> kBan{"ban", "of sources above a `ban_at`", kBanKeys};
inline constexpr KeyGroup<Exempt> kExempt{"exempt", "never banned or denied, besides allow.list",
                                          kExemptKeys};
// The path of a limit or budget in the file is longer by a metric or a class.
inline constexpr KeyGroup<Limit> kLimitDefault{
    "limit.default", "per source: above `limit` dropped, above `ban_at` banned", kLimitKeys};
inline constexpr KeyGroup<PrefixLimit> kLimitPrefix{
    "limit.prefix", "of all sources of a prefix together", kPrefixKeys};
inline constexpr KeyGroup<Budget> kBudget{
    "budget", "of all unverified sources together, to an address or a service", kBudgetKeys};
inline constexpr KeyGroup<Detect> kDetect{"detect", "floods that no limit per source sees",
                                          kDetectKeys, true};
inline constexpr KeyGroup<Service> kService{"service", "other limits for some ports of this host",
                                            kServiceKeys};
inline constexpr KeyGroup<Lists> kLists{
    "lists", "files beside this one: an address, prefix or range a line", kListKeys};
inline constexpr KeyGroup<Tables> kTables{"tables", "entries; the memory is taken at the start",
                                          kTableKeys};
inline constexpr KeyGroup<Nfqueue> kNfqueue{"nfqueue", "only for the datapath of that name",
                                            kNfqueueKeys, true};
inline constexpr KeyGroup<Log> kLog{"log", "", kLogKeys};
inline constexpr KeyGroup<Api> kApi{"api", "", kApiKeys};
inline constexpr KeyGroup<Alert> kAlert{"alert", "whom to tell, and how: command, url or mail",
                                        kAlertKeys};
inline constexpr KeyGroup<Web> kWeb{"web", "the page for browsers", kWebKeys, true};

// ---- walks over the keys

// visit(group, member) for every group that is a header of the file and a member of Config, but
// the top, the limits, the budgets and the services.
template <typename Visit>
void for_each_plain_group(Visit&& visit) {
  visit(kBan, &Config::ban);
  visit(kExempt, &Config::exempt);
  visit(kDetect, &Config::detect);
  visit(kLists, &Config::lists);
  visit(kTables, &Config::tables);
  visit(kNfqueue, &Config::nfqueue);
  visit(kLog, &Config::log);
  visit(kApi, &Config::api);
  visit(kWeb, &Config::web);
}

// visit(path, keys, record_of, bytes) for every struct of keys that a configuration has whatever
// its services are. record_of(config) is the struct; `bytes`: its rates count bytes.
template <typename Visit>
void for_each_record(Visit&& visit) {
  visit(std::string(), kTop.keys, [](auto& config) -> auto& { return config; }, false);
  for_each_plain_group([&](const auto& group, auto member) {
    visit(
        std::string(group.path), group.keys,
        [member](auto& config) -> auto& { return config.*member; }, false);
  });
  const auto dotted = [](std::string_view path, std::string_view word) {
    return std::string(path) + "." + std::string(word);
  };
  visit(
      std::string(kLimitPrefix.path), kLimitPrefix.keys,
      [](auto& config) -> auto& { return config.limit_prefix; }, false);
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++) {
    const bool bytes = i == FW_METRIC_BYTES;
    visit(
        dotted(kLimitDefault.path, kMetrics[i].word), kLimitDefault.keys,
        [i](auto& config) -> auto& { return config.limit_default[i]; }, bytes);
    visit(
        dotted(kLimitPrefix.path, kMetrics[i].word), kLimitDefault.keys,
        [i](auto& config) -> auto& { return config.limit_prefix.limits[i]; }, bytes);
  }
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++)
    if (has_budget(i))
      visit(
          dotted(kBudget.path, kClasses[i].word), kBudget.keys,
          [i](auto& config) -> auto& { return config.budgets[i]; }, false);
}

}  // namespace fw::config
