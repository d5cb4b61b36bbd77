// SPDX-License-Identifier: MIT
// `floodwall attack [ID]`: asks the daemon, and adds countries and networks.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>
#include <vector>

#include "cli/fields.hpp"
#include "cli/render.hpp"
#include "floodwall/local.hpp"
#include "host/geo_database.hpp"

namespace fw {

namespace {

using nlohmann::json;

// A file that was asked for must be fit; of those that are installed, unfit ones are left out.
Result<void> add_geo(const cli::CommandLine& line, json& reply) {
  std::vector<host::GeoDatabase> databases;
  std::string names;
  const std::vector<std::string> given = line.all("geo");
  std::vector<std::filesystem::path> files(given.begin(), given.end());
  if (given.empty()) files = host::installed_geo_databases();
  for (const std::filesystem::path& file : files) {
    auto opened = host::GeoDatabase::open(file);
    if (!opened && !given.empty()) return std::unexpected(opened.error());
    if (!opened) continue;
    databases.push_back(std::move(*opened));
    names += (names.empty() ? "" : ", ") + file.native();
  }
  reply["geo"] = names;
  for (const char* what : {"prefixes", "sources"}) {
    if (!reply.contains(what) || !reply[what].is_array()) continue;
    for (json& row : reply[what]) {
      const Result<Prefix> source = Prefix::parse(cli::text(row, "source"));
      if (!source) continue;
      host::Geo geo;
      for (const host::GeoDatabase& database : databases) database.look_up(source->address, geo);
      if (!geo.country.empty()) row["country"] = geo.country;
      if (!geo.network.empty()) row["network"] = geo.network;
    }
  }
  return {};
}

// Only of a source whose address is proven: a mail about a forged one accuses an innocent.
Result<int> write_mail(const json& reply, const std::string& wanted, bool as_json,
                       cli::World& world) {
  const Result<Prefix> prefix = Prefix::parse(wanted);
  if (!prefix) return fail(ErrorKind::usage, "--abuse-mail: " + prefix.error().message);
  bool seen = false;
  std::string mails;
  for (const json& row : cli::list(reply, "sources")) {
    const Result<Prefix> source = Prefix::parse(cli::text(row, "source"));
    if (!source || source->bits < prefix->bits ||
        masked(source->address, prefix->bits) != masked(prefix->address, prefix->bits))
      continue;
    seen = true;
    if (!cli::flag(row, "proven")) continue;
    mails += (mails.empty() ? "" : "\n") + cli::render_abuse_mail(reply, row);
  }
  const std::string id = cli::text(reply, "id");
  if (!seen)
    return fail(
        ErrorKind::refused,
        fmt::format("{} is not among the heaviest sources of attack {}: floodwall attack {}",
                    wanted, id, id));
  if (mails.empty())
    return fail(ErrorKind::refused,
                fmt::format("the address of {} may be forged in attack {}: its owner need not have "
                            "sent anything. Ask the provider to trace it instead",
                            wanted, id));
  world.out << (as_json ? cli::json_text({{"mail", mails}}) : mails) << std::flush;
  return 0;
}

}  // namespace

Result<int> run_attack(const cli::CommandLine& line, cli::World& world) {
  json body = json::object();
  if (!line.arguments.empty()) body["id"] = line.arguments;
  auto reply = world.call(line.socket, "attack", body);
  if (!reply) return std::unexpected(reply.error());
  if (const auto wanted = line.option("abuse-mail"))
    return write_mail(*reply, *wanted, line.json, world);
  if (Result<void> added = add_geo(line, *reply); !added) return std::unexpected(added.error());
  return cli::show(line, "attack", *reply, world);
}

}  // namespace fw
