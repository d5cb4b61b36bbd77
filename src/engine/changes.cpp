// SPDX-License-Identifier: MIT
#include "engine/changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/units.hpp"
#include "engine/measured.hpp"

namespace fw::engine {
namespace {

class Changes {
 public:
  template <typename T>
  void compare(std::string_view key, const T& current, const T& next) {
    if (current != next) found_.push_back(fmt::format("{} {} -> {}", key, current, next));
  }
  void note(std::string sentence) { found_.push_back(std::move(sentence)); }
  [[nodiscard]] std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("[{}]", fmt::join(words, ", "));
}

std::string_view kind_word(config::DatapathKind kind) {
  switch (kind) {
    case config::DatapathKind::automatic:
      return "auto";
    case config::DatapathKind::xdp:
      return "xdp";
    case config::DatapathKind::nfqueue:
      return "nfqueue";
  }
  return "";
}

bool same_limit(const fw_limit& a, const fw_limit& b) {
  return a.cost_q8 == b.cost_q8 && a.burst == b.burst && a.ban_above == b.ban_above;
}

bool same_rule(const fw_rule& a, const fw_rule& b) {
  return std::ranges::equal(a.limit, b.limit, same_limit) && a.ban_ms == b.ban_ms &&
         a.action == b.action && a.own == b.own;
}

bool same_ports(const config::Service& a, const config::Service& b) {
  return std::ranges::equal(a.ports, b.ports, [](const auto& x, const auto& y) {
    return x.udp == y.udp && x.first == y.first && x.last == y.last;
  });
}

void compare_services(const Settings& current, const Settings& next, Changes& changes) {
  // Rule i + 1 is that of service i.
  const auto find = [](const Settings& settings, const std::string& name) {
    const auto& services = settings.config.services;
    return static_cast<std::size_t>(std::ranges::find(services, name, &config::Service::name) -
                                    services.begin());
  };
  if (!same_rule(current.compiled.policy.rule[0], next.compiled.policy.rule[0]))
    changes.note("limit.default changed");
  if (!(current.config.limit_prefix == next.config.limit_prefix))
    changes.note("limit.prefix changed");
  for (std::size_t i = 0; i < next.config.services.size(); ++i) {
    const config::Service& service = next.config.services[i];
    const std::size_t before = find(current, service.name);
    if (before == current.config.services.size())
      changes.note(fmt::format("service \"{}\" is new", service.name));
    else if (!same_ports(current.config.services[before], service) ||
             !same_rule(current.compiled.policy.rule[before + 1], next.compiled.policy.rule[i + 1]))
      changes.note(fmt::format("service \"{}\" changed", service.name));
  }
  for (const config::Service& service : current.config.services)
    if (find(next, service.name) == next.config.services.size())
      changes.note(fmt::format("service \"{}\" is gone", service.name));
}

std::string budget_in_words(const config::Budget& budget) {
  if (!budget.limit) return "none";
  return fmt::format("{} (burst {}, served {})", format_rate(*budget.limit, false), budget.burst,
                     budget.served_burst);
}

void compare_detection(const config::Config& a, const config::Config& b, Changes& changes) {
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    changes.compare(fmt::format("budget.{}", class_word(static_cast<fw_class>(i))),
                    budget_in_words(a.budgets[i]), budget_in_words(b.budgets[i]));
  changes.compare("detect.signatures", a.detect.signatures, b.detect.signatures);
  changes.compare("detect.syn_cookies", a.detect.syn_cookies, b.detect.syn_cookies);
  changes.compare("detect.learn", a.detect.learn, b.detect.learn);
  changes.compare("detect.capture", a.detect.capture, b.detect.capture);
  changes.compare("detect.scan_ports", a.detect.scan_ports, b.detect.scan_ports);
  const auto ban_in_words = [](Milliseconds ban) {
    return ban.count() == 0 ? std::string("none") : format_duration(ban);
  };
  changes.compare("detect.scan_ban", ban_in_words(a.detect.scan_ban),
                  ban_in_words(b.detect.scan_ban));
}

}  // namespace

Result<void> check_fixed_settings(const config::Config& current, const config::Config& next) {
  Changes changes;
  changes.compare("tables.sources", current.tables.sources, next.tables.sources);
  changes.compare("tables.flows", current.tables.flows, next.tables.flows);
  changes.compare("tables.bans", current.tables.bans, next.tables.bans);
  changes.compare("nfqueue.queue", current.nfqueue.queue, next.nfqueue.queue);
  changes.compare("datapath", kind_word(current.datapath), kind_word(next.datapath));
  const std::vector<std::string> found = changes.take();
  if (found.empty()) return {};
  return fail(
      ErrorKind::refused,
      fmt::format("{}: fixed while floodwalld runs; restart it to change that, or set it back "
                  "(nothing was applied)",
                  fmt::join(found, ", ")));
}

std::vector<std::string> describe_changes(const Settings& current, const Settings& next) {
  Changes changes;
  const config::Config& a = current.config;
  const config::Config& b = next.config;
  changes.compare("mode", word(current.mode), word(next.mode));
  changes.compare("interface", joined(a.interfaces), joined(b.interfaces));
  changes.compare("keep_filtering", a.keep_filtering, b.keep_filtering);
  changes.compare("ban.time", format_duration(a.ban.time), format_duration(b.ban.time));
  changes.compare("ban.escalate", fmt::format("{}", fmt::join(a.ban.escalate, ",")),
                  fmt::format("{}", fmt::join(b.ban.escalate, ",")));
  changes.compare("ban.memory", format_duration(a.ban.memory), format_duration(b.ban.memory));
  changes.compare("ban.prefix_v6", a.ban.prefix_v6, b.ban.prefix_v6);
  changes.compare("ban.per_minute", a.ban.per_minute, b.ban.per_minute);
  changes.compare("exempt.own_addresses", a.exempt.own_addresses, b.exempt.own_addresses);
  changes.compare("exempt.gateway", a.exempt.gateway, b.exempt.gateway);
  changes.compare("exempt.dns", a.exempt.dns, b.exempt.dns);
  changes.compare("exempt.dhcp", a.exempt.dhcp, b.exempt.dhcp);
  changes.compare("exempt.operator_sessions", a.exempt.operator_sessions,
                  b.exempt.operator_sessions);
  changes.compare("lists.allow", joined(a.lists.allow), joined(b.lists.allow));
  changes.compare("lists.deny", joined(a.lists.deny), joined(b.lists.deny));
  changes.compare("log.folder", a.log.folder.native(), b.log.folder.native());
  compare_detection(a, b, changes);
  compare_services(current, next, changes);
  return changes.take();
}

}  // namespace fw::engine
