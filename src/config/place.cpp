// SPDX-License-Identifier: MIT
// Where a key is set, for messages about configurations that are valid.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "config/config.hpp"

namespace fw::config {

namespace {

// The table of a service, by its name.
const toml::table* find_service(const toml::table& file, std::string_view name) {
  const toml::array* services = file["service"].as_array();
  if (services == nullptr) return nullptr;
  for (const toml::node& node : *services) {
    const toml::table* service = node.as_table();
    if (service != nullptr && (*service)["name"].value_or(std::string_view{}) == name)
      return service;
  }
  return nullptr;
}

// Null if there is none.
const toml::node* find_node(const toml::table& file, std::string_view key) {
  constexpr std::string_view kService = "service.";
  const toml::node* node = &file;
  if (key.starts_with(kService)) {
    key.remove_prefix(kService.size());
    const std::size_t end = std::min(key.find('.'), key.size());
    node = find_service(file, key.substr(0, end));
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  while (node != nullptr && !key.empty()) {
    const std::size_t end = std::min(key.find('.'), key.size());
    const toml::table* table = node->as_table();
    node = table == nullptr ? nullptr : table->get(key.substr(0, end));
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  return node;
}

}  // namespace

std::vector<std::string> places_of(const Source& source, std::span<const std::string> keys) {
  std::vector<std::string> places(keys.size());
  for (const Source::File& file : source.files) {
    try {
      const toml::table table = toml::parse(file.text, file.name);
      for (std::size_t i = 0; i < keys.size(); ++i)
        if (const toml::node* node = find_node(table, keys[i]))
          places[i] = fmt::format("{}:{}", file.name, node->source().begin.line);
    } catch (const toml::parse_error&) {
      continue;  // parse() says so
    }
  }
  return places;
}

std::string place_of(const Source& source, std::string_view key) {
  const std::string name(key);
  return places_of(source, {&name, 1}).front();
}

}  // namespace fw::config
