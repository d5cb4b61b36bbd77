// SPDX-License-Identifier: MIT
// The CLI11 parser that is built from the table of verbs. The only file that sees CLI11.
#include "cli/parse.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <deque>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/version.hpp"
#include "control/nearest.hpp"

namespace fw::cli {

namespace {

using control::Option;
using control::Verb;

constexpr std::string_view kFooter =
    "\nfloodwall VERB --help says more. Addresses are IPv4, IPv6 or prefixes; \"-\" reads them "
    "from\n"
    "standard input, one a line.\n\n"
    "Exit status: 0 ok, 1 failed, 2 usage, 3 daemon not running, 4 not permitted,\n"
    "5 refused by a safety guard, 6 configuration invalid.";

std::string dashed(std::string_view name) {
  return fmt::format("--{}", name);
}

// CLI11 reports by exceptions and keeps its results in what it was built from.
struct Parser {
  CLI::App app{"A DDoS firewall for this host.", "floodwall"};
  bool json = false;
  bool follow = false;
  std::string socket;
  std::deque<std::vector<std::string>> arguments;  // of each verb, in the table's order

  Parser(std::span<const OfflineVerb> offline, const std::filesystem::path& default_socket);
  void add_global(CLI::App& to);
  void add_verb(const Verb& verb);
};

void Parser::add_global(CLI::App& to) {
  to.set_help_flag("-h,--help", std::string(kGlobalOptions[2].help));
  to.add_flag(dashed(kGlobalOptions[0].name), json, std::string(kGlobalOptions[0].help));
  to.add_option(dashed(kGlobalOptions[1].name), socket, std::string(kGlobalOptions[1].help))
      ->type_name(std::string(kGlobalOptions[1].value));
}

void Parser::add_verb(const Verb& verb) {
  CLI::App* const sub = app.add_subcommand(std::string(verb.name), std::string(verb.summary));
  sub->allow_extras();
  auto& values = arguments.back();
  if (!verb.argument.empty()) {
    CLI::Option* const argument = sub->add_option(
        std::string(verb.argument), values,
        verb.choices.empty() ? "" : fmt::format("{}", fmt::join(verb.choices, ", ")));
    argument->type_name("");
    if (verb.at_most == 1) argument->expected(1);
  }
  for (const Option& option : verb.options) {
    const std::string name = dashed(option.name), help(option.help);
    if (option.value.empty())
      sub->add_flag(name, help);
    else
      sub->add_option(name, help)->type_name(std::string(option.value))->allow_extra_args(false);
  }
  if (verb.name == kFollowingVerb) sub->add_flag("-f,--follow", follow, std::string(kFollow.help));
  add_global(*sub);
}

Parser::Parser(std::span<const OfflineVerb> offline, const std::filesystem::path& default_socket)
    : socket(default_socket.native()) {
  app.set_version_flag("--version", fmt::format("floodwall {}", kVersion), "print the version");
  add_global(app);
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.get_formatter()->column_width(24);
  for (const Verb& verb : control::kVerbs) {
    arguments.emplace_back();
    if (!is_replaced(verb, offline)) add_verb(verb);
  }
  for (const OfflineVerb& verb : offline) {
    CLI::App* const sub = app.add_subcommand(std::string(verb.name), std::string(verb.summary));
    sub->set_help_flag();
    sub->prefix_command();
  }
  app.footer(std::string(kFooter));  // last: the verbs would take it over
}

// The first argument that is no option of ours: CLI11 would only say that it did not expect it.
Result<void> check_verb(std::span<const std::string> arguments,
                        std::span<const OfflineVerb> offline) {
  std::vector<std::string_view> known = control::names_of(control::kVerbs);
  for (const OfflineVerb& verb : offline) known.push_back(verb.name);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--socket") ++i;
    if (word.starts_with('-')) continue;
    if (std::ranges::find(known, word) != known.end()) return {};
    const std::string meant = control::did_you_mean(word, known);
    return fail(ErrorKind::usage,
                fmt::format("no command \"{}\"{}", word,
                            meant.empty() ? "; floodwall --help lists them" : meant));
  }
  return {};
}

std::unexpected<Error> unexpected_word(const std::string& word, const CLI::App& app) {
  if (!word.starts_with('-'))
    return fail(ErrorKind::usage, fmt::format("{} takes no \"{}\"; see {} --help", app.get_name(),
                                              word, app.get_name()));
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string meant = control::did_you_mean(word.substr(0, word.find('=')), known);
  return fail(ErrorKind::usage,
              fmt::format("no option \"{}\"{}", word, meant.empty() ? "; see --help" : meant));
}

// What CLI11 could not place; it counts the "--" that ends the options among it.
std::optional<std::string> leftover(const CLI::App& app) {
  for (const std::string& word : app.remaining())
    if (word != "--") return word;
  return std::nullopt;
}

void take_offline(const CLI::App& sub, Command& command) {
  const std::vector<std::string> rest = sub.remaining();
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == "--json")
      command.json = true;
    else if (rest[i] == "--socket" && i + 1 < rest.size())
      command.socket = rest[++i];
    else
      command.arguments.push_back(rest[i]);
  }
}

