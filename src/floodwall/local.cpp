// SPDX-License-Identifier: MIT
#include "floodwall/local.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/units.hpp"
#include "base/version.hpp"
#include "cli/completion.hpp"
#include "selftest/selftest.hpp"
#include "setup/setup.hpp"

namespace fw {

namespace {

using cli::CommandLine;
using cli::World;

constexpr const char* kTrial = "120s";  // judgement: time to open another session and look

// What a daemon that runs is asked once setup has written: whoever is cut off by it does not
// answer, and the former configuration returns.
Result<int> try_out(const setup::Outcome& outcome, World& world) {
  const auto applied = world.call(world.socket, "apply", {{"confirm", kTrial}});
  if (!applied && applied.error().kind == ErrorKind::not_running) {
    world.out << "It holds from the daemon's next start: sudo systemctl start floodwall\n";
    return 0;
  }
  // Until somebody says yes, the former file is there: whoever is cut off, or types Ctrl-C, leaves
  // nothing behind that a restart would put in force.
  if (auto back = setup::take_back(outcome); !back) return std::unexpected(back.error());
  const std::string file = outcome.kinds_file.native();
  if (!applied)
    return fail(applied.error().kind,
                fmt::format("{}\n{} is as it was before", applied.error().message, file));
  world.out << fmt::format(
                   "It is in force for {}. Does everything still work? Type yes to keep it:",
                   kTrial)
            << " " << std::flush;
  std::string answer;
  if (!std::getline(world.in, answer) || (answer != "yes" && answer != "y"))
    return fail(
        fmt::format("not kept: {} is as it was before; the daemon returns to that within "
                    "{}, or at once with: floodwall apply",
                    file, kTrial));
  if (auto written = setup::write_again(outcome); !written) return std::unexpected(written.error());
  const auto confirmed = world.call(world.socket, "confirm", nlohmann::json::object());
  if (!confirmed) {  // too late: the daemon has returned to the former one
    if (auto back = setup::take_back(outcome); !back) return std::unexpected(back.error());
    return fail(confirmed.error().kind,
                fmt::format("{}\n{} is as it was before", confirmed.error().message, file));
  }
  world.out << "kept\n";
  return 0;
}

Result<int> run_setup(const CommandLine& line, World& world) {
  setup::Options options{.interfaces = line.all("interface"),
                         .observe = line.flag("observe"),
                         .yes = line.flag("yes"),
                         .json = line.json,
                         .interactive = world.in_is_terminal};
  if (const auto file = line.option("config")) {
    std::error_code error;
    options.config = std::filesystem::absolute(*file, error);
    if (error) options.config = *file;
  }
  const bool is_daemons = options.config == setup::Options{}.config;
  const auto done = setup::run(options, world.in, world.out);
  if (!done) return std::unexpected(done.error());
  return done->wrote_kinds && is_daemons ? try_out(*done, world) : 0;
}

Result<int> run_selftest(const CommandLine& line, World& world) {
  selftest::Options options{.keep_log = line.flag("keep-log"), .json = line.json};
  if (const auto text = line.option("ban-time")) {
    const auto time = parse_duration(*text);
    if (!time) return fail(ErrorKind::usage, "--ban-time: " + time.error().message);
    options.ban_time = *time;
  }
  return selftest::run(options,
                       [&](const Error& error) { return cli::complain(world, error, line.json); });
}

Result<int> run_completion(const CommandLine& line, World& world) {
  world.out << cli::completion(line.arguments.front()).value_or("");
  return 0;
}

Result<int> run_version(const CommandLine& line, World& world) {
  world.out << (line.json ? cli::json_text({{"version", kVersion}})
                          : fmt::format("floodwall {}\n", kVersion));
  return 0;
}

constexpr std::array<cli::LocalCommand, 10> kLocal{{
    {"top", run_top},
    {"attack", run_attack},
    {"check", run_check},
    {"suggest", run_suggest},
    {"setup", run_setup},
    {"selftest", run_selftest},
    {"doctor", run_doctor},
    {"replay", run_replay},
    {"completion", run_completion},
    {"version", run_version},
}};

constexpr bool is_local(std::string_view name) {
  return std::ranges::find(kLocal, name, &cli::LocalCommand::name) != kLocal.end();
}

static_assert(std::ranges::all_of(cli::kCommands,
                                  [](const cli::Command& command) {
                                    return command.group != cli::kHere ||
                                           is_local(command.syntax.name);
                                  }),
              "a command without the daemon is carried out here");

}  // namespace

std::span<const cli::LocalCommand> local_commands() {
  return kLocal;
}

Result<std::vector<Address>> protected_addresses(const CommandLine& line) {
  std::vector<Address> addresses;
  for (const std::string& list : line.all("protect")) {
    for (std::string_view rest = list; !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      const Result<Address> address = Address::parse(word);
      if (!address) return fail(ErrorKind::usage, "--protect: " + address.error().message);
      addresses.push_back(*address);
    }
  }
  std::ranges::sort(addresses);
  addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
  return addresses;
}

}  // namespace fw
