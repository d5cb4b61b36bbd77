// SPDX-License-Identifier: MIT
// Each step waits for a state, never for a fixed time, and fails if the state is not reached.
#include "selftest/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "selftest/log_check.hpp"
#include "selftest/tcp_exchange.hpp"

namespace fw::selftest {

namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr Milliseconds kPatience{5'000};
constexpr int kPollMs = 2;
constexpr unsigned kFloodWrites = 2'000;  // 50 times the limit per second
constexpr unsigned kWritesPerCheck = 20;  // between two questions whether the flood is blocked

// Client and server of one address family, and what was sent between them.
struct Side {
  const Endpoints* ends = nullptr;
  TcpServer server;
  TcpClient client;
  std::size_t sent = 0;  // greetings
  Clock::time_point flood_began{};

  [[nodiscard]] std::string source() const { return ends->client.text(); }
  void greet() {
    if (client.send(kGreeting)) ++sent;
  }
};

// Serves until `state()` holds; false if it does not within `limit`.
template <typename State>
bool reached(Side& side, Milliseconds limit, State state) {
  const auto end = Clock::now() + limit;
  while (!state()) {
    if (Clock::now() > end) return false;
    side.server.serve(kPollMs);
  }
  return true;
}

double seconds_since(Clock::time_point moment) {
  return std::chrono::duration<double>(Clock::now() - moment).count();
}

Finding failed(std::string saw) {
  return {.family = {}, .ok = false, .saw = std::move(saw)};
}

Finding is_heard(Side& side, Milliseconds limit) {
  const auto began = Clock::now();
  if (!reached(side, limit, [&] { return side.server.greetings() == side.sent; }))
    return failed(fmt::format("{} of {} greetings heard", side.server.greetings(), side.sent));
  return {{}, true, fmt::format("heard after {:.1f} ms", seconds_since(began) * 1000)};
}

// Sends a greeting, which must be dropped for `reason`.
Finding is_silenced(Side& side, const HostUnderTest& host, const std::string& reason) {
  const auto heard = side.server.greetings();
  const auto before = host.dropped(reason);
  side.greet();
  if (!reached(side, kPatience, [&] { return host.dropped(reason) > before; }))
    return failed(fmt::format("no packet was dropped for reason {}", reason));
  side.server.serve(0);
  if (side.server.greetings() != heard) return failed("the greeting was heard all the same");
  return {{},
          true,
          fmt::format("nothing heard; packets dropped for reason {}: {}", reason,
                      host.dropped(reason) - before)};
}

Finding serves(Side& side, const TestNetwork& network) {
  auto server = TcpServer::listen(side.ends->host, kPort);
  if (!server) return failed(server.error().message);
  side.server = std::move(*server);
  const auto opened = network.as_client([&]() -> Result<void> {
    auto client = TcpClient::connect(side.ends->client, side.ends->host, kPort);
    if (!client) return std::unexpected(client.error());
    side.client = std::move(*client);
    return {};
  });
  if (!opened) return failed(opened.error().message);
  if (!reached(side, kPatience, [&] { return side.client.connected(); }))
    return failed("no connection came about");
  side.greet();
  return is_heard(side, kPatience);
}

Finding is_denied(Side& side, const HostUnderTest& host) {
  if (auto done = host.deny({side.source()}); !done) return failed(done.error().message);
  return is_silenced(side, host, "deny");
}

// TCP itself delivers the greeting that was dropped: it retransmits.
Finding is_let_in(Side& side, const HostUnderTest& host) {
  if (auto done = host.deny({}); !done) return failed(done.error().message);
  return is_heard(side, kPatience);
}

Finding is_banned_by_hand(Side& side, const HostUnderTest& host) {
  const auto reply =
      host.call("ban", {{"address", {side.source()}}, {"for", "1h"}, {"reason", "self-test"}});
  if (!reply) return failed(reply.error().message);
  return is_silenced(side, host, "ban");
}

Finding is_unbanned_by_hand(Side& side, const HostUnderTest& host) {
  const auto reply = host.call("unban", {{"address", {side.source()}}});
  if (!reply) return failed(reply.error().message);
  return is_heard(side, kPatience);
}

Finding flood_is_blocked(Side& side, const TestNetwork& network, const HostUnderTest& host) {
  TcpClient flooder;
  const auto opened = network.as_client([&]() -> Result<void> {
    auto client = TcpClient::connect(side.ends->client, side.ends->host, kPort);
    if (!client) return std::unexpected(client.error());
    flooder = std::move(*client);
    return {};
  });
  if (!opened) return failed(opened.error().message);
  if (!reached(side, kPatience, [&] { return flooder.connected(); }))
    return failed("no connection came about");
  const auto before = side.server.bytes();
  side.flood_began = Clock::now();
  bool blocked = false;
  unsigned writes = 0;
  while (!blocked && writes < kFloodWrites) {
    if (flooder.send("x")) ++writes;
    side.server.serve(1);
    if (writes % kWritesPerCheck == 0) blocked = host.verdict(side.source()) == "ban";
  }
  const double took = seconds_since(side.flood_began);
  flooder.reset();
  if (!blocked) return failed(fmt::format("{} writes in {:.1f} s, and no ban", writes, took));
  side.server.serve(0);
  const auto heard = side.server.bytes() - before;
  if (heard >= writes) return failed(fmt::format("all {} writes were heard", writes));
  return {{},
          true,
          fmt::format("blocked {:.1f} ms after the first write; {} of {} writes heard", took * 1000,
                      heard, writes)};
}

Finding is_unblocked_in_time(Side& side, const HostUnderTest& host, Milliseconds ban_time) {
  const auto limit = ban_time * 2 + kPatience;
  if (!reached(side, limit, [&] { return host.verdict(side.source()) != "ban"; }))
    return failed(fmt::format("still blocked after {:.1f} s", seconds_since(side.flood_began)));
  if (const Finding heard = is_heard(side, limit); !heard.ok) return failed(heard.saw);
  const double took = seconds_since(side.flood_began);
  if (took * 1000 < static_cast<double>(ban_time.count()))
    return failed(fmt::format("let in already after {:.2f} s", took));
  return {{}, true, fmt::format("heard {:.1f} s after the first write", took)};
}

Finding is_in_the_log(Side& side, const HostUnderTest& host, Milliseconds ban_time) {
  const Expectation expected{.key = side.ends->client_key,
                             .rule = std::string(kRule),
                             .port = kPort,
                             .limit_per_second = kLimitPerSecond,
                             .ban_time = ban_time};
  Result<std::string> read = fail("");
  (void)reached(side, kPatience,
                [&] { return (read = check_log(host.log(), expected)).has_value(); });
  return read ? Finding{{}, true, *read} : failed(read.error().message);
}

struct PlannedStep {
  std::string title, expected;
  std::function<Finding(Side&)> on;
};

std::vector<PlannedStep> planned_steps(const TestNetwork& network, HostUnderTest& host,
                                       Milliseconds ban_time) {
  const std::string time = format_duration(ban_time);
  return {
      {fmt::format("A client says \"{}\" to the server on tcp/{}", kGreeting, kPort),
       "the server hears it", [&](Side& side) { return serves(side, network); }},
      {"The client's address is put on deny.list",
       "the next greeting is dropped, on the connection that stands",
       [&](Side& side) { return is_denied(side, host); }},
      {"It is taken off deny.list", "the greeting that was held back arrives",
       [&](Side& side) { return is_let_in(side, host); }},
      {"floodwall ban ADDRESS", "the next greeting is dropped",
       [&](Side& side) { return is_banned_by_hand(side, host); }},
      {"floodwall unban ADDRESS", "the greeting that was held back arrives",
       [&](Side& side) { return is_unbanned_by_hand(side, host); }},
      {fmt::format("The client floods: small writes, Nagle's algorithm off, limit {} packets/s",
                   kLimitPerSecond),
       fmt::format("it is blocked for {}", time),
       [&](Side& side) { return flood_is_blocked(side, network, host); }},
      {"While it is blocked, the client greets again", "nothing is heard",
       [&](Side& side) { return is_silenced(side, host, "ban"); }},
      {"Nobody does anything",
       fmt::format("the block ends by itself, not before {} are over, and the greeting arrives",
                   time),
       [&, ban_time](Side& side) { return is_unblocked_in_time(side, host, ban_time); }},
      {"The log file is read back", "a Ban with its reason and measured value, then an Unban",
       [&, ban_time](Side& side) { return is_in_the_log(side, host, ban_time); }},
  };
}

}  // namespace

bool Step::ok() const {
  return std::ranges::all_of(findings, &Finding::ok);
}

void run_experiment(const TestNetwork& network, HostUnderTest& host, Milliseconds ban_time,
                    const std::function<void(const Step&)>& told) {
  std::vector<Side> sides;
  for (const Endpoints& ends : network.endpoints()) sides.emplace_back().ends = &ends;
  for (const PlannedStep& planned : planned_steps(network, host, ban_time)) {
    Step step{.title = planned.title, .expected = planned.expected, .findings = {}};
    for (Side& side : sides) {
      step.findings.push_back(planned.on(side));
      step.findings.back().family = side.ends->family;
    }
    told(step);
    if (!step.ok()) return;
  }
  const auto stopped = host.stop();
  told({.title = "floodwall mode off, and the daemon is stopped",
        .expected = "it ends well and leaves nothing attached or pinned",
        .findings = {{.family = {},
                      .ok = stopped.has_value(),
                      .saw = stopped ? "nothing is left" : stopped.error().message}}});
}

}  // namespace fw::selftest
