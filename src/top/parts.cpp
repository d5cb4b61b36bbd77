// SPDX-License-Identifier: MIT
// The parts that are sentences; the tables are in tables.cpp.
#include "top/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/units.hpp"

namespace fw::top {
namespace {

std::string bits_per_second(std::uint64_t bytes) {
  const double bits = 8 * static_cast<double>(bytes);
  if (bits >= 1e9) return fmt::format("{:.1f} Gbit/s", bits / 1e9);
  if (bits >= 1e6) return fmt::format("{:.1f} Mbit/s", bits / 1e6);
  return fmt::format("{:.0f} kbit/s", bits / 1e3);
}

// Of the last second that is over; `mean` as long as there is none.
std::uint64_t lately(const std::vector<std::uint64_t>& seconds, std::uint64_t mean) {
  return seconds.empty() ? mean : seconds.back();
}

std::string what_else(const Frame& frame) {
  std::string text;
  if (frame.would_drop != 0) text += fmt::format(", would drop {}/s", grouped(frame.would_drop));
  if (frame.challenged != 0) text += fmt::format(", asked back {}/s", grouped(frame.challenged));
  return text;
}

Line vector_line(const Vector& vector, const Shape& shape) {
  std::string line = fmt::format("  {}: {}/s, {}", vector.to, grouped(vector.pps), vector.done);
  if (vector.sources == 1) {
    line += "; one source: " + vector.heaviest;
  } else if (vector.sources != 0) {
    // Of samples: where most of them are of another source, there are more than were seen.
    const bool more = 2 * vector.sources > vector.sampled;
    line += fmt::format("; {}{} sources", more ? "over " : "", grouped(vector.sources));
    if (!vector.heaviest.empty())
      line += fmt::format(", heaviest {} ({})", vector.heaviest, vector.share);
  }
  return cut({{std::move(line), Ink::plain}}, shape.columns, shape.unicode);
}

std::string attack_sentence(const Attack& attack) {
  std::string text = fmt::format("ATTACK {} for {}", attack.id, attack.age);
  if (!attack.trend.empty()) text += ", " + attack.trend;
  text += fmt::format(": {}/s, {} dropped", grouped(attack.pps), grouped(attack.dropped));
  if (attack.would_drop != 0) text += fmt::format(", {} would be", grouped(attack.would_drop));
  if (attack.borne != 0) text += fmt::format(", {} borne", grouped(attack.borne));
  return text + fmt::format("; {}/s at the peak", grouped(attack.peak_pps));
}

}  // namespace

Line head(const View& view, const Shape& shape) {
  Line line{{"floodwall top", Ink::strong}};
  if (view.frame) {
    const Frame& frame = *view.frame;
    line.push_back({"  " + frame.mode, frame.mode == "enforce" ? Ink::good : Ink::bad});
    line.push_back({fmt::format("  {} on {}", frame.datapath, frame.interfaces)});
    if (!frame.problems.empty())
      line.push_back({fmt::format("  {} problem{}", frame.problems.size(),
                                  frame.problems.size() == 1 ? "" : "s"),
                      Ink::bad});
    if (view.silent_s != 0)
      line.push_back({fmt::format("  no answer for {} s", view.silent_s), Ink::bad});
    else
      line.push_back({"  up " + frame.uptime, Ink::faint});
  }
  return cut(std::move(line), shape.columns, shape.unicode);
}

Lines rates(const View& view, const Frame& frame, const Shape& shape) {
  struct Rate {
    const char* name;
    std::uint64_t pps;
    std::string mean;
    Ink ink;
  };
  const Seconds& seconds = frame.seconds;
  const std::uint64_t dropped = lately(seconds.dropped, frame.dropped);
  const std::array<Rate, 3> all{{
      {"in", lately(seconds.in, frame.in),
       fmt::format("{}/s, {}", grouped(frame.in), bits_per_second(frame.in_bytes)), Ink::plain},
      {"passed", lately(seconds.passed, frame.passed), grouped(frame.passed) + "/s", Ink::plain},
      {"dropped", dropped, grouped(frame.dropped) + "/s" + what_else(frame),
       dropped != 0 ? Ink::bad : Ink::good},
  }};
  std::size_t wide = 0, means = 0;
  for (const Rate& rate : all) {
    wide = std::max(wide, grouped(rate.pps).size());
    means = std::max(means, rate.mean.size());
  }
  const std::string window = frame.window_s == 0 ? "<1 s: " : fmt::format("{} s: ", frame.window_s);
  const std::size_t taken = 8 + wide + 2 + 2 + window.size() + means + 2;
  const std::size_t room = shape.columns > taken ? shape.columns - taken : 0;
  const std::size_t spark = room < 8 ? 0 : std::min(room, History::kSeconds / 2);
  Lines lines;
  for (const Rate& rate : all) {
    Line line{{fmt::format("{:<8}{:>{}}/s", rate.name, grouped(rate.pps), wide), rate.ink}};
    if (spark != 0)
      line.push_back(
          {"  " + sparkline(view.history.of(rate.name), spark, shape.unicode), rate.ink});
    line.push_back({fmt::format("  {}{}", window, rate.mean), Ink::faint});
    lines.push_back(cut(std::move(line), shape.columns, shape.unicode));
  }
  return lines;
}

Line rates_in_short(const Frame& frame, const Shape& shape) {
  const Seconds& seconds = frame.seconds;
  const std::uint64_t dropped = lately(seconds.dropped, frame.dropped);
  return cut({{fmt::format("in {}/s passed {}/s ", grouped(lately(seconds.in, frame.in)),
                           grouped(lately(seconds.passed, frame.passed)))},
              {fmt::format("dropped {}/s", grouped(dropped)), dropped != 0 ? Ink::bad : Ink::good},
              {what_else(frame)}},
             shape.columns, shape.unicode);
}

Lines attack(const Frame& frame, const Shape& shape) {
  if (!frame.attack) {
    const std::string text =
        "no attack" + (frame.last_attack.empty() ? "" : "; " + frame.last_attack);
    return {cut({{text, Ink::good}}, shape.columns, shape.unicode)};
  }
  Lines lines{cut({{attack_sentence(*frame.attack), Ink::bad}}, shape.columns, shape.unicode)};
  for (const Vector& vector : frame.attack->vectors) lines.push_back(vector_line(vector, shape));
  return lines;
}

Lines problems(const Frame& frame, const Shape& shape) {
  Lines lines;
  for (const std::string& problem : frame.problems)
    lines.push_back(cut({{"problem: ", Ink::bad}, {problem}}, shape.columns, shape.unicode));
  return lines;
}

Lines trouble(const View& view, const Shape& shape) {
  if (view.trouble.empty()) return {cut({{"asking the daemon"}}, shape.columns, shape.unicode)};
  Lines lines;
  for (std::string& line : broken(view.trouble, shape.columns))
    lines.push_back({{std::move(line), Ink::bad}});
  const auto every = format_duration(std::chrono::milliseconds(view.interval_ms));
  lines.push_back(cut({{"asking again every " + every, Ink::faint}}, shape.columns, shape.unicode));
  return lines;
}

Lines foot(const View& view, const Shape& shape) {
  Lines lines;
  std::string text = view.message;
  Ink ink = view.message_is_bad ? Ink::bad : Ink::good;
  if (view.asked) {
    text = fmt::format("{}? y does it, any other key does not", sentence(*view.asked));
    ink = Ink::strong;
  } else if (view.under_way) {
    text = sentence(*view.under_way) + ": asking the daemon";
    ink = Ink::strong;
  }
  if (!text.empty()) {
    std::vector<std::string> said = broken(text, shape.columns);
    const std::size_t most = std::max<std::size_t>(1, shape.rows / 3);
    for (std::size_t i = 0; i < std::min(most, said.size()); ++i) {
      if (i + 1 == most && most < said.size()) said[i] += " " + said[i + 1];  // it is cut: it shows
      lines.push_back(cut({{std::move(said[i]), ink}}, shape.columns, shape.unicode));
    }
  }
  const std::string order = view.by_dropped ? "d by packets" : "d by dropped";
  const std::string rows = view.prefixes ? "p sources" : "p prefixes";
  const std::array<std::string, 3> keys{
      fmt::format("b/B ban 1h/ever  u unban  a/A allow 1h/ever  {}  {}  q quit", order, rows),
      "b ban  u unban  a allow  d order  q quit", "b u a d p q"};
  const auto fits = std::ranges::find_if(
      keys, [&](const std::string& text_of_keys) { return text_of_keys.size() <= shape.columns; });
  lines.push_back(
      cut({{view.frame ? (fits == keys.end() ? keys.back() : *fits) : "q quit", Ink::faint}},
          shape.columns, shape.unicode));
  return lines;
}

}  // namespace fw::top
