// SPDX-License-Identifier: MIT
#include "daemon/api_service.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/terminal_text.hpp"
#include "daemon/caller_rights.hpp"
#include "daemon/daemon.hpp"
#include "engine/check.hpp"

namespace fw::daemon {
namespace {

using control::Reply;
using control::Request;
using Json = nlohmann::json;

constexpr std::size_t kMostChanges = 32;   // likewise
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
  const std::string who = peer.web.empty() ? fmt::format("uid={} pid={}", peer.uid, peer.pid)
                                           : fmt::format("web={}", peer.web);
  say(fmt::format("order {} verb={} arguments=\"{}\" result={}", who, request.verb->name,
                  words_of(request), result ? "done" : control::kind_word(result.error().kind)));
}

// What throws where memory is short.
template <typename Work>
Result<Json> guarded(Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

// Who has logged in to the page is no user of this host: it is shown what the daemon may read.
Result<Json> check_as(const control::Peer& peer, const std::filesystem::path& file) {
  if (!peer.web.empty()) return guarded([&] { return engine::check_for_caller(file); });
  const auto rights = CallerRights::take(peer.uid, peer.gid, peer.groups);
  if (!rights) return std::unexpected(rights.error());
  return guarded([&] { return engine::check_for_caller(file); });
}

// Refused where apply would refuse.
Result<Json> with_verdict(Json valid, const Result<Verdict>& verdict,
                          const std::filesystem::path& file) {
  if (!verdict) return std::unexpected(verdict.error());
  if (!verdict->objections.empty())
    return fail(ErrorKind::refused,
                fmt::format("{} is valid, but apply would refuse it: {}", file.native(),
                            fmt::join(verdict->objections, "\n")));
  std::string message = valid["message"].get<std::string>();
  for (const auto* sentences : {&verdict->stale, &verdict->refusals})
    for (const std::string& sentence : *sentences) message += "\n" + printable(sentence);
  valid["message"] = std::move(message);
  valid["stale"] = verdict->stale;
  valid["not_in_force"] = verdict->refusals;
  return valid;
}

}  // namespace

void ApiService::serve(const Request& request, const control::Peer& peer, const Reply& reply) {
  if (request.verb->name == "check") return check(peer, reply);
  if (commands_.is_long(request)) return change(request, peer, reply);
  Result<Json> result = commands_.run(request, read_clocks());
  if (is_order(request)) say_order(request, peer, result);
  reply(std::move(result));
}

void ApiService::change(const Request& request, const control::Peer& peer, const Reply& reply) {
  if (changes_.pending() >= kMostChanges)
    return reply(fail(ErrorKind::not_running, "other changes are being made: try again later"));
  const auto end = [request, peer, reply](Result<Json> result) {
    say_order(request, peer, result);
    reply(std::move(result));
  };
  changes_.add([this, request, end](const Now& now) -> std::optional<ChangeQueue::Change> {
    auto begun = commands_.begin(request, now);
    if (!begun) {
      end(std::unexpected(begun.error()));
      return std::nullopt;
    }
    return ChangeQueue::Change{.work = std::move(begun->work),
                               .finish = [end, finish = std::move(begun->finish)](const Now& then) {
                                 end(guarded([&] { return finish(then); }));
                               }};
  });
}

// Whether the files are valid is looked at with the rights of the caller. What apply would say of
// them is not: then he may read them, and its sentences show no more than entries.
void ApiService::check(const control::Peer& peer, const Reply& reply) {
  if (checks_.pending() >= kMostChecks)
    return reply(fail(ErrorKind::not_running, "other checks are running: try again later"));
  const auto judged = config_.check(read_clocks());
  checks_.start(
      [peer, file = config_file_, judge = judged.work] {
        Result<Json> valid = check_as(peer, file);
        if (valid) (void)guarded([&]() -> Result<Json> { return judge(), Json(); });
        return valid;
      },
      [reply, file = config_file_, finish = judged.finish](Result<Json> valid) {
        if (valid) valid = with_verdict(std::move(*valid), finish(read_clocks()), file);
        reply(std::move(valid));
      });
}

}  // namespace fw::daemon
