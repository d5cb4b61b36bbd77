// SPDX-License-Identifier: MIT
#include "setup/setup.hpp"

#include <fmt/format.h>

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

Result<void> write_unless_there(const path& file, std::string_view text, Written& written) {
  std::error_code error;
  // symlink_status: a dangling link is kept, too.
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

Result<void> run(const Options& options, std::istream& in, std::ostream& out) {
  const auto facts = host::read_facts();
  if (!facts) return std::unexpected(facts.error());
  const auto selection = choose(*facts, options.interfaces);
  if (!selection) return std::unexpected(selection.error());
  const auto mode = options.observe ? config::Mode::observe : config::Mode::enforce;
  if (!options.json) out << explain(*facts, *selection, mode) << "\n";
  std::error_code error;
  const bool there = std::filesystem::exists(options.config, error);
  if (!options.yes && !there) {
    if (!options.interactive || options.json)
      return fail(ErrorKind::usage,
                  "cannot ask here, for nobody can answer: give --yes to write the configuration");
    if (!agrees(in, out)) return fail("nothing was written");
  }
  const auto written =
      write_configuration(options.config, config::starter_text(selection->written, mode));
  if (!written) return std::unexpected(written.error());
  if (auto loaded = config::load(options.config); !loaded) return std::unexpected(loaded.error());
  if (options.json)
    out << [&] {
      json reply = explain_json(*facts, *selection, mode);
      reply.update(listed_json(*written));
      return reply.dump(2, ' ', false, json::error_handler_t::replace);
    }() << "\n";
  else
    out << listed(*written);
  return {};
}

}  // namespace fw::setup
