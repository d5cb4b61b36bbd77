// SPDX-License-Identifier: MIT
#include "engine/enforce/repairs.hpp"

#include <fmt/format.h>

#include "base/words.hpp"

namespace fw::engine {

void Repairs::note(const std::string& what, const std::string& unsolved, Journal& journal,
                   const Now& now) {
  std::erase_if(findings_,
                [&](const auto& each) { return now.mono_ns - each.second.last_ns > kReportedNs; });
  Finding& finding = findings_[what];
  const bool is_new = finding.times == 0 || finding.unsolved.empty() != unsolved.empty();
  finding = {.last_ns = now.mono_ns, .times = finding.times + 1, .unsolved = unsolved};
  if (!is_new) return;
  const EventType type = unsolved.empty() ? EventType::repaired : EventType::repair_failed;
  journal.write(type, now, [&] {
    EventDetails details{"", {Field::text("what", what)}};
    if (!unsolved.empty()) details.fields.push_back(Field::text("error", unsolved));
    return details;
  });
}

std::vector<std::string> Repairs::problems(const Now& now) const {
  std::vector<std::string> sentences;
  for (const auto& [what, finding] : findings_) {
    const std::uint64_t ago_ns = now.mono_ns - finding.last_ns;
    if (ago_ns > kReportedNs) continue;
    if (!finding.unsolved.empty())
      sentences.push_back(fmt::format("{}, and cannot be put right: {}", what, finding.unsolved));
    else
      sentences.push_back(
          fmt::format("{}; it was put right {} ago{}: is another program at work?", what,
                      duration_in_words(ago_ns),
                      finding.times > 1 ? fmt::format(", {} times in a row", finding.times) : ""));
  }
  return sentences;
}

}  // namespace fw::engine