void take_verb(const CLI::App& sub, Command& command) {
  for (const Option& option : command.verb->options) {
    const CLI::Option* const given = sub.get_option(dashed(option.name));
    if (given->count() == 0) continue;
    if (!option.value.empty())
      command.options.emplace_back(option.name, given->results().back());
    else if (given->as<bool>())
      command.options.emplace_back(option.name, "");
  }
}

Result<Command> taken(const Parser& parser, std::span<const OfflineVerb> offline) {
  Command command;
  command.json = parser.json;
  command.follow = parser.follow;
  command.socket = parser.socket;
  if (const auto word = leftover(parser.app)) return unexpected_word(*word, parser.app);
  if (parser.app.get_subcommands().empty())
    return fail(ErrorKind::usage, "which command? floodwall --help lists them");
  const CLI::App& sub = *parser.app.get_subcommands().front();
  if (const auto* own = std::ranges::find(control::kVerbs, sub.get_name(), &Verb::name);
      own != control::kVerbs.end() && !is_replaced(*own, offline)) {
    if (const auto word = leftover(sub)) return unexpected_word(*word, sub);
    command.verb = own;
    command.arguments = parser.arguments[std::distance(control::kVerbs.begin(), own)];
    take_verb(sub, command);
    return command;
  }
  const auto found = std::ranges::find(offline, sub.get_name(), &OfflineVerb::name);
  command.offline = &*found;
  take_offline(sub, command);
  return command;
}

}  // namespace

Result<Command> parse(std::span<const std::string> arguments, std::span<const OfflineVerb> offline,
                      const std::filesystem::path& default_socket) {
  if (auto checked = check_verb(arguments, offline); !checked)
    return std::unexpected(std::move(checked).error());
  try {
    Parser parser(offline, default_socket);
    Command printed;
    try {
      std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
      parser.app.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      const auto subs = parser.app.get_subcommands();
      printed.text = subs.empty() ? parser.app.help() : subs.front()->help("floodwall");
      return printed;
    } catch (const CLI::CallForVersion& version) {
      printed.text = std::string(version.what()) + "\n";
      return printed;
    }
    return taken(parser, offline);
  } catch (const CLI::Error& error) {
    return fail(ErrorKind::usage, fmt::format("{}; see --help", error.what()));
  }
}

nlohmann::json request_of(const Command& command) {
  nlohmann::json request = nlohmann::json::object();
  if (!command.arguments.empty()) request[std::string(command.verb->argument)] = command.arguments;
  for (const auto& [name, value] : command.options) {
    const auto* const option = std::ranges::find(command.verb->options, name, &Option::name).base();
    if (option->value.empty())
      request[std::string(name)] = true;
    else
      request[std::string(name)] = value;
  }
  return request;
}

}  // namespace fw::cli
