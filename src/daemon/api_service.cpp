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
#include "engine/check.hpp"

namespace fw::daemon {
namespace {

using control::Reply;
using control::Request;
using Json = nlohmann::json;

constexpr std::size_t kMostChanges = 32;  // likewise
constexpr std::size_t kMostChecks = 4;    // that wait for their turn; judgement

std::string_view result_of(const Result<Json>& result) {
  return result ? "done" : control::kind_word(result.error().kind);
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
  if (const auto permitted = control::permit(request, peer); !permitted) {
    orders_.add(request, peer, control::kind_word(permitted.error().kind), read_clocks());
    return reply(std::unexpected(permitted.error()));
  }
  if (request.verb->name == "check") return check(peer, reply);
  if (request.verb->name == "alert") return test_alerts(request, peer, reply);
  if (commands_.is_long(request)) return change(request, peer, reply);
  Result<Json> result = commands_.run(request, read_clocks());
  if (request.is_order()) orders_.add(request, peer, result_of(result), read_clocks());
  reply(std::move(result));
}

control::Reply ApiService::logged(const Request& request, const control::Peer& peer,
                                  const Reply& reply) {
  return [this, request, peer, reply](Result<Json> result) {
    if (request.is_order()) orders_.add(request, peer, result_of(result), read_clocks());
    reply(std::move(result));
  };
}

void ApiService::change(const Request& request, const control::Peer& peer, const Reply& reply) {
  const Reply end = logged(request, peer, reply);
  if (changes_.pending() >= kMostChanges)
    return end(fail(ErrorKind::not_running, "other changes are being made: try again later"));
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

// Not among the changes, which would wait for a server that hangs.
void ApiService::test_alerts(const Request& request, const control::Peer& peer,
                             const Reply& reply) {
  const Reply end = logged(request, peer, reply);
  if (alert_tests_.pending() >= kMostChecks)
    return end(fail(ErrorKind::not_running, "other tests are running: try again later"));
  const auto begun = commands_.begin(request, read_clocks());
  if (!begun) return end(std::unexpected(begun.error()));
  alert_tests_.start(
      [work = begun->work] {
        work();
        return true;
      },
      [end, finish = begun->finish](bool) { end(guarded([&] { return finish(read_clocks()); })); });
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
