// SPDX-License-Identifier: MIT
// The reply to `why ADDR`: the verdict, what it rests on, and how to change it. The verdict is the
// policy's (Datapath::access()); the engine only explains it by its own entries and lists.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "base/words.hpp"
#include "datapath/datapath.hpp"
#include "engine/enforce/guard.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"
#include "engine/report/meters.hpp"
#include "engine/report/report.hpp"
#include "engine/report/why_now.hpp"
#include "lists/list_file.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

struct Answer {
  fw_reason reason = FW_REASON_PASS;
  bool loses = false;  // packets, though no list and no ban says so
  std::string headline;
  std::vector<std::array<std::string, 2>> lines;
  std::vector<std::string> remedies;
};

// What the engine has about one address or prefix.
struct Facts {
  std::string subject;
  const std::string* exempt = nullptr;  // why
  const std::pair<const Prefix, Allowance>* allowance = nullptr;
  const ListEntry* allow = nullptr;
  const ListEntry* deny = nullptr;
  const std::pair<const Prefix, Ban>* ban = nullptr;
  bool suspended = false;  // its exemption or allowance, by a forced ban
};

Facts gather(const View& view, const Prefix& prefix, const Now& now) {
  Facts facts{.subject = prefix.text()};
  const Protected& entries = view.protected_entries;
  if (const auto at = entries.exemptions().find(prefix); at != entries.exemptions().end())
    facts.exempt = &at->second;
  if (const auto at = find_covering(entries.allowances(), prefix); at != entries.allowances().end())
    facts.allowance = &*at;
  facts.allow = view.lists.allow.covering(prefix);
  facts.deny = view.lists.deny.covering(prefix);
  if (const auto at = find_covering(view.bans.all(), prefix); at != view.bans.all().end())
    if (view.bans.until_ns(at->first, at->second) > now.mono_ns) facts.ban = &*at;
  facts.suspended = entries.suspended(prefix);
  return facts;
}

std::string ordinal(unsigned number) {
  constexpr std::array<std::string_view, 4> kWords{"no", "first", "second", "third"};
  return number < kWords.size() ? std::string(kWords[number]) : fmt::format("{}th", number);
}

std::string until_in_words(std::uint64_t until_ns, const Now& now) {
  if (until_ns == FW_FOREVER) return "until it is unbanned";
  return fmt::format("until {} ({} left)", time_in_words(wall_at(now, until_ns), now),
                     duration_in_words(until_ns - now.mono_ns));
}

std::string rule_in_words(const Ban& ban) {
  std::string name = ban.rule == "default"  ? "default limits"
                     : ban.rule == "prefix" ? "limits per prefix"
                                            : fmt::format("service \"{}\"", ban.rule);
  if (!ban.measured) return name;
  const Measured& measured = *ban.measured;
  const std::string port =
      measured.dport == 0 || (measured.proto != FW_IPPROTO_TCP && measured.proto != FW_IPPROTO_UDP)
          ? protocol_name(measured.proto)
          : fmt::format("{}/{}", protocol_name(measured.proto), measured.dport);
  return fmt::format("{}, {}, {} above {} over 1 s", name, port,
                     ban.restricted ? "restriction" : "ban",
                     rate_in_words(measured.limit, measured.metric));
}

void explain_ban(const View& view, const Facts& facts, const Now& now, Answer& answer) {
  const auto& [prefix, ban] = *facts.ban;
  answer.headline = fmt::format("{} {}", ban.restricted ? "RESTRICTED" : "BANNED",
                                until_in_words(view.bans.until_ns(prefix, ban), now));
  if (ban.restricted)
    answer.lines.push_back({"passes",
                            "verified connections, what this host asked for, and connections that "
                            "pass a SYN cookie: its packets may be forged"});
  if (ban.by == BannedBy::limit) {
    answer.headline += fmt::format(", {} offence", ordinal(ban.offence));
    answer.lines.push_back({"rule", rule_in_words(ban)});
  } else {
    answer.headline += ", by the operator";
    if (ban.forced) answer.headline += " (--force)";
  }
  if (!ban.reason.empty()) answer.lines.push_back({"reason", printable(ban.reason)});
  if (prefix.text() != facts.subject) answer.lines.push_back({"ban of", prefix.text()});
  if (ban.measured)
    answer.lines.push_back(
        {"measured",
         fmt::format("{} at {}", rate_in_words(ban.measured->value, ban.measured->metric),
                     time_in_words(ban.measured->time, now))});
  const Bans::Drops drops = view.bans.drops(prefix, ban);
  const auto count = [&](const char* what, std::uint64_t packets) {
    answer.lines.push_back({what, fmt::format("{} packets since {}", grouped(packets),
                                              time_in_words(began_at(ban, now), now))});
  };
  if (drops.observed == 0 || drops.dropped != 0) count("dropped", drops.dropped);
  if (drops.observed != 0) count("passed in mode observe", drops.observed);
  if (const std::uint64_t rate = view.bans.rate(prefix, now); rate != 0)
    answer.lines.push_back({"now", rate_in_words(rate, static_cast<fw_metric>(ban.metric))});
  answer.remedies.push_back("lift it: floodwall unban " + facts.subject);
  answer.remedies.push_back("keep it off: floodwall allow " + facts.subject);
}

