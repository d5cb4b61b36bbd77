// SPDX-License-Identifier: MIT
#include "engine/detect/attack.hpp"

#include <fmt/format.h>

#include "base/words.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

std::string vectors_in_words(const std::map<VectorKey, Vector>& vectors) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& [key, vector] : vectors) {
    if (++shown > 4) return out + fmt::format(", {} more", vectors.size() - 4);
    if (!out.empty()) out += ", ";
    out += text_of(key);
  }
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

EventDetails details_of_start(const Attack& attack, std::uint64_t dropped_pps,
                              std::uint64_t excess_pps, std::uint64_t answered_pps) {
  EventDetails details{
      "",
      {Field::text("id", attack.id), Field::text("vectors", vectors_in_words(attack.vectors)),
       Field::count("pps", dropped_pps), Field::count("excess_pps", excess_pps)}};
  if (answered_pps > 0) details.fields.push_back(Field::count("answered_pps", answered_pps));
  if (!attack.suffering.empty())
    details.fields.push_back(Field::text("suffering", attack.suffering));
  return details;
}

EventDetails details_of_end(const Attack& attack) {
  const double all = static_cast<double>(attack.dropped + attack.passed);
  EventDetails details{
      "",
      {Field::text("id", attack.id),
       Field::text("duration", duration_field(attack.end_ns - attack.since_ns)),
       Field::text("vectors", vectors_in_words(attack.vectors)),
       Field::count("peak_pps", attack.peak_pps), Field::count("sources", attack.sources),
       Field::text(
           "dropped",
           fmt::format("{:.1f}%", all > 0 ? 100 * static_cast<double>(attack.dropped) / all : 0))}};
  if (attack.borne > 0) details.fields.push_back(Field::count("borne", attack.borne));
  if (!attack.suffering.empty())
    details.fields.push_back(Field::text("suffering", attack.suffering));
  return details;
}

}  // namespace fw::engine
