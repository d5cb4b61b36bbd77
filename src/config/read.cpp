// SPDX-License-Identifier: MIT
// Every section and key of floodwall.toml, with its range.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "config/draft.hpp"

namespace fw::config {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<std::string_view, FW_METRIC_COUNT> kMetrics{
#define FW_METRIC_WORD(name, word, meaning) word,
    FW_METRICS(FW_METRIC_WORD)
#undef FW_METRIC_WORD
};

constexpr std::array<std::string_view, FW_CLASS_COUNT> kClasses{
#define FW_CLASS_WORD(name, word, meaning) word,
    FW_CLASSES(FW_CLASS_WORD)
#undef FW_CLASS_WORD
};

constexpr Milliseconds kShortestBan = seconds{1};
constexpr Milliseconds kLongestBan = hours{30 * 24};  // fits fw_rule::ban_ms
constexpr std::size_t kInterfaceBytes = 15;           // IFNAMSIZ - 1
constexpr std::size_t kNameBytes = 32;

std::vector<std::string> plain(std::vector<Text> texts) {
  std::vector<std::string> out;
  out.reserve(texts.size());
  for (Text& text : texts) out.push_back(std::move(text.text));
  return out;
}

void read_interfaces(Section& file, Config& config) {
  std::vector<Text> texts;
  if (!file.read("interface", texts)) return;
  std::vector<std::string> names = plain(std::move(texts));
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (name->size() > kInterfaceBytes || name->find_first_of("/ \t\n") != std::string::npos) {
      file.problem("interface", fmt::format("\"{}\" is no name of an interface", *name));
      return;
    }
    if (std::find(names.begin(), name, *name) != name) {
      file.problem("interface", fmt::format("\"{}\" is named twice", *name));
      return;
    }
  }
  const bool automatic = std::find(names.begin(), names.end(), "auto") != names.end();
  if (names.empty())
    file.problem("interface", "must be \"auto\" or name an interface");
  else if (automatic && names.size() > 1)
    file.problem("interface", "\"auto\" stands alone: it means every uplink");
  else
    config.interfaces = std::move(names);
}

void read_ban(Section ban, Ban& out) {
  ban.read("time", kShortestBan, kLongestBan, out.time);
  ban.read("escalate", 1, 100'000, out.escalate);
  if (!std::is_sorted(out.escalate.begin(), out.escalate.end()))
    ban.problem("escalate", "a later offence must not be held shorter than an earlier one");
  ban.read("memory", minutes{1}, hours{3650 * 24}, out.memory);
  ban.read("prefix_v6", 48, 128, out.prefix_v6);
  unsigned per_minute = out.per_minute;
  ban.read("per_minute", 0, 1'000'000, per_minute);
  // Fewer would owe the cap's meter more than its 8 seconds of credit for a single ban.
  if (per_minute != 0 && per_minute < 10)
    ban.problem("per_minute", "must be 10 to 1000000, or 0: no bans but those made by hand");
  else
    out.per_minute = per_minute;
  ban.done();
}

void read_exempt(Section exempt, Exempt& out) {
  exempt.read("own_addresses", out.own_addresses);
  exempt.read("gateway", out.gateway);
  exempt.read("dns", out.dns);
  exempt.read("dhcp", out.dhcp);
  exempt.read("operator_sessions", out.operator_sessions);
  exempt.done();
}

// True if any metric is mentioned.
bool read_limits(Section& section, LimitDrafts& out) {
  bool any = false;
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++) {
    auto metric = section.section(kMetrics[i]);
    if (!metric) continue;
    any = true;
    const bool bytes = i == FW_METRIC_BYTES;
    const double highest = bytes ? 100e9 : 1e6;
    LimitDraft& draft = out[i];
    std::optional<double> rate;
    // One packet in 8 s is the least: its cost must stay below the 32 bits of a debt.
    if (metric->read_rate("limit", bytes, bytes ? 1000 : 0.125, highest, rate)) draft.limit = rate;
    if (metric->read_rate("ban_at", bytes, bytes ? 1000 : 1, highest, rate)) draft.ban_at = rate;
    Milliseconds burst{0};
    metric->read("burst", Milliseconds{10}, seconds{8}, burst);
    if (burst.count() != 0) draft.burst = burst;
    draft.where = section.where(kMetrics[i]);
    metric->done();
  }
  return any;
}