void explain_allowance(const View& view, const Facts& facts, const Now& now, Answer& answer) {
  if (facts.allowance != nullptr) {
    answer.headline = "ALLOWED " + until_in_words(facts.allowance->second.until_ns, now);
    answer.remedies.push_back("end that: floodwall unallow " + facts.allowance->first.text());
    return;
  }
  const std::string entry = lists::range_text(facts.allow->first, facts.allow->last);
  answer.headline =
      fmt::format("ALLOWED by {} ({})", entry, view.lists.allow.place_of(*facts.allow));
  answer.remedies.push_back("end that: floodwall unallow " + entry);
}

void explain_denial(const View& view, const Facts& facts, Answer& answer) {
  const ListTable& deny = view.lists.deny;
  answer.headline =
      fmt::format("DENIED by {} ({})", lists::range_text(facts.deny->first, facts.deny->last),
                  deny.place_of(*facts.deny));
  if (const std::string& comment = deny.comment_of(*facts.deny); !comment.empty())
    answer.lines.push_back({"comment", printable(comment)});
  answer.remedies.push_back(fmt::format("let it in: take it off {}, or floodwall allow {}",
                                        deny.file_of(*facts.deny), facts.subject));
}

// Whether the engine has what the policy's verdict rests on.
bool is_known(fw_reason reason, const Facts& facts) {
  switch (reason) {
    case FW_REASON_EXEMPT:
      return facts.exempt != nullptr;
    case FW_REASON_ALLOW:
      return facts.allowance != nullptr || facts.allow != nullptr;
    case FW_REASON_DENY:
      return facts.deny != nullptr;
    case FW_REASON_BAN:
    case FW_REASON_RESTRICT:
      return facts.ban != nullptr;
    default:
      return true;
  }
}

// A prefix is answered for by its first address.
Answer explain(const View& view, const Prefix& prefix, const std::optional<PortKey>& port,
               const Facts& facts, const Now& now) {
  Answer answer;
  answer.reason = view.datapath.access(prefix.address);
  if (!is_known(answer.reason, facts)) {
    answer.headline = fmt::format(
        "{}: decided by an entry that covers {} alone, or that another "
        "program wrote",
        reason_word(answer.reason), prefix.address.text());
    return answer;
  }
  switch (answer.reason) {
    case FW_REASON_EXEMPT:
      answer.headline =
          fmt::format("EXEMPT: {} (automatic exemption)", exemption_in_words(*facts.exempt));
      answer.remedies.push_back("ban it anyway: floodwall ban --force " + facts.subject);
      break;
    case FW_REASON_ALLOW:
      explain_allowance(view, facts, now, answer);
      break;
    case FW_REASON_DENY:
      explain_denial(view, facts, answer);
      break;
    case FW_REASON_BAN:
    case FW_REASON_RESTRICT:
      explain_ban(view, facts, now, answer);
      break;
    default: {
      WhyNow found = why_now(view, prefix, port, now);
      answer.headline = std::move(found.headline);
      answer.loses = found.loses;
      answer.lines = std::move(found.lines);
      answer.remedies = std::move(found.remedies);
      break;
    }
  }
  return answer;
}

// Lines that do not depend on the verdict: history, and all lists that contain it.
void add_background(const View& view, const Prefix& prefix, const Facts& facts, const Now& now,
                    Answer& answer) {
  const config::Ban& config = view.settings.config.ban;
  Prefix source = prefix;
  if (!prefix.is_v4() && prefix.bits > config.prefix_v6)
    source = {.address = masked(prefix.address, config.prefix_v6), .bits = config.prefix_v6};
  const unsigned offences = view.offences.count(source, now, config.memory);
  const std::string memory = format_duration(config.memory);
  answer.lines.push_back({"history", offences == 0 ? fmt::format("no offence in {}", memory)
                                     : offences == 1
                                         ? fmt::format("one offence in {}", memory)
                                         : fmt::format("{} offences in {}", offences, memory)});
  const auto yes_no = [](bool yes) { return yes ? "yes" : "no"; };
  answer.lines.push_back(
      {"lists", fmt::format("allow list: {}   deny list: {}   exempt: {}   banned: {}",
                            yes_no(facts.allow != nullptr || facts.allowance != nullptr),
                            yes_no(facts.deny != nullptr), yes_no(facts.exempt != nullptr),
                            yes_no(facts.ban != nullptr))});
  if (facts.suspended && (facts.exempt != nullptr || facts.allow != nullptr || facts.allowance))
    answer.lines.push_back({"note", "its exemption is suspended while the --force ban lasts"});
  if (view.settings.mode != Mode::enforce)
    answer.lines.push_back(
        {"note", fmt::format("mode is {}: nothing is dropped now", word(view.settings.mode))});
}

}  // namespace

Json why_report(const View& view, const Prefix& prefix, const std::optional<PortKey>& port,
                const Now& now) {
  const Facts facts = gather(view, prefix, now);
  Answer answer = explain(view, prefix, port, facts, now);
  Json meters = Json::array();
  if (answer.reason == FW_REASON_PASS)  // else its packets do not come to the meters
    for (const Meter& meter : meters_of(view, prefix, now)) {
      answer.lines.push_back({"now", in_words(meter)});
      meters.push_back(to_json(meter));
    }
  add_background(view, prefix, facts, now, answer);
  const bool refused = fw_reason_drops(answer.reason) != 0;
  const bool enforcing = view.settings.mode == Mode::enforce;
  return {{"address", facts.subject},
          {"verdict", refused && enforcing ? "drop" : "pass"},
          {"loses", (refused || answer.loses) && enforcing},
          {"reason", reason_word(answer.reason)},
          {"headline", answer.headline},
          {"lines", answer.lines},
          {"meters", std::move(meters)},
          {"remedies", answer.remedies}};
}

}  // namespace fw::engine
