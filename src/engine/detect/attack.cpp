// SPDX-License-Identifier: MIT
#include "engine/detect/attack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/words.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

std::string vectors_in_words(std::span<const VectorKey> vectors) {
  constexpr std::size_t kShown = 4;
  std::string out;
  for (const VectorKey& key : vectors.first(std::min(vectors.size(), kShown))) {
    if (!out.empty()) out += ", ";
    out += text_of(key);
  }
  if (vectors.size() > kShown) out += fmt::format(", {} more", vectors.size() - kShown);
  return out;
}

}  // namespace

std::string text_of(const VectorKey& vector) {
  std::string out(class_word(vector.traffic_class));
  if (vector.dst == Address{}) return vector.port != 0 ? out + " to services" : out;
  out += " to " + vector.dst.text();
  if (vector.port != 0)
    out += fmt::format(" {} {}", vector.traffic_class == FW_CLASS_OTHER ? "protocol" : "port",
                       vector.port);
  return out;
}

EventDetails details_of_vectors(const Attack& attack, std::span<const VectorKey> vectors,
                                const AttackRates& rates) {
  EventDetails details{
      "",
      {Field::text("id", attack.id), Field::text("vectors", vectors_in_words(vectors)),
       Field::count("pps", std::max({rates.excess, rates.answered, rates.unfinished})),
       Field::count(rates.observed ? "would_drop_pps" : "dropped_pps", rates.dropped),
       Field::count("excess_pps", rates.excess), Field::count("budget", rates.budget),
       Field::text("window", "1s")}};
  if (rates.answered > 0) details.fields.push_back(Field::count("answered_pps", rates.answered));
  if (rates.unfinished > 0)
    details.fields.push_back(Field::count("unfinished_pps", rates.unfinished));
  if (!attack.suffering.empty())
    details.fields.push_back(Field::text("suffering", attack.suffering));
  return details;
}

EventDetails details_of_end(const Attack& attack) {
  std::vector<VectorKey> vectors;
  for (const auto& [key, vector] : attack.vectors) vectors.push_back(key);
  const double all = static_cast<double>(attack.dropped + attack.passed);
  EventDetails details{
      "",
      {Field::text("id", attack.id),
       Field::text("duration", duration_field(attack.end_ns - attack.since_ns)),
       Field::text("vectors", vectors_in_words(vectors)), Field::count("peak_pps", attack.peak_pps),
       Field::count("sources", attack.sources)}};
  const auto share = [&](const char* key, std::uint64_t packets) {
    const double part = all > 0 ? 100 * static_cast<double>(packets) / all : 0;
    details.fields.push_back(Field::text(key, fmt::format("{:.1f}%", part)));
  };
  const std::uint64_t dropped = attack.dropped - std::min(attack.dropped, attack.observed);
  if (attack.observed == 0 || dropped != 0) share("dropped", dropped);
  if (attack.observed != 0) share("would_drop", attack.observed);
  if (attack.borne > 0) details.fields.push_back(Field::count("borne", attack.borne));
  if (!attack.suffering.empty())
    details.fields.push_back(Field::text("suffering", attack.suffering));
  return details;
}

}  // namespace fw::engine
