// SPDX-License-Identifier: MIT
// Any bytes as an API request: the first chooses the verb, the others are the body; after a NUL
// come arguments, one a line. What passes has only keys that the verb knows.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "control/request.hpp"
#include "fuzz/check.hpp"

using fw::test::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& verb = fw::control::kVerbs[data[0] % std::size(fw::control::kVerbs)];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view keys = text.substr(0, text.find('\0'));
  const std::string_view lines = text.substr(std::min(text.size(), keys.size() + 1));
  const nlohmann::json body = nlohmann::json::parse(keys, nullptr, false);
  if (body.is_discarded()) return 0;
  const auto request = fw::control::parse_request(verb, body, lines);
  if (lines.empty())
    check(request.has_value() == fw::control::check_request(verb, body).has_value());
  if (!request) {
    check(request.error().kind == fw::ErrorKind::usage && !request.error().message.empty());
    return 0;
  }
  check(request->verb == &verb && fw::control::check_request(*request).has_value());
  for (const std::string& argument : request->arguments)
    check(argument.size() <= fw::control::kLongestText &&
          std::ranges::none_of(argument, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
  for (const auto& [name, value] : request->options)
    check(
        std::ranges::any_of(verb.options, [&](const auto& option) { return option.name == name; }));
  return 0;
}
