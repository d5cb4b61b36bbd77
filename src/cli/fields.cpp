// SPDX-License-Identifier: MIT
#include "cli/fields.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/units.hpp"

namespace fw::cli {

using nlohmann::json;

namespace {

const json* member(const json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string text_of(const json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return "";
}

std::string text(const json& object, std::string_view key) {
  const json* value = member(object, key);
  return value == nullptr ? "" : text_of(*value);
}

std::uint64_t number(const json& object, std::string_view key) {
  const json* value = member(object, key);
  if (value == nullptr || !value->is_number()) return 0;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  const auto real = value->get<double>();
  return real > 0 && real < 1e18 ? static_cast<std::uint64_t>(real) : 0;
}

bool flag(const json& object, std::string_view key) {
  const json* value = member(object, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

const json& list(const json& object, std::string_view key) {
  static const json none = json::array();
  const json* value = member(object, key);
  return value != nullptr && value->is_array() ? *value : none;
}

const json& object(const json& object, std::string_view key) {
  static const json none = json::object();
  const json* value = member(object, key);
  return value != nullptr && value->is_object() ? *value : none;
}

std::string seconds(const json& object, std::string_view key) {
  return format_duration(std::chrono::seconds(number(object, key)));
}

std::string percent(const json& object, std::string_view key) {
  const json* value = member(object, key);
  return value == nullptr || !value->is_number()
             ? ""
             : fmt::format("{:.1f} %", 100 * value->get<double>());
}

}  // namespace fw::cli
