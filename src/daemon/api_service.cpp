// SPDX-License-Identifier: MIT
#include "daemon/api_service.hpp"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.hpp"
#include "daemon/caller_rights.hpp"
#include "daemon/daemon.hpp"
#include "engine/check.hpp"

namespace fw::daemon {
namespace {

using control::Reply;
using control::Request;
using Json = nlohmann::json;

constexpr std::size_t kMostChecks = 4;     // that wait for their turn; judgement
constexpr std::size_t kMostArguments = 8;  // of an order in the log; then only how many

// A verb that can change something may also only show it.
bool is_order(const Request& request) {
  if (request.verb->access != control::Access::change) return false;
  const bool may_show = request.verb->at_least == 0 && request.verb->name != "apply";
  return !may_show || !request.arguments.empty() || !request.options.empty();
}

std::string words_of(const Request& request) {
  std::string words;
  for (std::size_t i = 0; i < request.arguments.size() && i < kMostArguments; ++i)
    words += fmt::format("{}{}", i == 0 ? "" : " ", request.arguments[i]);
  if (request.arguments.size() > kMostArguments)
    words += fmt::format(" and {} more", request.arguments.size() - kMostArguments);
  for (const auto& [name, value] : request.options)
    words +=
        fmt::format("{}--{}{}{}", words.empty() ? "" : " ", name, value.empty() ? "" : " ", value);
  return words;
}

// To standard error, which the service manager keeps: members of the group cannot change it.
void say_order(const Request& request, const control::Peer& peer, const Result<Json>& result) {
  say(fmt::format("order uid={} pid={} verb={} arguments=\"{}\" result={}", peer.uid, peer.pid,
                  request.verb->name, words_of(request),
                  result ? "done" : control::kind_word(result.error().kind)));
}

Result<Json> check_as(const control::Peer& peer, const std::filesystem::path& file) {
  const auto rights = CallerRights::take(peer.uid, peer.gid, peer.groups);
  if (!rights) return std::unexpected(rights.error());
  try {
    return engine::check_for_caller(file);
  } catch (const std::exception& error) {
    return fail(fmt::format("check: {}", error.what()));
  }
}

}  // namespace

void ApiService::serve(const Request& request, const control::Peer& peer, const Reply& reply) {
  if (request.verb->name == "check") return check(peer, reply);
  Result<Json> result = commands_.run(request, read_clocks());
  if (is_order(request)) say_order(request, peer, result);
  reply(std::move(result));
}

void ApiService::check(const control::Peer& peer, const Reply& reply) {
  if (checks_.pending() >= kMostChecks)
    return reply(fail(ErrorKind::not_running, "other checks are running: try again later"));
  checks_.start([peer, file = config_file_] { return check_as(peer, file); }, reply);
}

}  // namespace fw::daemon
