// SPDX-License-Identifier: MIT
// Settings of the kernel that matter in a flood.
#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"
#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

constexpr std::uint64_t kManyDrops = 1000, kGoodBuffer = 16ULL << 20, kSmallBuffer = 1ULL << 20;

struct Least {
  const char* name;
  std::uint64_t least, wanted;
  std::string_view meaning;
};
// The defaults of Linux 5.18 and later on any machine are not below these: whoever has less has
// set it, or was given it by an old guide.
constexpr Least kBacklogs[] = {
    {"net.core.somaxconn", 1024, 4096,
     "A server's queue of new connections is cut to this, whatever it asks for."},
    {"net.ipv4.tcp_max_syn_backlog", 128, 1024,
     "So few handshakes may be open at once before the kernel answers with cookies."},
    {"net.core.netdev_max_backlog", 1000, 1000,
     "So few packets may wait for a processor before the kernel drops them."},
    {"net.core.netdev_budget", 300, 300,
     "The kernel takes so few packets from a card before it does something else."},
    {"net.core.netdev_budget_usecs", 2000, 2000,
     "The kernel spends so little time on a card before it does something else."},
};

}  // namespace

void judge_syncookies(const Facts& facts, Report& report) {
  const auto cookies = sysctl(facts, "net.ipv4.tcp_syncookies");
  if (!cookies) return;
  if (*cookies == 0)
    return report.add(Severity::problem,
                      {.subject = "net.ipv4.tcp_syncookies",
                       .saw = "0",
                       .meaning = "During a SYN flood SYNs are dropped instead of answered, so new "
                                  "users do not get in.",
                       .command = set_sysctl("net.ipv4.tcp_syncookies", 1)});
  const bool answered = facts.daemon.syn_cookies == "on";
  const bool tracked = sysctl(facts, "net.netfilter.nf_conntrack_count").value_or(0) != 0;
  if (answered && tracked && sysctl(facts, "net.netfilter.nf_conntrack_tcp_loose") == 0U)
    return report.add(
        Severity::warning,
        {.subject = "net.netfilter.nf_conntrack_tcp_loose",
         .saw = "0",
         .meaning = "Connection tracking takes no connection whose SYN it did not see, so a rule "
                    "that drops what is invalid drops whom Floodwall answered with a cookie.",
         .command = set_sysctl("net.netfilter.nf_conntrack_tcp_loose", 1)});
  report.ok("net.ipv4.tcp_syncookies", std::to_string(*cookies));
}

void judge_conntrack(const Facts& facts, Report& report) {
  const auto used = sysctl(facts, "net.netfilter.nf_conntrack_count");
  const auto limit = sysctl(facts, "net.netfilter.nf_conntrack_max");
  if (!used || !limit || *limit == 0) return;
  std::string saw = fmt::format("{} of {} connections", grouped(*used), grouped(*limit));
  if (*used * 10 < *limit * 7) return report.ok("connection tracking", std::move(saw));
  report.add(*used * 10 < *limit * 9 ? Severity::warning : Severity::problem,
             {.subject = "connection tracking",
              .saw = std::move(saw),
              .meaning = "When it is full the kernel drops packets of new connections, those of "
                         "users too.",
              .command = set_sysctl("net.netfilter.nf_conntrack_max", *limit * 2)});
}

void judge_backlogs(const Facts& facts, Report& report) {
  bool low = false, seen = false;
  for (const Least& each : kBacklogs) {
    const auto value = sysctl(facts, each.name);
    seen = seen || value;
    if (!value || *value >= each.least) continue;
    low = true;
    report.add(Severity::note, {.subject = each.name,
                                .saw = std::to_string(*value),
                                .meaning = std::string(each.meaning),
                                .command = set_sysctl(each.name, each.wanted)});
  }
  if (seen && !low) report.ok("", "backlogs and budgets are at least the kernel's defaults");
}

void judge_udp_buffers(const Facts& facts, Report& report) {
  const auto limit = sysctl(facts, "net.core.rmem_max");
  if (!limit || *limit >= kSmallBuffer) return;
  for (const LossySocket& one : facts.lossy)
    if (one.drops >= kManyDrops && one.buffer_bytes < kSmallBuffer)
      report.add(Severity::note,
                 {.subject = fmt::format("udp/{}", one.port),
                  .saw = fmt::format("its socket lost {} packets, and holds {}", grouped(one.drops),
                                     format_size(one.buffer_bytes)),
                  .meaning = "Its program may ask for a larger buffer, but the kernel grants "
                             "net.core.rmem_max at most.",
                  .command = set_sysctl("net.core.rmem_max", kGoodBuffer)});
}

void judge_reverse_path(const Facts& facts, Report& report) {
  if (facts.uplinks.size() < 2) return;
  const auto all = sysctl(facts, "net.ipv4.conf.all.rp_filter");
  if (!all) return;
  for (const Uplink& uplink : facts.uplinks) {
    // The kernel takes the higher of the two; 1 is strict, 2 is loose.
    const std::uint64_t own = uplink.card.strict_path == "2"   ? 2
                              : uplink.card.strict_path == "1" ? 1
                                                               : 0;
    if (std::max(*all, own) != 1) continue;
    const std::string name = fmt::format("net.ipv4.conf.{}.rp_filter", uplink.name);
    report.add(Severity::warning,
               {.subject = uplink.name,
                .saw = "rp_filter = 1 (strict), with several uplinks",
                .meaning = "The kernel drops what arrives here and would be answered by another "
                           "uplink, as if its sender were forged.",
                .command = set_sysctl(uplink.name.find('.') == std::string::npos
                                          ? name
                                          : fmt::format("net/ipv4/conf/{}/rp_filter", uplink.name),
                                      2)});
  }
}

}  // namespace fw::doctor
