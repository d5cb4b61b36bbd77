// SPDX-License-Identifier: MIT
#include "selftest/host_under_test.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "control/client.hpp"
#include "selftest/test_network.hpp"

namespace fw::selftest {

namespace {

using nlohmann::json;
using std::filesystem::path;

constexpr const char* kPins = "/sys/fs/bpf/floodwall";
// Far longer than an idle machine needs, so that a busy one does not fail (judgement).
constexpr Milliseconds kStartLimit{30'000};
constexpr Milliseconds kStopLimit{20'000};
constexpr std::size_t kOutputBytes = 2'000;

path in_folder(const char* name) {
  return path(kFolder) / name;
}

std::string config_text(Milliseconds ban_time) {
  return fmt::format(R"(mode = "enforce"
interface = "{}"
[ban]
time = "{}"
[[service]]
name = "{}"
port = "tcp/{}"
packets = {{ ban_at = "{}/s", peers = true }}
[tables]
sources = 1024
flows = 1024
bans = 1024
[log]
folder = "{}"
journal = false
)",
                     kUplink, format_duration(ban_time), kRule, kPort, kLimitPerSecond,
                     in_folder("log").native());
}

std::string ending(int status) {
  if (WIFSIGNALED(status)) return fmt::format("by signal {}", WTERMSIG(status));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

void pause_briefly() {
  (void)::poll(nullptr, 0, 5);
}

Result<pid_t> spawn(const path& daemon) {
  const std::string config = in_folder("floodwall.toml"), socket = in_folder("floodwall.sock");
  const std::string output = in_folder("daemon.out"), state = in_folder("state");
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("cannot fork", errno);
  if (child > 0) return child;
  const int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out >= 0 && in >= 0 && ::dup2(in, STDIN_FILENO) >= 0 && ::dup2(out, STDOUT_FILENO) >= 0 &&
      ::dup2(out, STDERR_FILENO) >= 0)
    ::execl(daemon.c_str(), daemon.c_str(), "--config", config.c_str(), "--socket", socket.c_str(),
            "--pins", kPins, "--state", state.c_str(), static_cast<char*>(nullptr));
  ::_exit(127);
}

Result<void> write_files(Milliseconds ban_time) {
  std::error_code error;
  std::filesystem::create_directories(in_folder("log"), error);
  if (error) return fail(fmt::format("cannot make {}: {}", kFolder, error.message()));
  if (auto done = write_file(in_folder("floodwall.toml"), config_text(ban_time)); !done)
    return done;
  if (auto done = write_file(in_folder("allow.list"), ""); !done) return done;
  return write_file(in_folder("deny.list"), "");
}

}  // namespace

Result<HostUnderTest> HostUnderTest::start(const path& daemon, Milliseconds ban_time) {
  if (::access(daemon.c_str(), X_OK) != 0)
    return fail_errno(fmt::format("cannot run {}", daemon.native()), errno);
  if (auto done = write_files(ban_time); !done) return std::unexpected(done.error());
  const auto child = spawn(daemon);
  if (!child) return std::unexpected(child.error());
  HostUnderTest host(*child);
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  while (!host.call("status", json::object())) {
    if (::waitpid(host.daemon_, &host.status_, WNOHANG) == host.daemon_) {
      host.daemon_ = -1;
      return fail(fmt::format("floodwalld ended at its start ({}); it wrote:\n{}",
                              ending(host.status_), host.output()));
    }
    if (std::chrono::steady_clock::now() > end)
      return fail(fmt::format("floodwalld does not answer within {}; it wrote:\n{}",
                              format_duration(kStartLimit), host.output()));
    pause_briefly();
  }
  return host;
}

HostUnderTest::HostUnderTest(HostUnderTest&& other) noexcept
    : daemon_(std::exchange(other.daemon_, -1)), status_(other.status_) {}

HostUnderTest::~HostUnderTest() {
  if (daemon_ < 0) return;
  ::kill(daemon_, SIGKILL);
  (void)ended(kStopLimit);
}

bool HostUnderTest::ended(Milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (::waitpid(daemon_, &status_, WNOHANG) != daemon_) {
    if (std::chrono::steady_clock::now() > end) return false;
    pause_briefly();
  }
  daemon_ = -1;
  return true;
}

Result<json> HostUnderTest::call(std::string_view verb, const json& request) const {
  return control::call(in_folder("floodwall.sock"), verb, request);
}

std::uint64_t HostUnderTest::dropped(const std::string& reason) const {
  const auto status = call("status", json::object());
  if (!status) return 0;
  return status->value(json::json_pointer("/traffic/reasons/" + reason + "/packets"),
                       std::uint64_t{0});
}

std::string HostUnderTest::verdict(const std::string& address) const {
  const auto why = call("why", {{"address", {address}}});
  if (!why) return "";
  return why->value(json::json_pointer("/answers/0/reason"), "");
}

std::string HostUnderTest::attachment() const {
  const auto status = call("status", json::object());
  if (!status) return "not running";
  return fmt::format("{} {}", status->value(json::json_pointer("/interfaces/0/attachment"), "no"),
                     status->value("datapath", "datapath"));
}

Result<void> HostUnderTest::deny(const std::vector<std::string>& entries) const {
  std::string text;
  for (const std::string& entry : entries) text += entry + "\n";
  if (auto done = write_file(in_folder("deny.list"), text); !done) return done;
  // The list may become empty, which is meant here.
  if (auto reply = call("apply", {{"accept", true}}); !reply) return std::unexpected(reply.error());
  return {};
}

std::string HostUnderTest::log() const {
  return read_file(in_folder("log") / "floodwall.log").value_or("");
}

std::string HostUnderTest::output() const {
  const std::string text = read_file(in_folder("daemon.out")).value_or("");
  return text.size() > kOutputBytes ? text.substr(text.size() - kOutputBytes) : text;
}

Result<void> HostUnderTest::stop() {
  if (auto reply = call("mode", {{"mode", {"off"}}}); !reply) return std::unexpected(reply.error());
  std::error_code error;
  if (std::filesystem::exists(kPins, error) && !std::filesystem::is_empty(kPins, error))
    return fail(fmt::format("mode off left something in {}", kPins));
  ::kill(daemon_, SIGTERM);
  if (!ended(kStopLimit)) return fail("floodwalld does not end at SIGTERM");
  if (WIFEXITED(status_) && WEXITSTATUS(status_) == 0) return {};
  return fail(fmt::format("floodwalld ended badly ({}); it wrote:\n{}", ending(status_), output()));
}

}  // namespace fw::selftest