void read_budgets(Section section, Budgets& out) {
  for (std::size_t i = 0; i < FW_CLASS_COUNT; i++) {
    if (i == FW_CLASS_TCP_FLOW || i == FW_CLASS_UDP_REPLY) continue;  // verified: no budget
    auto budget = section.section(kClasses[i]);
    if (!budget) continue;
    Budget& of_class = out[i];
    // The slowest rate at which a burst's debt still fits the tables.
    budget->read_rate("limit", false, 1, 10e6, of_class.limit);
    budget->read("burst", 8, 1'000'000, of_class.burst);
    budget->read("served_burst", 8, 1'000'000, of_class.served_burst);
    budget->done();
  }
  section.done();
}

void read_prefix_limit(Section section, Draft& draft) {
  PrefixLimit& out = draft.config.limit_prefix;
  section.read("prefix_v4", 8, 31, out.prefix_v4);
  section.read("prefix_v6", 16, 127, out.prefix_v6);
  if (draft.where_prefix.empty() || section.has("prefix_v6"))
    draft.where_prefix = section.where("prefix_v6");
  read_limits(section, draft.prefix_limits);
  section.done();
}

// "none" or how long a scanner is banned.
void read_scan_ban(Section& section, Milliseconds& out) {
  std::string text;
  section.read("scan_ban", text);
  if (text == "none")
    out = Milliseconds{0};
  else if (!text.empty())
    section.read("scan_ban", kShortestBan, kLongestBan, out);
}

void read_detect(Section section, Detect& out) {
  section.read("signatures", out.signatures);
  section.read("learn", out.learn);
  section.read("syn_cookies", out.syn_cookies);
  section.read("scan_ports", 0, 16, out.scan_ports);
  read_scan_ban(section, out.scan_ban);
  section.read("capture", out.capture);
  section.done();
}

// "80", "8000-8999".
std::optional<PortRange> parse_ports(std::string_view text) {
  const auto number = [](std::string_view digits, std::uint16_t& out) {
    const char* begin = digits.data();
    const char* end = begin + digits.size();
    const auto [at, error] = std::from_chars(begin, end, out);
    return error == std::errc{} && at == end && out != 0;
  };
  PortRange range;
  const std::size_t dash = text.find('-');
  if (!number(text.substr(0, dash), range.first)) return std::nullopt;
  range.last = range.first;
  if (dash != std::string_view::npos && !number(text.substr(dash + 1), range.last))
    return std::nullopt;
  if (range.last < range.first) return std::nullopt;
  return range;
}

void read_ports(Section& section, ServiceDraft& draft, std::vector<std::string>& problems) {
  std::vector<Text> texts;
  if (!section.read("port", texts)) {
    if (!section.has("port")) section.problem("port", "a service needs one, such as \"tcp/80\"");
    return;
  }
  if (texts.empty()) section.problem("port", "a service needs one, such as \"tcp/80\"");
  for (const Text& text : texts) {
    const std::size_t slash = text.text.find('/');
    const std::string_view whole = text.text;
    const std::string_view proto = whole.substr(0, slash);
    const bool tcp = proto == "tcp" || proto == "tcp+udp" || proto == "udp+tcp";
    const bool udp = proto == "udp" || proto == "tcp+udp" || proto == "udp+tcp";
    auto range = slash == std::string::npos ? std::nullopt : parse_ports(whole.substr(slash + 1));
    if (!range || (!tcp && !udp)) {
      problems.push_back(fmt::format(
          "{}: service.port = \"{}\": must be a protocol and ports from 1 to 65535, such as "
          "\"tcp/80\", \"udp/27015\", \"tcp/8000-8999\" or \"tcp+udp/53\"",
          text.where, text.text));
      continue;
    }
    for (const bool is_udp : {false, true}) {
      if (!(is_udp ? udp : tcp)) continue;
      range->udp = is_udp;
      draft.service.ports.push_back(*range);
      draft.ports.push_back(text);
    }
  }
}

void read_name(Section& section, std::string& name) {
  section.read("name", name);
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!section.has("name"))
    section.problem("name", "a service needs one, such as \"web\"");
  else if (name.size() > kNameBytes || !std::all_of(name.begin(), name.end(), good))
    section.problem("name",
                    fmt::format("must be at most {} letters, digits, - _ or .", kNameBytes));
  else if (name == "default" || name == "prefix")
    section.problem("name", fmt::format("is the name of [limit.{}]: choose another", name));
}

