// SPDX-License-Identifier: MIT
// A handler of the API for tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "control/request.hpp"

namespace fw::test {

// Answers with what it was asked.
inline Result<nlohmann::json> echo(const control::Request& request) {
  using nlohmann::json;
  json said = json::object();
  if (!request.arguments.empty()) said[std::string(request.verb->argument)] = request.arguments;
  for (const auto& [name, value] : request.options)
    said[std::string(name)] = value.empty() ? json(true) : json(value);
  return json{{"verb", request.verb->name}, {"request", std::move(said)}};
}

}  // namespace fw::test
