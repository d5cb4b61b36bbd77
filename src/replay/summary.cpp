// SPDX-License-Identifier: MIT
#include "replay/summary.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "engine/journal/words.hpp"

namespace fw::replay {
namespace {

using engine::EventType;
using nlohmann::json;

constexpr std::size_t kTextEvents = 20, kTextSources = 10, kJsonSources = 100;

std::string class_word(unsigned traffic_class) {
  return std::string(engine::class_word(static_cast<fw_class>(traffic_class)));
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? "-"
                    : fmt::format("{:.1f} %",
                                  100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

// Whether the capture has packets to the protected addresses but none from them. Answers are then
// unknown.
bool is_one_way(const Report& report) {
  const Tally& tally = report.tally;
  return tally.all_passed().packets + tally.all_dropped().packets != 0 &&
         tally.passed(FW_REASON_OUTGOING).packets == 0;
}

std::string first_time(const Report& report) {
  return format_time(report.clock.at(CaptureClock::kStartNs).wall);
}

std::uint64_t duration_ns(const Report& report) {
  return report.clock.mono_ns() - CaptureClock::kStartNs;
}

std::string addresses_of(const Report& report) {
  std::vector<std::string> words;
  words.reserve(report.protect.size());
  for (const Address& address : report.protect) words.push_back(address.text());
  return fmt::format("{}", fmt::join(words, ", "));
}

json amount_json(const PacketCount& amount) {
  return {{"packets", amount.packets}, {"bytes", amount.bytes}};
}

json reasons_json(const Tally& tally) {
  json reasons = json::object();
  for (unsigned reason = 0; reason < kOutcomes; ++reason) {
    const PacketCount passed = tally.passed(reason), dropped = tally.dropped(reason);
    if (passed.packets + dropped.packets == 0) continue;
    json entry = amount_json(dropped.packets != 0 ? dropped : passed);
    entry["verdict"] = dropped.packets != 0 ? "drop" : "pass";
    reasons[outcome_word(reason)] = std::move(entry);
  }
  return reasons;
}

json classes_json(const Tally& tally) {
  json classes = json::object();
  for (unsigned traffic_class = 0; traffic_class < FW_CLASS_COUNT; ++traffic_class) {
    const PacketCount all = tally.of_class(traffic_class);
    if (all.packets == 0) continue;
    json entry = amount_json(all);
    entry["dropped"] = tally.dropped_of_class(traffic_class).packets;
    classes[class_word(traffic_class)] = std::move(entry);
  }
  return classes;
}

json sources_json(const Report& report) {
  json sources = json::array();
  for (const SourceLoss& loss : report.tally.sources().top(kJsonSources))
    sources.push_back({{"address", loss.source.text()},
                       {"dropped", loss.packets},
                       {"challenged", loss.answered},
                       {"surplus", loss.surplus},
                       {"first", format_time(report.clock.at(loss.first_ns).wall)},
                       {"reason", outcome_word(loss.reason)}});
  return sources;
}

// "ban 7,900  limit 100"
std::string reasons_text(const Tally& tally, bool dropped) {
  std::string text;
  for (unsigned reason = 0; reason < FW_REASON_COUNT; ++reason) {
    if (reason == FW_REASON_OUTGOING) continue;
    const PacketCount amount = dropped ? tally.dropped(reason) : tally.passed(reason);
    if (amount.packets != 0)
      text += fmt::format("  {} {}", outcome_word(reason), grouped(amount.packets));
  }
  return text;
}

std::string capacity_text(const Report& report) {
  if (!report.capacity)
    return "judged as for services that bear nothing above their budgets (--capacity)";
  return fmt::format("judged as for services that bear {:.0f} packets/s above their budgets",
                     *report.capacity);
}

std::string totals_text(const Report& report, const cli::Style& style) {
  const Tally& tally = report.tally;
  const std::uint64_t passed = tally.all_passed().packets, dropped = tally.all_dropped().packets;
  const std::uint64_t ours = passed + dropped;
  std::string text = fmt::format("{}: {} packets in {:.3f} s from {}, profile {}, {}\n{}\n\n",
                                 printable(report.file), grouped(tally.records()),
                                 static_cast<double>(duration_ns(report)) / 1e9, first_time(report),
                                 report.profile, printable(report.config), capacity_text(report));
  text += fmt::format("  to {:<32} {:>12}\n", addresses_of(report), grouped(ours));
  text += fmt::format("    {:<33} {:>12}  {:>7}{}\n",
                      cli::ink(style, dropped == 0 ? cli::Ink::good : cli::Ink::bad,
                               fmt::format("{:<33}", "would have been dropped")),
                      grouped(dropped), percent(dropped, ours), reasons_text(tally, true));
  if (const std::uint64_t answered = tally.challenged().packets; answered != 0)
    text += fmt::format("      {:<31} {:>12}  {:>7}\n", "of these answered (SYN cookies)",
                        grouped(answered), percent(answered, ours));
  text += fmt::format("    {:<33} {:>12}  {:>7}{}\n", "passed", grouped(passed),
                      percent(passed, ours), reasons_text(tally, false));
  text += fmt::format("  {:<35} {:>12}\n", "from there (outgoing, not judged)",
                      grouped(tally.passed(FW_REASON_OUTGOING).packets));
  text += fmt::format("  {:<35} {:>12}\n", "others' (not judged)",
                      grouped(tally.passed(kNotOurs).packets));
  return text;
}

std::string classes_text(const Tally& tally, const cli::Style& style) {
  cli::TextTable table({{"CLASS"}, {"PACKETS", true}, {"BYTES", true}, {"DROPPED", true}});
  for (unsigned traffic_class = 0; traffic_class < FW_CLASS_COUNT; ++traffic_class) {
    const PacketCount all = tally.of_class(traffic_class);
    if (all.packets == 0) continue;
    table.row({class_word(traffic_class), grouped(all.packets), grouped(all.bytes),
               grouped(tally.dropped_of_class(traffic_class).packets)});
  }
  return table.empty() ? "" : "\n" + table.text(style);
}

std::string events_text(const Report& report) {
  const auto& events = report.timeline.events();
  if (events.empty()) return "\nNobody would have been banned or limited.\n";
  std::string text = "\nWhat would have happened\n";
  for (std::size_t i = 0; i < std::min(kTextEvents, events.size()); ++i)
    text += "  " + engine::to_text(events[i]) + "\n";
  const std::uint64_t more =
      report.timeline.left_out() + (events.size() - std::min(kTextEvents, events.size()));
  if (more != 0)
    text += fmt::format("  and {} more (bans {}, limits {}, unbans {} in all)\n", grouped(more),
                        grouped(report.timeline.count(EventType::ban) +
                                report.timeline.count(EventType::restricted)),
                        grouped(report.timeline.count(EventType::limit)),
                        grouped(report.timeline.count(EventType::unban) +
                                report.timeline.count(EventType::unrestricted)));
  return text;
}

std::string sources_text(const Report& report, const cli::Style& style) {
  const TopSources& sources = report.tally.sources();
  cli::TextTable table({{"SOURCE"}, {"DROPPED", true}, {"ANSWERED", true}, {"FIRST"}, {"REASON"}});
  for (const SourceLoss& loss : sources.top(kTextSources))
    table.row({loss.source.text(),
               loss.surplus == 0 ? grouped(loss.packets)
                                 : fmt::format("{}+", grouped(loss.packets - loss.surplus)),
               grouped(loss.answered), format_time(report.clock.at(loss.first_ns).wall),
               outcome_word(loss.reason)});
  if (table.empty()) return "";
  return fmt::format("\nWhose packets would have been dropped: {}{} source{}\n{}",
                     sources.forgot() ? "more than " : "", grouped(sources.known()),
                     sources.known() == 1 ? "" : "s", table.text(style));
}

}  // namespace

json to_json(const Report& report) {
  json events = json::array();
  for (const engine::Event& event : report.timeline.events())
    events.push_back(engine::to_json(event));
  json counts = json::object();
  for (std::size_t i = 0; i < engine::kEventTypes; ++i) {
    const auto type = static_cast<EventType>(i);
    if (report.timeline.count(type) != 0)
      counts[std::string(engine::word(type))] = report.timeline.count(type);
  }
  json out = {{"file", report.file},
              {"profile", report.profile},
              {"config", report.config},
              {"capacity", report.capacity.value_or(0)},
              {"packets", report.tally.records()},
              {"first", first_time(report)},
              {"last", format_time(report.clock.now().wall)},
              {"duration_s", static_cast<double>(duration_ns(report)) / 1e9},
              {"passed", amount_json(report.tally.all_passed())},
              {"dropped", amount_json(report.tally.all_dropped())},
              {"challenged", amount_json(report.tally.challenged())},
              {"reasons", reasons_json(report.tally)},
              {"classes", classes_json(report.tally)},
              {"events", std::move(events)},
              {"events_left_out", report.timeline.left_out()},
              {"event_counts", std::move(counts)},
              {"sources", sources_json(report)},
              {"problems", report.problems},
              {"cut", report.cut},
              {"one_way", is_one_way(report)}};
  out["protect"] = json::array();
  for (const Address& address : report.protect) out["protect"].push_back(address.text());
  if (!report.damage.empty()) out["damage"] = report.damage;
  return out;
}

std::string to_text(const Report& report, const cli::Style& style) {
  std::string text = totals_text(report, style) + classes_text(report.tally, style) +
                     events_text(report) + sources_text(report, style);
  const std::uint64_t ours = report.tally.all_passed().packets + report.tally.all_dropped().packets;
  if (ours == 0 && report.tally.records() != 0)
    text += fmt::format("\nNo packet goes to {}: is it the right address?\n", addresses_of(report));
  if (is_one_way(report))
    text += fmt::format(
        "\nNo packet from {} is in it. TCP clients that visibly go on count as answered; whether\n"
        "anything else was answered cannot be known, and a busy service looks like a flood.\n",
        addresses_of(report));
  for (const std::string& problem : report.problems)
    text += fmt::format("list: {}\n", printable(problem));
  if (report.cut) text += "The file ends within a record; read up to there.\n";
  return text;
}

}  // namespace fw::replay
