// SPDX-License-Identifier: MIT
#include "setup/setup.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/file.hpp"
#include "config/config.hpp"
#include "setup/explain.hpp"

namespace fw::setup {

namespace {

using nlohmann::json;
using std::filesystem::path;

constexpr std::string_view kDenyHead =
    "# Never let in: an address, prefix (198.51.100.0/24) or range (a-b) a line; # is a comment.\n"
    "# A change is in force at once. For a while only: floodwall ban ADDRESS --for 1h\n";
constexpr std::string_view kAllowHead =
    "# Never dropped, whatever they do: an address, prefix or range a line; # is a comment.\n"
    "# A change is in force at once. The command floodwall allow ADDRESS writes here.\n";

struct Options {
  std::vector<std::string> interfaces;
  bool observe = false, yes = false, json = false;
  path config = "/etc/floodwall/floodwall.toml";
};

int complain(const Error& error, bool as_json, std::ostream& out, std::ostream& err) {
  if (as_json) out << json{{"error", error.message}}.dump(2) << "\n";
  err << fmt::format("floodwall setup: {}\n", error.message);
  return static_cast<int>(error.kind);
}

Result<void> write_unless_there(const path& file, std::string_view text, Written& written) {
  std::error_code error;
  // A dangling link is somebody's, too.
  if (std::filesystem::exists(std::filesystem::symlink_status(file, error))) {
    written.kept.push_back(file);
    return {};
  }
  if (auto done = write_file(file, text); !done) return done;
  written.made.push_back(file);
  return {};
}

bool agrees(std::istream& in, std::ostream& out) {
  out << "Write the configuration? [Y/n] " << std::flush;
  std::string answer;
  if (!std::getline(in, answer)) return false;
  return answer.empty() || answer[0] == 'y' || answer[0] == 'Y';
}

std::string listed(const Written& written) {
  std::string out;
  for (const path& file : written.made) out += fmt::format("wrote {}\n", file.native());
  for (const path& file : written.kept) out += fmt::format("kept  {} as it is\n", file.native());
  return out;
}

json listed_json(const Written& written) {
  json out{{"wrote", json::array()}, {"kept", json::array()}};
  for (const path& file : written.made) out["wrote"].push_back(file.native());
  for (const path& file : written.kept) out["kept"].push_back(file.native());
  return out;
}

Result<void> set_up(const Options& options, bool interactive, std::istream& in, std::ostream& out) {
  const auto facts = host::read_facts();
  if (!facts) return std::unexpected(facts.error());
  const auto choice = choose(*facts, options.interfaces);
  if (!choice) return std::unexpected(choice.error());
  const auto mode = options.observe ? config::Mode::observe : config::Mode::enforce;
  if (!options.json) out << explain(*facts, *choice, mode) << "\n";
  std::error_code error;
  const bool there = std::filesystem::exists(options.config, error);
  if (!options.yes && !there) {
    if (!interactive || options.json)
      return fail(ErrorKind::usage, "nobody to ask here: say --yes to write the configuration");
    if (!agrees(in, out)) return fail("nothing was written");
  }
  const auto written =
      write_configuration(options.config, config::starter_text(choice->written, mode));
  if (!written) return std::unexpected(written.error());
  if (auto loaded = config::load(options.config); !loaded) return std::unexpected(loaded.error());
  if (options.json)
    out << [&] {
      json reply = explain_json(*facts, *choice, mode);
      reply.update(listed_json(*written));
      return reply.dump(2, ' ', false, json::error_handler_t::replace);
    }() << "\n";
  else
    out << listed(*written);
  return {};
}

}  // namespace

Result<Written> write_configuration(const path& file, std::string_view text) {
  Written written;
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  if (error)
    return fail(
        error == std::errc::permission_denied ? ErrorKind::not_permitted : ErrorKind::failed,
        fmt::format("cannot make {}: {}", file.parent_path().native(), error.message()));
  const path folder = file.parent_path();
  for (const auto& [to, content] : {std::pair{file, text},
                                    {folder / "deny.list", kDenyHead},
                                    {folder / "allow.list", kAllowHead}})
    if (auto done = write_unless_there(to, content, written); !done)
      return std::unexpected(done.error());
  return written;
}

int run(std::span<const std::string> arguments, bool as_json, bool interactive, std::istream& in,
        std::ostream& out, std::ostream& err) {
  CLI::App app{
      "floodwall setup: looks at this machine and writes the configuration; overwrites nothing"};
  Options options;
  options.json = as_json;
  std::string config = options.config;
  const auto help = [](std::size_t index) { return std::string(kOptions.at(index).help); };
  app.add_option("--interface", options.interfaces, help(0))->expected(1)->allow_extra_args(false);
  app.add_flag("--observe", options.observe, help(1));
  app.add_flag("--yes", options.yes, help(2));
  app.add_option("--config", config, help(3));
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    out << app.help("floodwall setup");
    return 0;
  } catch (const CLI::Error& error) {
    return complain({ErrorKind::usage, fmt::format("{}; see --help", error.what())}, as_json, out,
                    err);
  }
  std::error_code error;
  options.config = std::filesystem::absolute(config, error);
  if (error) options.config = config;
  const auto done = set_up(options, interactive, in, out);
  return done ? 0 : complain(done.error(), as_json, out, err);
}

}  // namespace fw::setup
