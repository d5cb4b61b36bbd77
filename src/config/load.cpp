// SPDX-License-Identifier: MIT
// Makes one configuration of the files: reads one over the other, fills in what limits inherit, and
// checks what concerns several keys.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/endpoint.hpp"
#include "base/file.hpp"
#include "config/config.hpp"
#include "config/unresolved.hpp"

namespace fw::config {

namespace {

constexpr std::uint64_t kMaxFileBytes = 4ULL << 20;  // judgement: 254 services take 50 kB

void read_text(std::string_view text, const std::string& name, UnresolvedConfig& out) {
  try {
    const toml::table table = toml::parse(text, name);
    read_document(Section{table, name, "", out.problems}, out);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    out.problems.push_back(
        fmt::format("{}:{}:{}: {}", name, at.line, at.column, error.description()));
  }
}

// Copies the member that a key fills.
void copy_value(const Key<Limit>& key, const Limit& from, Limit& to) {
  std::visit([&](const auto& field) { to.*field.member = from.*field.member; }, key.field);
}

// What the files say, over what is inherited.
Limits resolve_limits(const LimitOverrides& overrides, const Limits& inherited,
                      const std::string& path, std::vector<std::string>& problems) {
  Limits limits = inherited;
  for (std::size_t i = 0; i < FW_METRIC_COUNT; i++) {
    const LimitOverride& over = overrides[i];
    Limit& limit = limits[i];
    for (std::size_t k = 0; k < kLimitKeys.size(); k++)
      if (over.is_set[k]) copy_value(kLimitKeys[k], over.value, limit);
    if (over.where.empty() || !limit.limit || !limit.ban_at || *limit.ban_at >= *limit.limit)
      continue;
    const bool bytes = i == FW_METRIC_BYTES;
    const auto origin = [&](std::string_view key) { return over.sets(key) ? "" : ", inherited"; };
    problems.push_back(fmt::format("{}: {}: ban_at ({}{}) must not be below limit ({}{})",
                                   over.where, path, format_rate(*limit.ban_at, bytes),
                                   origin("ban_at"), format_rate(*limit.limit, bytes),
                                   origin("limit")));
  }
  return limits;
}

void check_names(std::span<const UnresolvedService> services, std::vector<std::string>& problems) {
  std::map<std::string, std::string> seen;  // name, where
  for (const UnresolvedService& from : services) {
    const std::string& name = from.service.name;
    if (name.empty()) continue;
    const auto [first, is_new] = seen.emplace(name, from.where);
    if (!is_new)
      problems.push_back(fmt::format("{}: service.name = \"{}\": is taken at {}", from.where, name,
                                     first->second));
  }
  if (services.size() > kMaxServices)
    problems.push_back(fmt::format("{}: service: more than {} services",
                                   services[kMaxServices].where, kMaxServices));
}

void check_alerts(UnresolvedConfig& from) {
  const std::vector<Alert>& alerts = from.config.alerts;
  for (auto alert = alerts.begin(); alert != alerts.end(); ++alert) {
    const auto same = std::ranges::find(alerts.begin(), alert, alert->name, &Alert::name);
    if (same != alert && !alert->name.empty())
      from.problems.push_back(fmt::format("{}: alert.name = \"{}\": is taken at {}",
                                          from.where_alerts[alert - alerts.begin()], alert->name,
                                          from.where_alerts[same - alerts.begin()]));
  }
  if (alerts.size() > kMaxAlerts)
    from.problems.push_back(
        fmt::format("{}: alert: more than {} alerts", from.where_alerts[kMaxAlerts], kMaxAlerts));
}

void check_ports(std::span<const UnresolvedService> services, std::vector<std::string>& problems) {
  struct Owner {
    PortRange range;
    const UnresolvedService* service;
    const PlacedText* text;
  };
  std::vector<Owner> owners;
  for (const UnresolvedService& from : services)
    for (std::size_t i = 0; i < from.service.ports.size(); i++) {
      const PortRange& range = from.service.ports[i];
      const auto other = std::find_if(owners.begin(), owners.end(), [&](const Owner& owner) {
        return owner.range.udp == range.udp && owner.range.first <= range.last &&
               range.first <= owner.range.last;
      });
      if (other != owners.end())
        problems.push_back(
            fmt::format("{}: service \"{}\": port \"{}\" overlaps \"{}\" of service \"{}\" at {}",
                        from.ports[i].where, from.service.name, from.ports[i].text,
                        other->text->text, other->service->service.name, other->text->where));
      owners.push_back({range, &from, &from.ports[i]});
    }
}

// A prefix of several sources must be shorter than a source.
void check_prefix(const Config& config, UnresolvedConfig& from) {
  const unsigned bits = config.limit_prefix.prefix_v6, source = config.ban.prefix_v6;
  if (!config.limit_prefix.any() || bits < source) return;
  from.problems.push_back(fmt::format(
      "{}: limit.prefix.prefix_v6 = {}: an IPv6 source is its first {} bits (ban.prefix_v6): a "
      "prefix of several must be shorter",
      from.where_prefix, bits, source));
}

// Whoever is not on this host must not read the token on its way.
void check_web(const Config& config, UnresolvedConfig& from) {
  const Web& web = config.web;
  const bool certificate = web.certificate != "none", key = web.key != "none";
  if (web.listen != "off" && certificate != key)
    from.problems.push_back(
        fmt::format("{}: web: certificate and key go together: set both", from.where_web));
  const Result<Endpoint> at = Endpoint::parse(web.listen);
  if (at && !at->is_loopback() && !(certificate && key))
    from.problems.push_back(fmt::format(
        "{}: web.listen = \"{}\": others can reach it: set web.certificate and web.key, or listen "
        "on 127.0.0.1 and come by ssh -L",
        from.where_web, web.listen));
}

// Of a problem, where it is: its file by the order in which the files were read, line and column.
using Place = std::tuple<std::size_t, unsigned, unsigned>;
Place place_of(std::string_view problem, std::vector<std::string_view>& files) {
  const std::size_t colon = problem.find(':');
  const std::string_view file = problem.substr(0, colon);
  auto at = std::ranges::find(files, file);
  if (at == files.end()) at = files.insert(files.end(), file);
  unsigned numbers[2] = {0, 0};
  const char* rest = problem.data() + std::min(colon, problem.size());
  const char* const end = problem.data() + problem.size();
  for (unsigned& number : numbers)
    if (rest < end && *rest == ':') rest = std::from_chars(rest + 1, end, number).ptr;
  return {static_cast<std::size_t>(at - files.begin()), numbers[0], numbers[1]};
}

// What concerns several keys is found last, and is told where it stands.
void sort_by_place(std::vector<std::string>& problems) {
  const std::vector<std::string> found = problems;  // the files' names are part of it
  std::vector<std::string_view> files;
  std::vector<std::pair<Place, const std::string*>> order;
  for (const std::string& problem : found) order.emplace_back(place_of(problem, files), &problem);
  std::ranges::sort(order);  // at one place in the order in which they were found, as in `found`
  for (std::size_t i = 0; i < order.size(); ++i) problems[i] = *order[i].second;
}

// The configuration, or every problem, a line each, in the order of the files.
Result<Config> conclude(UnresolvedConfig& from) {
  Config config = resolve(from);
  sort_by_place(from.problems);
  if (!from.problems.empty())
    return fail(ErrorKind::invalid_config, fmt::format("{}", fmt::join(from.problems, "\n")));
  return config;
}

// conf.d/*.toml, in name order.
std::vector<std::filesystem::path> overrides(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{folder, error}) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".toml") && !name.starts_with('.')) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Config resolve(UnresolvedConfig& from) {
  Config config = from.config;
  config.limit_default =
      resolve_limits(from.limits, Config::defaults(), "limit.default", from.problems);
  config.limit_prefix.limits =
      resolve_limits(from.prefix_limits, PrefixLimit{}.limits, "limit.prefix", from.problems);
  check_prefix(config, from);
  check_web(config, from);
  check_names(from.services, from.problems);
  check_ports(from.services, from.problems);
  check_alerts(from);
  for (const UnresolvedService& unresolved : from.services) {
    Service service = unresolved.service;
    if (unresolved.has_limits)
      service.limits = resolve_limits(unresolved.limits, config.limit_default,
                                      fmt::format("service \"{}\"", service.name), from.problems);
    config.services.push_back(std::move(service));
  }
  return config;
}

