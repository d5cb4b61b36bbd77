// SPDX-License-Identifier: MIT
// An engine on a fake datapath, with a settable clock and a folder of its own for list files. It
// starts at 2026-05-01T12:00:00Z, with `monotonic` at 1000 s.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/request.hpp"
#include "engine/commands.hpp"
#include "engine/engine.hpp"
#include "harness/fake_datapath.hpp"
#include "harness/temporary_folder.hpp"

namespace fw::test {

inline Prefix prefix(const std::string& text) {
  return Prefix::parse(text).value();
}

// The default configuration and a service "game" on udp/27015: rule 1.
inline config::Config game_config() {
  config::Service game;
  game.name = "game";
  game.ports = {{.udp = true, .first = 27015, .last = 27015}};
  config::Config config;
  config.services = {game};
  return config;
}

// What the policy measured: 12,400 pkt/s where 2,000 are the limit, in counts per window.
inline fw_event game_flood(bool observed = false) {
  fw_event event{};
  event.value = 13'314;
  event.limit = 2147;
  event.dport = 27015;
  event.proto = 17;
  event.rule = 1;
  event.observed = observed ? 1 : 0;
  return event;
}

struct EngineLab : engine::ServiceControl {
  explicit EngineLab(config::Config config = {}, std::size_t entry_buckets = 16'384)
      : datapath(entry_buckets),
        engine(datapath, std::move(config), folder.path()),
        commands(engine, *this) {
    ready = engine.adopt(now()).has_value() && engine.load_lists(now()).has_value();
  }

  [[nodiscard]] Now now() const { return {.mono_ns = mono_ns, .wall = wall, .slept_ns = slept_ns}; }
  // Lets `span` pass, with a tick at its end.
  void pass(std::chrono::nanoseconds span) {
    mono_ns += static_cast<std::uint64_t>(span.count());
    wall += std::chrono::duration_cast<std::chrono::system_clock::duration>(span);
    engine.tick(now());
  }

  using Options = std::vector<std::pair<std::string_view, std::string>>;
  [[nodiscard]] Result<nlohmann::json> run(std::string_view verb,
                                           std::vector<std::string> arguments = {},
                                           Options options = {}) {
    const control::Request request{.verb = control::find_verb(verb),
                                   .arguments = std::move(arguments),
                                   .options = std::move(options)};
    datapath.now = mono_ns;
    if (off_datapath) off_datapath->now = mono_ns;
    return commands.run(request, now());
  }

  [[nodiscard]] bool banned(const std::string& text) {
    return datapath.in_force(prefix(text), FW_ENTRY_BAN, mono_ns);
  }
  [[nodiscard]] bool exempt(const std::string& text) {
    return datapath.in_force(prefix(text), FW_ENTRY_EXEMPT, mono_ns);
  }
  [[nodiscard]] bool allowed(const std::string& text) {
    return datapath.in_force(prefix(text), FW_ENTRY_ALLOW, mono_ns);
  }
  // Every line of the log, without the time.
  [[nodiscard]] std::vector<std::string> log() const {
    std::vector<std::string> lines;
    for (const engine::Event& event : engine.journal().events())
      lines.push_back(to_text(event).substr(25));
    return lines;
  }
  // The last line of the log about `word`, without the time; empty if there is none.
  [[nodiscard]] std::string last(const std::string& word) const {
    std::string found;
    for (const std::string& line : log())
      if (line.find(" " + word + " ") != std::string::npos) found = line;
    return found;
  }

  // The daemon's part, on fake datapaths.
  [[nodiscard]] std::filesystem::path config_file() const override {
    return folder.path() / "floodwall.toml";
  }
  [[nodiscard]] Result<void> set_mode(engine::Mode mode, const Now& at) override {
    const bool is_off = engine.mode() == engine::Mode::off;
    if (mode == engine::Mode::off) {
      off_datapath = std::make_unique<FakeDatapath>();
      off_datapath->statuses.clear();
      return engine.move_to(*off_datapath, mode, at);
    }
    if (!is_off) return engine.set_mode(mode, at);
    if (attach_error) return std::unexpected(*attach_error);
    datapath.wipe_entries();
    return engine.move_to(datapath, mode, at);
  }
  [[nodiscard]] Deferred<std::vector<std::string>> judge_enforcing(const Now&) override {
    return {.work = [] {}, .finish = [this](const Now&) { return objections; }};
  }
  [[nodiscard]] Deferred<Result<std::vector<std::string>>> reload(const engine::ApplyOrder& order,
                                                                  const Now&) override {
    return {.work = [] {},
            .finish = [this, order](const Now& at) { return reload_now(order, at); }};
  }
  [[nodiscard]] Result<std::vector<std::string>> reload_now(const engine::ApplyOrder& order,
                                                            const Now& at) {
    last_order = order;
    auto config = config::load(config_file());
    if (!config) {
      engine.journal().write(engine::EventType::reload_failed, at,
                             [&] { return engine::failure_details("config", config.error()); });
      return std::unexpected(config.error());
    }
    auto lists = engine::prepare(engine.list_job(config->lists, {.all = order.accept}, at));
    if (!lists) return std::unexpected(lists.error());
    auto changes = engine.apply(std::move(*config), std::move(*lists), at);
    if (changes) ++reconfigured;
    return changes;
  }
  [[nodiscard]] Result<void> confirm(const Now&) override {
    if (!last_order.confirm_ns) return fail("nothing waits to be confirmed");
    last_order.confirm_ns.reset();
    return {};
  }
  [[nodiscard]] Deferred<Result<std::string>> test_alerts(const std::string& name) override {
    return {.work = [] {},
            .finish = [name](const Now&) -> Result<std::string> { return name + ": delivered"; }};
  }
  void store_baseline() override { ++baseline_stored; }

  TemporaryFolder folder;
  FakeDatapath datapath;
  std::unique_ptr<FakeDatapath> off_datapath;
  std::optional<Error> attach_error;
  std::uint64_t mono_ns = 1000 * kSecond, slept_ns = 0;
  std::chrono::system_clock::time_point wall =
      std::chrono::sys_days(std::chrono::year(2026) / 5 / 1) + std::chrono::hours(12);
  engine::Engine engine;
  engine::Commands commands;
  int reconfigured = 0, baseline_stored = 0;
  engine::ApplyOrder last_order;
  std::vector<std::string> objections;  // to enforcing
  bool ready = false;
};

}  // namespace fw::test
