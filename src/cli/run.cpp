// SPDX-License-Identifier: MIT
// From the command line to the exit status.
#include "cli/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/terminal_text.hpp"
#include "base/version.hpp"
#include "cli/completion.hpp"
#include "cli/fields.hpp"
#include "cli/parse.hpp"
#include "cli/render.hpp"
#include "control/dispatch.hpp"
#include "control/request.hpp"

namespace fw::cli {

namespace {

using nlohmann::json;

int complain(World& world, const Error& error, bool as_json) {
  if (as_json) world.out << control::error_answer(error).body << std::flush;
  world.err << fmt::format("{}: {}\n", error.kind == ErrorKind::refused ? "refused" : "floodwall",
                           printable_lines(error.message));
  return static_cast<int>(error.kind);
}

std::string json_text(const json& reply, int indent) {
  return reply.dump(indent, ' ', false, json::error_handler_t::replace) + "\n";
}

int print_completion(World& world, std::span<const OfflineVerb> offline, const OfflineCall& call) {
  if (call.arguments.size() == 1)
    if (const auto script = completion(call.arguments.front(), offline)) {
      world.out << *script;
      return 0;
    }
  return complain(world, {ErrorKind::usage, "write: floodwall completion bash|zsh|fish"},
                  call.json);
}

int print_version(World& world, const OfflineCall& call) {
  if (call.json)
    world.out << json_text({{"version", kVersion}}, 2);
  else
    world.out << fmt::format("floodwall {}\n", kVersion);
  return 0;
}

// Arguments as the daemon needs them: "-" replaced by what standard input holds, a file named from
// the root, since the daemon stands elsewhere.
void resolve_arguments(Command& command, std::istream& in) {
  std::vector<std::string> resolved;
  for (std::string& argument : command.arguments) {
    if (command.verb->argument == "address" && argument == "-") {
      std::ranges::move(read_addresses(in), std::back_inserter(resolved));
    } else if (command.verb->argument == "file" && !argument.empty()) {
      std::error_code error;
      const auto absolute = std::filesystem::absolute(argument, error);
      resolved.push_back(error ? argument : absolute.native());
    } else {
      resolved.push_back(std::move(argument));
    }
  }
  command.arguments = std::move(resolved);
}

// `events -f`: asks again and again for what came after the last answer. A daemon that is restarted
// meanwhile is waited for.
int follow(const Command& command, json request, World& world) {
  if (auto checked = control::check_request(*command.verb, request); !checked)
    return complain(world, checked.error(), command.json);
  bool answered = false, waiting = false;
  do {
    const auto reply = world.call(command.socket, command.verb->name, request);
    if (!reply && (!answered || reply.error().kind != ErrorKind::not_running))
      return complain(world, reply.error(), command.json);
    if (!reply) {
      if (!waiting) world.err << "floodwall: the daemon has gone; waiting for it\n";
      waiting = true;
      continue;
    }
    answered = true;
    waiting = false;
    if (command.json)
      for (const json& event : list(*reply, "events")) world.out << json_text(event, -1);
    else
      world.out << render_events(*reply);
    world.out << std::flush;
    const std::string next = text(*reply, "next");
    request = json::object();
    if (!next.empty()) request["after"] = next;
  } while (world.pause());
  return 0;
}

bool has_option(const control::Verb& verb, std::string_view name) {
  return std::ranges::find(verb.options, name, &control::Option::name) != verb.options.end();
}

Result<json> send(const Command& command, const World& world) {
  const json request = request_of(command);
  if (auto checked = control::check_request(*command.verb, request); !checked)
    return std::unexpected(std::move(checked).error());
  return world.call(command.socket, command.verb->name, request);
}

// Thousands of addresses as lines: that spares both sides the JSON of them.
Result<json> send_list(Command& command, const World& world) {
  const control::Request request{.verb = command.verb,
                                 .arguments = std::move(command.arguments),
                                 .options = std::move(command.options)};
  if (auto checked = control::check_request(request); !checked)
    return std::unexpected(std::move(checked).error());
  return world.call_list(command.socket, request);
}

int ask(Command& command, World& world) {
  const bool wanted = !command.arguments.empty();
  resolve_arguments(command, world.in);
  // An empty list on standard input is an empty job, well done.
  if (wanted && command.arguments.empty() && command.options.empty()) {
    if (command.json)
      world.out << json_text({{"count", 0}, {"results", json::array()}}, 2);
    else
      world.out << fmt::format("{}: no addresses on standard input\n", command.verb->name);
    return 0;
  }
  const bool many = command.arguments.size() > kMostResultLines;
  if (many && !command.json && has_option(*command.verb, "brief"))
    command.options.emplace_back("brief", "");  // nobody reads thousands of lines
  if (command.follow) return follow(command, request_of(command), world);
  const auto reply = many ? send_list(command, world) : send(command, world);
  if (!reply) return complain(world, reply.error(), command.json);
  world.out << (command.json ? json_text(*reply, 2)
                             : render(command.verb->name, *reply, world.style))
            << std::flush;
  return world.out ? 0 : static_cast<int>(ErrorKind::failed);
}

}  // namespace

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

int run(std::span<const std::string> arguments, std::span<const OfflineVerb> offline,
        World& world) {
  std::vector<OfflineVerb> verbs(offline.begin(), offline.end());
  verbs.push_back({"completion",
                   "print the completion script of a shell",
                   kShells,
                   {},
                   [&](const OfflineCall& call) { return print_completion(world, verbs, call); }});
  verbs.push_back({"version", "print the version", {}, {}, [&](const OfflineCall& call) {
                     return print_version(world, call);
                   }});
  auto command = parse(arguments, verbs, world.socket);
  if (!command)
    return complain(world, command.error(),
                    std::ranges::find(arguments, "--json") != arguments.end());
  if (command->offline != nullptr)
    return command->offline->run({command->arguments, command->json, command->socket});
  if (command->verb != nullptr) return ask(*command, world);
  world.out << command->text;
  return 0;
}

}  // namespace fw::cli
