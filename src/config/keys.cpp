// SPDX-License-Identifier: MIT
// Checks of single texts.
#include "config/keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/endpoint.hpp"

namespace fw::config {

namespace {

constexpr std::size_t kInterfaceBytes = 15;  // IFNAMSIZ of linux/if.h, less its end
constexpr std::size_t kNameBytes = 32;       // judgement: a column of `floodwall status`

}  // namespace

std::string check_interfaces(const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (name->size() > kInterfaceBytes || name->find_first_of("/ \t\n") != std::string::npos)
      return fmt::format("\"{}\" is no name of an interface", *name);
    if (std::find(names.begin(), name, *name) != name)
      return fmt::format("\"{}\" is named twice", *name);
  }
  if (names.empty()) return "must be \"auto\" or name an interface";
  if (names.size() > 1 && std::ranges::find(names, "auto") != names.end())
    return "\"auto\" stands alone: it means every uplink";
  return {};
}

std::string check_service_name(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (name.size() > kNameBytes || !std::ranges::all_of(name, good))
    return fmt::format("must be at most {} letters, digits, - _ or .", kNameBytes);
  if (name == "default" || name == "prefix")
    return fmt::format("is the name of [limit.{}]: choose another", name);
  return {};
}

std::string check_listen(const std::string& text) {
  if (text == "off") return {};
  const Result<Endpoint> at = Endpoint::parse(text);
  return at ? std::string() : at.error().message + "; or \"off\"";
}

std::string check_pem_path(const std::string& text) {
  if (text == "none" || text.starts_with('/')) return {};
  return "must be a path from the root, such as \"/etc/ssl/floodwall.pem\", or \"none\"";
}

std::string check_host_names(const std::vector<std::string>& names) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  for (const std::string& name : names)
    if (!std::ranges::all_of(name, good))
      return fmt::format("\"{}\" is no host name in lower case", name);
  return {};
}

}  // namespace fw::config
