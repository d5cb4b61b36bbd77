// SPDX-License-Identifier: MIT
// The check of a request against its verb's entry in the table.
#include "control/request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/nearest.hpp"
#include "base/units.hpp"

namespace fw::control {

namespace {

using nlohmann::json;

std::unexpected<Error> usage(const Verb& verb, std::string_view message) {
  return fail(ErrorKind::usage, fmt::format("{}: {}", verb.name, message));
}

const Option* find_option(const Verb& verb, std::string_view name) {
  for (const Option& option : verb.options)
    if (option.name == name) return &option;
  return nullptr;
}

// For messages, which quote at most a line of the input.
std::string_view shortened(std::string_view text) {
  return text.substr(0, 80);
}

Result<void> check_text(const Verb& verb, std::string_view name, std::string_view text) {
  if (text.size() > kLongestText)
    return usage(verb, fmt::format("{} is longer than {} bytes: {}...", name, kLongestText,
                                   shortened(text)));
  const auto control = std::ranges::find_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control != text.end())
    return usage(verb, fmt::format("{} holds a control character (0x{:02x}): write plain text",
                                   name, static_cast<unsigned char>(*control)));
  return {};
}

Result<void> check_argument(const Verb& verb, const std::string& text) {
  if (text.empty()) return usage(verb, fmt::format("an empty {}", verb.argument));
  if (auto checked = check_text(verb, verb.argument, text); !checked) return checked;
  if (!verb.choices.empty() && std::ranges::find(verb.choices, text) == verb.choices.end())
    return usage(
        verb, fmt::format("\"{}\" is none of {}{}", shortened(text), fmt::join(verb.choices, ", "),
                          did_you_mean(text, verb.choices)));
  return {};
}

Result<void> check_arguments(const Verb& verb, const json& list) {
  if (!list.is_array())
    return usage(verb,
                 fmt::format("\"{0}\" must be an array of strings, as in {{\"{0}\": [\"...\"]}}",
                             verb.argument));
  for (const json& entry : list) {
    const std::string* text = entry.get_ptr<const std::string*>();
    if (text == nullptr)
      return usage(verb, fmt::format("\"{}\" must hold strings, not {}", verb.argument,
                                     shortened(entry.type_name())));
    if (auto checked = check_argument(verb, *text); !checked) return checked;
  }
  return {};
}

Result<void> check_count(const Verb& verb, std::size_t count) {
  if (count < verb.at_least)
    return usage(
        verb, fmt::format("needs {} {}, {} given",
                          verb.at_least == verb.at_most ? fmt::format("{}", verb.at_least)
                                                        : fmt::format("at least {}", verb.at_least),
                          verb.argument, count));
  if (count > verb.at_most)
    return usage(verb, fmt::format("takes at most {} {} arguments, {} given", verb.at_most,
                                   verb.argument, count));
  return {};
}

Result<void> check_value(const Verb& verb, const Option& option, std::string_view text) {
  if (auto checked = check_text(verb, option.name, text); !checked) return checked;
  if (option.value == "DURATION") {
    const auto duration = parse_duration(text);
    if (!duration) return usage(verb, fmt::format("{}: {}", option.name, duration.error().message));
  } else if (option.value == "N") {
    std::uint64_t number = 0;
    const char *const begin = text.data(), *const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (error != std::errc{} || stop != end)
      return usage(verb,
                   fmt::format("{}: \"{}\" is not a whole number", option.name, shortened(text)));
  }
  return {};
}

Result<void> check_option(const Verb& verb, const Option& option, const json& value) {
  if (option.value.empty()) {
    if (value.is_boolean()) return {};
    return usage(verb, fmt::format("\"{}\" is a flag: true or false", option.name));
  }
  const std::string* text = value.get_ptr<const std::string*>();
  if (text == nullptr)
    return usage(verb,
                 fmt::format("\"{0}\" must be a string, as in {{\"{0}\": \"...\"}}", option.name));
  return check_value(verb, option, *text);
}

std::unexpected<Error> unknown_key(const Verb& verb, std::string_view key) {
  std::vector<std::string_view> known = names_of(verb.options);
  if (!verb.argument.empty()) known.push_back(verb.argument);
  if (known.empty())
    return usage(verb, fmt::format("takes no options, \"{}\" given", shortened(key)));
  const std::string meant = did_you_mean(key, known);
  return usage(
      verb,
      fmt::format("no option \"{}\"{}", shortened(key),
                  meant.empty() ? fmt::format(": there are {}", fmt::join(known, ", ")) : meant));
}

// Checks everything but the number of arguments, and returns that number.
Result<std::size_t> check_keys(const Verb& verb, const json& request) {
  if (!request.is_object()) return usage(verb, "the request must be a JSON object");
  std::size_t count = 0;
  for (const auto& [key, value] : request.items()) {
    Result<void> checked;
    if (!verb.argument.empty() && key == verb.argument) {
      count = value.size();
      checked = check_arguments(verb, value);
    } else if (const Option* option = find_option(verb, key)) {
      checked = check_option(verb, *option, value);
    } else {
      return unknown_key(verb, key);
    }
    if (!checked) return std::unexpected(std::move(checked).error());
  }
  return count;
}

// Stops after one argument too many, which check_count will refuse.
Result<void> add_lines(Request& request, std::string_view lines) {
  request.arguments.reserve(
      std::min<std::size_t>(request.verb->at_most, std::ranges::count(lines, '\n') + 1));
  while (!lines.empty() && request.arguments.size() <= request.verb->at_most) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (line.empty()) continue;
    const std::string& added = request.arguments.emplace_back(line);
    if (auto checked = check_argument(*request.verb, added); !checked) return checked;
  }
  return {};
}

}  // namespace

std::optional<std::string_view> Request::option(std::string_view name) const {
  for (const auto& [known, value] : options)
    if (known == name) return value;
  return std::nullopt;
}

Result<void> check_request(const Verb& verb, const json& request) {
  const auto count = check_keys(verb, request);
  if (!count) return std::unexpected(count.error());
  return check_count(verb, *count);
}

Result<void> check_request(const Request& request) {
  const Verb& verb = *request.verb;
  for (const std::string& argument : request.arguments)
    if (auto checked = check_argument(verb, argument); !checked) return checked;
  for (const auto& [name, value] : request.options) {
    const Option* option = find_option(verb, name);
    if (option == nullptr) return unknown_key(verb, name);
    if (auto checked = check_value(verb, *option, value); !checked) return checked;
  }
  return check_count(verb, request.arguments.size());
}

Result<Request> parse_request(const Verb& verb, const json& request, std::string_view lines) {
  if (const auto checked = check_keys(verb, request); !checked)
    return std::unexpected(checked.error());
  Request parsed{.verb = &verb, .arguments = {}, .options = {}};
  for (const auto& [key, value] : request.items()) {
    if (key == verb.argument)
      parsed.arguments = value.get<std::vector<std::string>>();
    else if (value.is_string())
      parsed.options.emplace_back(find_option(verb, key)->name,
                                  value.get_ref<const std::string&>());
    else if (value.get<bool>())
      parsed.options.emplace_back(find_option(verb, key)->name, "");
  }
  if (auto added = add_lines(parsed, lines); !added)
    return std::unexpected(std::move(added).error());
  if (auto counted = check_count(verb, parsed.arguments.size()); !counted)
    return std::unexpected(std::move(counted).error());
  return parsed;
}

}  // namespace fw::control
