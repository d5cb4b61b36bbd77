// SPDX-License-Identifier: MIT
#include "engine/learn/suggest.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/now.hpp"
#include "base/terminal_text.hpp"
#include "base/units.hpp"
#include "engine/journal/event.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

std::string rate_text(double rate) {
  return format_rate(std::ceil(rate), false);
}

// "port 443: 61/s, all others: 3/s"
std::string ports_in_words(const std::map<std::uint16_t, double>& usual) {
  std::vector<std::string> words;
  words.reserve(usual.size());
  for (const auto& [port, rate] : usual)
    words.push_back(fmt::format("{}: {}",
                                port == 0              ? "ports without a service"
                                : port == kAllServices ? "all services together, halved"
                                                       : fmt::format("port {}", port),
                                rate_text(rate)));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string budget_of(fw_class traffic_class, double limit, const Baseline& baseline,
                      const config::Budget& configured) {
  const std::string name = fmt::format("budget.{}", class_word(traffic_class));
  const double usual = baseline.usual(traffic_class);
  if (usual == 0)
    return fmt::format("# {}: next to nothing was seen; {} is enough\n", name,
                       format_rate(limit, false));
  const std::string reason = fmt::format("99.9 % of {} s had at most {} unanswered",
                                         grouped(baseline.seconds()), rate_text(usual));
  const config::Budget budget = baseline.raised(traffic_class, configured);
  if (budget == configured)
    return fmt::format("# {}: {}; {} is enough\n", name, reason, format_rate(limit, false));
  const double raised = budget.limit.value_or(limit);
  std::string out =
      fmt::format("\n[{}]\n# {}, and the limit is {} times that", name, reason, Baseline::kMargin);
  if (std::ceil(Baseline::kMargin * usual) > raised)
    out +=
        fmt::format(", but at most {} times {}", Baseline::kMaxFactor, format_rate(limit, false));
  out += fmt::format("\n# ({})\n", ports_in_words(baseline.usual_by_port(traffic_class)));
  return out + fmt::format("limit = \"{}\"\nburst = {}\nserved_burst = {}\n",
                           format_rate(raised, false), budget.burst, budget.served_burst);
}

}  // namespace

std::string suggestion(const Baseline& baseline, const config::Budgets& configured,
                       std::string_view seen_in) {
  std::string out = fmt::format("# Budgets by floodwall suggest, from {}: {} s", printable(seen_in),
                                grouped(baseline.seconds()));
  if (baseline.left_out_seconds() != 0)
    out += fmt::format(" (and {} s of attack or refused packets, left out)",
                       grouped(baseline.left_out_seconds()));
  out += ".\n";
  if (!baseline.is_enough())
    out += "# That is short: floodwalld itself raises budgets after an hour at least.\n";
  // Classes that need more come last: in TOML a table lasts until the next header, so comments
  // about other classes would read as part of it.
  std::string enough, more;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    const std::optional<double> limit = configured[i].limit;
    if (!limit) continue;
    const std::string one = budget_of(static_cast<fw_class>(i), *limit, baseline, configured[i]);
    (one.starts_with('#') ? enough : more) += one;
  }
  return out + enough + more;
}

}  // namespace fw::engine