Result<Config> parse(std::string_view toml, const std::string& name) {
  UnresolvedConfig read;
  read_text(toml, name, read);
  return conclude(read);
}

Result<Source> read_source(const std::filesystem::path& file) {
  std::vector<std::filesystem::path> paths = overrides(file.parent_path() / "conf.d");
  paths.insert(paths.begin(), file);
  Source source;
  std::vector<std::string> problems;
  for (const auto& path : paths) {
    auto text = fw::read_file(path, kMaxFileBytes);
    const std::string name = path == file ? file.filename() : "conf.d" / path.filename();
    if (text)
      source.files.push_back({.name = name, .text = std::move(*text)});
    else if (std::error_code error; path == file && !std::filesystem::exists(path, error) && !error)
      problems.push_back(text.error().message + ": floodwall setup writes a first one");
    else
      problems.push_back(std::move(text.error().message));
  }
  if (!problems.empty())
    return fail(ErrorKind::invalid_config, fmt::format("{}", fmt::join(problems, "\n")));
  return source;
}

Result<Config> parse(const Source& source) {
  UnresolvedConfig read;
  for (const Source::File& file : source.files) read_text(file.text, file.name, read);
  return conclude(read);
}

Result<Config> load(const std::filesystem::path& file) {
  const Result<Source> source = read_source(file);
  if (!source) return std::unexpected(source.error());
  return parse(*source);
}

}  // namespace fw::config
