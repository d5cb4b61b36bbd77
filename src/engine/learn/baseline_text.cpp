// SPDX-License-Identifier: MIT
// A baseline as text and back. The file may be older, newer or damaged: every value is checked.
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/journal/words.hpp"
#include "engine/learn/baseline.hpp"

namespace fw::engine {
namespace {

using Json = nlohmann::json;

constexpr unsigned kVersion = 1;
constexpr double kMostWeight = 1e12;

std::optional<fw_class> class_of(const std::string& word) {
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++)
    if (class_word(static_cast<fw_class>(i)) == word) return static_cast<fw_class>(i);
  return std::nullopt;
}

std::optional<std::uint64_t> whole(const Json& json, std::uint64_t most) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most) return std::nullopt;
  return json.get<std::uint64_t>();
}

std::optional<double> weight(const Json& json) {
  if (!json.is_number()) return std::nullopt;
  const auto value = json.get<double>();
  if (!(value >= 0 && value <= kMostWeight)) return std::nullopt;
  return value;
}

// Null if there is none.
const Json& member(const Json& object, const char* name) {
  static const Json none;
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at == object.end() ? none : *at;
}

// False if a step is none.
bool read_steps(const Json& steps, Histogram& to) {
  if (!steps.is_array()) return false;
  for (const Json& step : steps) {
    if (!step.is_array() || step.size() != 2) return false;
    const auto bucket = whole(step[0], Histogram::kBuckets - 1);
    const auto heavy = weight(step[1]);
    if (!bucket || !heavy) return false;
    to.put(static_cast<unsigned>(*bucket), *heavy);
  }
  return true;
}

}  // namespace

std::string Baseline::text() const {
  Json seen = Json::array();
  for (const auto& [key, seconds] : seen_) {
    Json steps = Json::array();
    for (const auto& [bucket, heavy] : seconds.rates.buckets())
      steps.push_back(Json::array({bucket, heavy / unit_}));
    seen.push_back({{"class", class_word(key.traffic_class)},
                    {"port", key.port},
                    {"steps", std::move(steps)}});
  }
  Json classes = Json::array();
  double most = 0;
  for (unsigned i = 0; i < FW_CLASS_COUNT; i++) {
    most = std::max(most, learned_[i].total);
    classes.push_back({{"class", class_word(static_cast<fw_class>(i))},
                       {"windows", learned_[i].windows},
                       {"weight", learned_[i].total / unit_}});
  }
  const Json all = {{"version", kVersion},
                    {"windows", windows_},
                    {"weight", most / unit_},
                    {"classes", std::move(classes)},
                    {"seen", std::move(seen)}};
  return all.dump();
}

Result<void> Baseline::restore(std::string_view text) {
  const auto damaged = [](const char* what) {
    return fail(std::string("the learned baseline cannot be read (") + what +
                "): learning begins anew");
  };
  const Json all = Json::parse(text, nullptr, false);
  if (whole(member(all, "version"), kVersion) != kVersion) return damaged("not of this version");
  const auto windows = whole(member(all, "windows"), 1ULL << 33);
  const auto total = weight(member(all, "weight"));
  const Json& seen = member(all, "seen");
  if (!windows || !total || !seen.is_array()) return damaged("its sums are missing");
  Baseline read;
  read.windows_ = *windows;
  // A class that the file does not tell apart was learned from in all windows.
  read.learned_.fill({.total = *total, .windows = *windows});
  if (const Json& classes = member(all, "classes"); classes.is_array())
    for (const Json& one : classes) {
      const Json& word = member(one, "class");
      const auto of_class = whole(member(one, "windows"), *windows);
      const auto heavy = weight(member(one, "weight"));
      if (!word.is_string() || !of_class || !heavy) return damaged("the sums of a class");
      if (const auto traffic_class = class_of(word.get_ref<const std::string&>()))
        read.learned_[*traffic_class] = {.total = *heavy, .windows = *of_class};
    }
  for (const Json& one : seen) {
    const Json& word = member(one, "class");
    const auto port = whole(member(one, "port"), 65'535);
    Histogram histogram;
    if (!word.is_string() || !port || !read_steps(member(one, "steps"), histogram))
      return damaged("a class is damaged");
    if (const auto traffic_class = class_of(word.get_ref<const std::string&>()))
      read.seen_[{*traffic_class, static_cast<std::uint16_t>(*port)}] = {
          .rates = std::move(histogram), .last_window = read.windows_};
  }
  *this = std::move(read);
  return {};
}

}  // namespace fw::engine
