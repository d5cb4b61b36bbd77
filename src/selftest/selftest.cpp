// SPDX-License-Identifier: MIT
#include "selftest/selftest.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "selftest/experiment.hpp"

namespace fw::selftest {

namespace {

using nlohmann::json;

constexpr const char* kKeptLog = "floodwall-selftest.log";
constexpr Milliseconds kShortest{1'000}, kLongest{60'000};

// Printed step by step, or as one JSON object at the end.
class Report {
 public:
  explicit Report(bool as_json) : as_json_(as_json) {}

  void line(const std::string& text) const {
    if (as_json_) return;
    fmt::print("{}\n", text);
    (void)std::fflush(stdout);
  }
  void step(const Step& step) {
    ++steps_;
    ok_ = ok_ && step.ok();
    json findings = json::array();
    line(fmt::format("{:2}. {}\n      expected: {}", steps_, step.title, step.expected));
    for (const Finding& finding : step.findings) {
      line(fmt::format("      {:<4} {:4} {}", finding.ok ? "ok" : "BAD", finding.family,
                       finding.saw));
      findings.push_back({{"family", finding.family}, {"ok", finding.ok}, {"saw", finding.saw}});
    }
    json_.push_back({{"title", step.title},
                     {"expected", step.expected},
                     {"ok", step.ok()},
                     {"findings", std::move(findings)}});
  }
  [[nodiscard]] int end(double seconds) const {
    line(ok_ ? fmt::format("\nAll {} steps hold ({:.1f} s). Nothing is left behind.", steps_,
                           seconds)
             : fmt::format("\nFAILED in step {} ({:.1f} s).", steps_, seconds));
    if (as_json_)
      fmt::print("{}\n", json{{"ok", ok_}, {"seconds", seconds}, {"steps", json_}}.dump(
                             2, ' ', false, json::error_handler_t::replace));
    return ok_ ? 0 : static_cast<int>(ErrorKind::failed);
  }

 private:
  bool as_json_;
  bool ok_ = true;
  unsigned steps_ = 0;
  json json_ = json::array();
};

// In the child process, where errors have to be shown: only the status leaves it.
int in_test_network(const std::filesystem::path& daemon, const Options& options,
                    const Complain& complain) {
  const auto began = std::chrono::steady_clock::now();
  Report report(options.json);
  report.line(
      "Floodwall's self-test: a server and a client in networks of their own. Nothing of\n"
      "this machine is touched.");
  auto network = TestNetwork::create();
  if (!network) return complain(network.error());
  auto host = HostUnderTest::start(daemon, options.ban_time);
  if (!host) return complain(host.error());
  report.line(fmt::format("floodwalld protects the server ({}).\n", host->attachment()));
  run_experiment(*network, *host, options.ban_time, [&](const Step& step) { report.step(step); });
  if (options.keep_log) {
    if (auto kept = write_file(kKeptLog, host->log()); !kept) return complain(kept.error());
    report.line(fmt::format("\nThe log is kept in {}.", kKeptLog));
  }
  return report.end(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

Result<std::filesystem::path> sibling_daemon() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail("cannot read /proc/self/exe: " + error.message());
  auto daemon = self.parent_path() / "floodwalld";
  if (::access(daemon.c_str(), X_OK) != 0)
    return fail(fmt::format("there is no {} to test", daemon.native()));
  return daemon;
}

}  // namespace

Result<int> run(const Options& options, const Complain& complain) {
  if (options.ban_time < kShortest || options.ban_time > kLongest)
    return fail(ErrorKind::usage,
                fmt::format("--ban-time {}: must be {} to {}", format_duration(options.ban_time),
                            format_duration(kShortest), format_duration(kLongest)));
  if (::geteuid() != 0)
    return fail(ErrorKind::not_permitted,
                "needs root, for network namespaces and BPF: sudo floodwall selftest");
  const auto daemon = sibling_daemon();
  if (!daemon) return std::unexpected(daemon.error());
  return run_isolated([&] { return in_test_network(*daemon, options, complain); });
}

}  // namespace fw::selftest