void read_service(Section section, Draft& draft) {
  ServiceDraft service;
  read_name(section, service.service.name);
  service.where = section.where("name");
  read_ports(section, service, draft.problems);
  section.read("action", {"limit", "drop", "pass"}, service.service.action);
  Milliseconds time{0};
  section.read("ban_time", kShortestBan, kLongestBan, time);
  if (time.count() != 0) service.service.ban_time = time;
  service.has_limits = read_limits(section, service.limits);
  if (service.service.action != Action::limit && service.has_limits)
    section.problem("action", "such a service has no limits: leave them out");
  section.done();
  draft.services.push_back(std::move(service));
}

void read_table_size(Section& tables, std::string_view key, std::uint32_t lowest,
                     std::uint32_t highest, std::uint32_t& out) {
  unsigned value = out;
  tables.read(key, lowest, highest, value);
  if (std::has_single_bit(value)) {
    out = value;
    return;
  }
  const std::uint32_t below = std::bit_floor(value);
  const bool up = value - below > below / 2;
  tables.problem(key, fmt::format("must be a power of two; the nearest is {}",
                                  up ? std::uint64_t{below} * 2 : below));
}

void read_tables(Section tables, Tables& out) {
  constexpr std::uint32_t kMi = 1U << 20;
  read_table_size(tables, "sources", 1024, 16 * kMi, out.sources);
  read_table_size(tables, "flows", 1024, 64 * kMi, out.flows);
  read_table_size(tables, "bans", 1024, 16 * kMi, out.bans);
  tables.done();
}

void read_nfqueue(Section nfqueue, Nfqueue& out) {
  constexpr unsigned kHighest = 65'535 - 15;  // a block of 16 fits
  nfqueue.read("queue", 0, kHighest, out.queue);
  nfqueue.done();
}

void read_log(Section log, Log& out) {
  std::string folder = out.folder;
  log.read("folder", folder);
  if (!folder.starts_with('/'))
    log.problem("folder", "must be a path from the root, such as \"/var/log/floodwall\"");
  else
    out.folder = folder;
  log.read_size("rotate", 64ULL << 10, 10ULL << 30, out.rotate_bytes);
  log.read("keep", 0, 1000, out.keep);
  log.read("journal", out.journal);
  log.done();
}

void read_api(Section api, Api& out) {
  api.read("group", out.group);
  api.done();
}

void read_lists(Section lists, Lists& out) {
  std::vector<Text> texts;
  if (lists.read("allow", texts)) out.allow = plain(std::move(texts));
  texts.clear();
  if (lists.read("deny", texts)) out.deny = plain(std::move(texts));
  lists.done();
}

}  // namespace

void read_document(Section file, Draft& draft) {
  Config& config = draft.config;
  file.read("mode", {"observe", "enforce"}, config.mode);
  read_interfaces(file, config);
  file.read("datapath", {"auto", "xdp", "nfqueue"}, config.datapath);
  file.read("keep_filtering", config.keep_filtering);
  if (auto section = file.section("ban")) read_ban(std::move(*section), config.ban);
  if (auto section = file.section("exempt")) read_exempt(std::move(*section), config.exempt);
  if (auto limit = file.section("limit")) {
    if (auto section = limit->section("default")) {
      read_limits(*section, draft.limits);
      section->done();
    }
    if (auto section = limit->section("prefix")) read_prefix_limit(std::move(*section), draft);
    limit->done();
  }
  if (auto section = file.section("budget")) read_budgets(std::move(*section), config.budgets);
  if (auto section = file.section("detect")) read_detect(std::move(*section), config.detect);
  for (Section& section : file.sections("service")) read_service(std::move(section), draft);
  if (auto section = file.section("lists")) read_lists(std::move(*section), config.lists);
  if (auto section = file.section("tables")) read_tables(std::move(*section), config.tables);
  if (auto section = file.section("nfqueue")) read_nfqueue(std::move(*section), config.nfqueue);
  if (auto section = file.section("log")) read_log(std::move(*section), config.log);
  if (auto section = file.section("api")) read_api(std::move(*section), config.api);
  file.done();
}

}  // namespace fw::config
