// SPDX-License-Identifier: MIT
#include "engine/kept/kept_text.hpp"

#include <limits>

namespace fw::engine {
namespace {

using Json = nlohmann::json;

// Null if there is none.
const Json& member(const Json& object, const char* name) {
  static const Json none;
  const auto at = object.find(name);
  return at == object.end() ? none : *at;
}

// Up to half of what the type holds, so that a sum of two does not overflow.
std::optional<std::int64_t> whole(const Json& json) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
  if (!json.is_number_integer()) return std::nullopt;
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{kMost})
    return std::nullopt;
  const auto value = json.get<std::int64_t>();
  return value >= -kMost ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<KeptText> KeptText::parse(const KeptRow& row) {
  if (!row.text) return std::nullopt;
  Json json = Json::parse(*row.text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return KeptText(std::move(json));
}

std::int64_t KeptText::number(const char* name, std::int64_t otherwise) const {
  return whole(member(json_, name)).value_or(otherwise);
}

std::vector<std::int64_t> KeptText::numbers(const char* name) const {
  std::vector<std::int64_t> out;
  const Json& json = member(json_, name);
  if (!json.is_array()) return out;
  for (const Json& each : json)
    if (const auto number = whole(each)) out.push_back(*number);
  return out;
}

std::uint64_t KeptText::count(const char* name, std::uint64_t most) const {
  const Json& json = member(json_, name);
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most) return 0;
  return json.get<std::uint64_t>();
}

double KeptText::real(const char* name) const {
  const Json& json = member(json_, name);
  return json.is_number() ? json.get<double>() : 0;
}

bool KeptText::flag(const char* name) const {
  const Json& json = member(json_, name);
  return json.is_boolean() && json.get<bool>();
}

std::string KeptText::text(const char* name) const {
  const Json& json = member(json_, name);
  return json.is_string() ? json.get<std::string>() : std::string();
}

std::vector<KeptText> KeptText::list(const char* name) const {
  std::vector<KeptText> out;
  const Json& json = member(json_, name);
  if (!json.is_array()) return out;
  for (const Json& each : json)
    if (each.is_object()) out.push_back(KeptText(each));
  return out;
}

std::optional<KeptText> KeptText::object(const char* name) const {
  const Json& json = member(json_, name);
  if (!json.is_object()) return std::nullopt;
  return KeptText(json);
}

std::string kept_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fw::engine
