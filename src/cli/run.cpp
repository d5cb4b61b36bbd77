// SPDX-License-Identifier: MIT
// From the command line to the exit status.
#include "cli/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/terminal_text.hpp"
#include "cli/fields.hpp"
#include "cli/render.hpp"
#include "control/dispatch.hpp"

namespace fw::cli {

namespace {

using nlohmann::json;

std::string compact_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Arguments as the daemon needs them: "-" stands for the addresses on standard input.
void read_arguments(CommandLine& line, std::istream& in) {
  if (line.command->syntax.argument != "address") return;
  std::vector<std::string> resolved;
  for (std::string& argument : line.arguments) {
    if (argument == "-")
      std::ranges::move(read_addresses(in), std::back_inserter(resolved));
    else
      resolved.push_back(std::move(argument));
  }
  line.arguments = std::move(resolved);
}

// The request that `line` stands for.
control::Request request_of(const CommandLine& line) {
  control::Request request{.verb = line.command->asks, .arguments = line.arguments, .options = {}};
  for (const control::Option& option : line.command->asks->options)
    if (auto value = line.option(option.name))
      request.options.emplace_back(option.name, std::move(*value));
  return request;
}

// The same as a body of the API.
json body_of(const control::Request& request) {
  json body = json::object();
  if (!request.arguments.empty()) body[std::string(request.verb->argument)] = request.arguments;
  for (const control::Option& option : request.verb->options) {
    const auto value = request.option(option.name);
    if (!value) continue;
    json& member = body[std::string(option.name)];
    if (option.value.empty())
      member = true;
    else
      member = *value;
  }
  return body;
}

// `events -f`: asks again and again for the events after the last answer. Waits for a daemon that
// is being restarted.
Result<int> follow(const CommandLine& line, json body, World& world) {
  bool answered = false, waiting = false;
  do {
    auto reply = world.call(line.socket, line.command->asks->name, body);
    if (!reply && (!answered || reply.error().kind != ErrorKind::not_running))
      return std::unexpected(std::move(reply).error());
    if (!reply) {
      if (!waiting) world.err << "floodwall: the daemon has gone; waiting for it\n";
      waiting = true;
      continue;
    }
    answered = true;
    waiting = false;
    if (line.json)
      for (const json& event : list(*reply, "events")) world.out << compact_text(event);
    else
      world.out << render_events(*reply);
    world.out << std::flush;
    const std::string next = text(*reply, "next");
    body.erase("since");
    if (!next.empty()) body["after"] = next;
  } while (world.pause());
  return 0;
}

bool has_option(const control::Verb& verb, std::string_view name) {
  return std::ranges::find(verb.options, name, &control::Option::name) != verb.options.end();
}

Result<void> check_line(const CommandLine& line) {
  return control::check_request(control::Request{
      .verb = &line.command->syntax, .arguments = line.arguments, .options = line.options});
}

Result<int> run_line(CommandLine line, std::span<const LocalCommand> local, World& world) {
  const auto here = std::ranges::find(local, line.command->syntax.name, &LocalCommand::name);
  if (here == local.end()) return ask(std::move(line), world);
  if (auto checked = check_line(line); !checked) return std::unexpected(checked.error());
  return here->run(line, world);
}

}  // namespace

int complain(World& world, const Error& error, bool as_json) {
  if (as_json) world.out << control::error_answer(error).body << std::flush;
  world.err << fmt::format("{}: {}\n", error.kind == ErrorKind::refused ? "refused" : "floodwall",
                           printable_lines(error.message));
  return static_cast<int>(error.kind);
}

std::string json_text(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<int> show(const CommandLine& line, std::string_view verb, const json& reply, World& world) {
  world.out << (line.json ? json_text(reply) : render(verb, reply, world.style)) << std::flush;
  if (!world.out) return fail("standard output: cannot be written");
  return 0;
}

Result<int> ask(CommandLine line, World& world) {
  const control::Verb& verb = *line.command->asks;
  const bool wanted = !line.arguments.empty();
  read_arguments(line, world.in);
  // An empty list on standard input is no error: there is nothing to do.
  if (wanted && line.arguments.empty() && line.options.empty()) {
    if (line.json)
      world.out << json_text({{"count", 0}, {"results", json::array()}});
    else
      world.out << fmt::format("{}: no addresses on standard input\n", verb.name);
    return 0;
  }
  if (auto checked = check_line(line); !checked) return std::unexpected(checked.error());
  control::Request request = request_of(line);
  if (line.flag(kFollow.name)) return follow(line, body_of(request), world);
  const bool many = request.arguments.size() > kMostResultLines;
  if (many && !line.json && has_option(verb, "brief") && !request.flag("brief"))
    request.options.emplace_back("brief", "");  // render_results would only count the lines
  // Many addresses are sent as lines: that saves both sides the JSON of them.
  const auto reply = many ? world.call_list(line.socket, request)
                          : world.call(line.socket, verb.name, body_of(request));
  if (!reply) return std::unexpected(reply.error());
  return show(line, verb.name, *reply, world);
}

std::vector<std::string> read_addresses(std::istream& in) {
  constexpr std::string_view kBlank = " \t\r\v\f";
  std::vector<std::string> addresses;
  std::string line;
  while (addresses.size() <= control::kMany && std::getline(in, line)) {
    line.erase(std::min(line.find('#'), line.size()));
    line.erase(line.find_last_not_of(kBlank) + 1);
    line.erase(0, line.find_first_not_of(kBlank));
    if (!line.empty()) addresses.push_back(line);
  }
  return addresses;
}

int run(std::span<const std::string> arguments, std::span<const LocalCommand> local, World& world) {
  auto line = parse(arguments, world.socket);
  if (!line)
    return complain(world, line.error(), std::ranges::find(arguments, "--json") != arguments.end());
  if (line->command == nullptr) {
    world.out << line->text << std::flush;
    return 0;
  }
  const bool as_json = line->json;
  const Result<int> status = run_line(std::move(*line), local, world);
  return status ? *status : complain(world, status.error(), as_json);
}

}  // namespace fw::cli
