// SPDX-License-Identifier: MIT
// The CLI11 parser that is built from the table of commands.
#include "cli/parse.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>

#include "base/command_line.hpp"
#include "base/nearest.hpp"
#include "base/version.hpp"
#include "cli/habits.hpp"

namespace fw::cli {

namespace {

constexpr std::string_view kFooter =
    "floodwall COMMAND --help says more. Addresses are IPv4, IPv6 or prefixes; \"-\" reads them\n"
    "from standard input, one a line.\n\n"
    "Exit status: 0 ok, 1 failed, 2 usage, 3 daemon not running, 4 not permitted,\n"
    "5 refused by a safety guard, 6 configuration invalid.";

constexpr std::size_t kNameColumns = 24;  // of the help: the longest option with its value

std::string dashed(std::string_view name) {
  return fmt::format("--{}", name);
}

// "file" as "FILE": how the help names an argument.
std::string upper(std::string_view name) {
  std::string out(name);
  for (char& letter : out) letter = static_cast<char>(letter & ~0x20);
  return out;
}

// CLI11 keeps its results in the variables that it was built from.
struct Parser {
  CLI::App app{"A DDoS firewall for this host.", "floodwall"};
  bool json = false;
  std::string socket;
  std::array<std::vector<std::string>, kCommands.size()> arguments;  // of each command

  explicit Parser(const std::filesystem::path& default_socket);
  void add_json_and_help(CLI::App& to);
  void add_socket(CLI::App& to);
  void add(const Command& command, std::vector<std::string>& values);
};

void Parser::add_json_and_help(CLI::App& to) {
  to.set_help_flag("-h,--help", std::string(kGlobalOptions[2].help));
  to.add_flag(dashed(kGlobalOptions[0].name), json, std::string(kGlobalOptions[0].help));
}

void Parser::add_socket(CLI::App& to) {
  to.add_option(dashed(kGlobalOptions[1].name), socket, std::string(kGlobalOptions[1].help))
      ->type_name(std::string(kGlobalOptions[1].value));
}

void Parser::add(const Command& command, std::vector<std::string>& values) {
  const control::Verb& syntax = command.syntax;
  CLI::App* const sub = app.add_subcommand(std::string(syntax.name), std::string(syntax.summary));
  sub->group(std::string(command.group));
  sub->allow_extras();
  if (!syntax.argument.empty()) {
    CLI::Option* const argument = sub->add_option(
        upper(syntax.argument), values, fmt::format("{}", fmt::join(syntax.choices, ", ")));
    argument->type_name("");
    if (syntax.at_most == 1) argument->expected(1)->allow_extra_args(false);
  }
  for (const Option& option : syntax.options) {
    const std::string name = option.name == kFollow.name ? "-f,--follow" : dashed(option.name);
    const std::string help(option.help);
    if (option.value.empty())
      sub->add_flag(name, help);
    else
      sub->add_option(name, help)
          ->type_name(std::string(option.value))
          ->allow_extra_args(false)
          ->multi_option_policy(option.repeats ? CLI::MultiOptionPolicy::TakeAll
                                               : CLI::MultiOptionPolicy::Throw);
  }
  add_json_and_help(*sub);
  if (command.asks != nullptr) add_socket(*sub);
  if (!command.notes.empty()) sub->footer(std::string(command.notes));
}

Parser::Parser(const std::filesystem::path& default_socket) : socket(default_socket.native()) {
  app.set_version_flag("--version", fmt::format("floodwall {}", kVersion), "print the version");
  add_json_and_help(app);
  add_socket(app);
  app.require_subcommand(0, 1);
  app.allow_extras();
  app.get_formatter()->column_width(kNameColumns);
  for (std::size_t i = 0; i < kCommands.size(); ++i) add(kCommands[i], arguments[i]);
  app.footer(std::string(kFooter));  // last: the commands would inherit it
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) names.push_back(command.syntax.name);
  return names;
}

// The first argument that is no option of ours: CLI11 would only say that it did not expect it.
Result<void> check_command(std::span<const std::string> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--socket") ++i;
    if (word.starts_with('-')) continue;
    if (find_command(word) != nullptr) return {};
    if (const std::string_view instead = habit(word); !instead.empty())
      return fail(ErrorKind::usage,
                  fmt::format("no command \"{}\"; here it is: {}", word, instead));
    const std::string meant = did_you_mean(word, command_names());
    return fail(ErrorKind::usage,
                fmt::format("no command \"{}\"{}", word,
                            meant.empty() ? "; floodwall --help lists them" : meant));
  }
  return {};
}

// Fails on what CLI11 could not place; it counts the "--" that ends the options among it.
Result<void> check_leftover(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining();
  const auto word = std::ranges::find_if(left, [](const auto& one) { return one != "--"; });
  if (word == left.end()) return {};
  if (!word->starts_with('-'))
    return fail(ErrorKind::usage, fmt::format("{0} takes no \"{1}\"; see floodwall {0} --help",
                                              app.get_name(), *word));
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back(dashed(name));
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string meant = did_you_mean(word->substr(0, word->find('=')), known);
  return fail(ErrorKind::usage,
              fmt::format("no option \"{}\"{}", *word, meant.empty() ? "; see --help" : meant));
}

void take_options(const CLI::App& sub, CommandLine& line) {
  for (const Option& option : line.command->syntax.options) {
    const CLI::Option* const given = sub.get_option(dashed(option.name));
    if (given->count() == 0) continue;
    if (option.value.empty()) {
      if (given->as<bool>()) line.options.emplace_back(option.name, "");
      continue;
    }
    for (const std::string& value : given->results()) line.options.emplace_back(option.name, value);
  }
}

}  // namespace

std::vector<std::string> CommandLine::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [known, value] : options)
    if (known == name) values.push_back(value);
  return values;
}

std::optional<std::string> CommandLine::option(std::string_view name) const {
  std::vector<std::string> values = all(name);
  if (values.empty()) return std::nullopt;
  return std::move(values.back());
}

Result<CommandLine> parse(std::span<const std::string> arguments,
                          const std::filesystem::path& default_socket) {
  if (auto checked = check_command(arguments); !checked) return std::unexpected(checked.error());
  Parser parser(default_socket);
  auto text = parse_command_line(parser.app, arguments);
  if (!text) return std::unexpected(std::move(text).error());
  CommandLine line;
  line.text = std::move(*text);
  if (!line.text.empty()) return line;
  line.json = parser.json;
  line.socket = parser.socket;
  if (auto checked = check_leftover(parser.app); !checked) return std::unexpected(checked.error());
  if (parser.app.get_subcommands().empty())
    return fail(ErrorKind::usage, "which command? floodwall --help lists them");
  const CLI::App& sub = *parser.app.get_subcommands().front();
  if (auto checked = check_leftover(sub); !checked) return std::unexpected(checked.error());
  line.command = find_command(sub.get_name());
  line.arguments =
      std::move(parser.arguments.at(static_cast<std::size_t>(line.command - kCommands.data())));
  take_options(sub, line);
  return line;
}

}  // namespace fw::cli
