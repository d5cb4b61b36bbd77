// SPDX-License-Identifier: MIT
#include "daemon/alerts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "alert/mail.hpp"
#include "alert/webhook_body.hpp"
#include "base/file.hpp"
#include "base/units.hpp"

namespace fw::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// All are judgement.
constexpr milliseconds kPatience{30'000};         // with a command
constexpr milliseconds kWebhookPatience{12'000};  // libcurl gives up before
constexpr milliseconds kLastPatience{3'000};      // at the end of the daemon
constexpr milliseconds kPause{1'000};
constexpr std::size_t kMaxInbox = 256;  // messages that the thread did not take yet
constexpr std::uint64_t kMaxFileBytes = 16U << 20;
constexpr std::uint64_t kWriteAgainMs = 5'000;  // after an error
constexpr std::size_t kMaxTests = 4;            // under way

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "localhost";
  std::string text(name.data());
  // It stands in a header of a mail.
  std::ranges::replace_if(
      text,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.');
      },
      '-');
  return text;
}

std::vector<std::string> environment_of(const alert::Package& package, const std::string& host) {
  const alert::Message& last = package.messages.back();
  return {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "FLOODWALL_HOST=" + host,
      fmt::format("FLOODWALL_KIND={}", package.messages.size() == 1 ? word(last.kind) : "digest"),
      fmt::format("FLOODWALL_ID={}", last.id),
      "FLOODWALL_TIME=" + last.time,
      "FLOODWALL_SUBJECT=" + subject_of(package, host)};
}

Errand errand_of(const config::Alert& target, const alert::Package& package,
                 const std::string& host) {
  Errand errand{.arguments = {},
                .environment = environment_of(package, host),
                .input = {},
                .patience = kPatience};
  if (!target.url.empty()) {
    const alert::WebhookBody made = alert::webhook_body(package, target.shape, host);
    errand.environment.resize(1);
    errand.input = webhook_input(target.url, made.headers, made.body);
    errand.patience = kWebhookPatience;
  } else if (!target.mail.empty()) {
    errand.arguments = alert::mail_command(target);
    errand.input = alert::mail_text(package, target, host, std::chrono::system_clock::now());
  } else {
    errand.arguments = target.command;
    errand.input = alert::json_of(package, host)
                       .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                   "\n";
  }
  return errand;
}

}  // namespace

Alerts::Alerts(std::filesystem::path file, std::vector<config::Alert> alerts)
    : file_(std::move(file)),
      host_(host_name()),
      alerts_(std::move(alerts)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  outbox_.configure(alerts_);
  std::error_code error;
  if (std::filesystem::exists(file_, error)) {
    Result<std::string> text = read_file(file_, kMaxFileBytes);
    auto told = text ? outbox_.restore(*text) : std::unexpected(text.error());
    if (told) {
      watch_.restore(std::move(*told));
      written_ = std::move(*text);
    } else {
      file_problem_ =
          fmt::format("alerts of the last daemon that were not delivered are lost: {}: {}",
                      file_.native(), told.error().message);
    }
  }
  publish();
  thread_ = std::jthread([this] { run(); });
}

Alerts::~Alerts() {
  stop();
}

void Alerts::stop() {
  stops_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Alerts::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

// ------------------------------------------------------------------- from the loop

void Alerts::configure(std::vector<config::Alert> alerts) {
  const std::lock_guard lock(mutex_);
  inbox_.alerts = std::move(alerts);
  wake();
}

void Alerts::note(const engine::Event& event) {
  std::optional<alert::Message> message = alert::message_of(event);
  if (!message) return;
  const std::lock_guard lock(mutex_);
  // The thread takes them at once; if it hangs in a disk, the queues would drop the oldest, too.
  if (inbox_.messages.size() >= kMaxInbox) inbox_.messages.erase(inbox_.messages.begin());
  inbox_.messages.push_back(std::move(*message));
  wake();
}

void Alerts::note_problems(std::vector<alert::ProblemWatch::Seen> problems) {
  const std::lock_guard lock(mutex_);
  inbox_.problems = std::move(problems);
  wake();
}

std::vector<Alerts::State> Alerts::states() const {
  const std::lock_guard lock(mutex_);
  return states_;
}

std::vector<std::string> Alerts::problems() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> problems;
  for (const State& state : states_)
    if (!state.error.empty() && state.waiting > 0)
      problems.push_back(
          fmt::format("alerts to {} cannot be delivered, and wait: {}. Try it: "
                      "floodwall alert test {}",
                      state.name, state.error, state.name));
  if (!file_problem_.empty()) problems.push_back(file_problem_);
  return problems;
}

std::future<Alerts::Answer> Alerts::test(const std::string& name) {
  auto test = std::make_shared<Test>();
  std::future<Answer> answer = test->answer.get_future();
  const std::lock_guard lock(mutex_);
  if (stops_)
    test->answer.set_value(fail(ErrorKind::not_running, "floodwalld ends"));
  else if (inbox_.tests.size() >= kMaxTests)
    test->answer.set_value(
        fail(ErrorKind::not_running, "other tests are running: try again later"));
  else
    inbox_.tests.emplace_back(name, std::move(test));
  wake();
  return answer;
}

// ------------------------------------------------------------------- the thread

void Alerts::run() {
  while (!stops_) {
    try {
      take_inbox();
      start_due();
      write_if_changed();
      publish();
      wait_for_something();
      look_at_running();
    } catch (const std::exception&) {
      // Short of memory: filtering goes on, and what is in the queues waits.
      std::this_thread::sleep_for(kPause);
    }
  }
  take_inbox();  // what was noted last waits for the next daemon
  write_if_changed();
  const auto end = steady_clock::now() + kLastPatience;
  while (!running_.empty() && steady_clock::now() < end) {
    wait_for_something();
    look_at_running();
  }
  for (const Running& each : running_)
    if (each.test != nullptr && each.test->open > 0) {
      each.test->open = 0;
      each.test->answer.set_value(fail(ErrorKind::not_running, "floodwalld ends"));
    }
  running_.clear();
  write_due_ms_ = 0;
  write_if_changed();
  publish();
}

void Alerts::take_inbox() {
  Inbox inbox;
  {
    const std::lock_guard lock(mutex_);
    inbox = std::exchange(inbox_, {});
  }
  if (inbox.alerts && *inbox.alerts != alerts_) {
    alerts_ = std::move(*inbox.alerts);
    outbox_.configure(alerts_);
    is_changed_ = true;
  }
  for (alert::Message& message : inbox.messages) outbox_.post(std::move(message));
  is_changed_ = is_changed_ || !inbox.messages.empty();
  if (inbox.problems) {
    if (const auto kind = watch_.look(*inbox.problems, now_ms())) {
      std::vector<std::string> texts;
      for (auto& problem : *inbox.problems)
        if (*kind != alert::Kind::lists || problem.of_lists)
          texts.push_back(std::move(problem.text));
      outbox_.post(alert::message_of_problems(*kind, texts, std::chrono::system_clock::now()));
      is_changed_ = true;
    }
  }
  for (auto& [name, test] : inbox.tests) begin_test(name, std::move(test));
}

void Alerts::start_due() {
  for (const config::Alert& target : alerts_) {
    // A target that is gone and is back may still have a process.
    if (std::ranges::any_of(running_, [&](const Running& each) {
          return each.test == nullptr && each.target == target.name;
        }))
      continue;
    if (const auto package = outbox_.take(target.name, now_ms())) start(target, *package, nullptr);
  }
}

void Alerts::start(const config::Alert& target, const alert::Package& package,
                   std::shared_ptr<Test> test) {
  Result<Apart> process = Apart::start(errand_of(target, package, host_));
  if (!process) return ended(target.name, test, process.error().message);
  running_.push_back({std::move(*process), target.name, std::move(test)});
}

void Alerts::begin_test(const std::string& name, std::shared_ptr<Test> test) {
  std::vector<const config::Alert*> targets;
  for (const config::Alert& each : alerts_)
    if (name.empty() || each.name == name) targets.push_back(&each);
  if (targets.empty()) {
    std::vector<std::string> names;
    for (const config::Alert& each : alerts_) names.push_back(each.name);
    test->answer.set_value(
        fail(ErrorKind::usage,
             names.empty()
                 ? "there is no [[alert]] in the configuration in force: see docs/alerts.md"
                 : fmt::format("no alert \"{}\"; there are {}", name, fmt::join(names, ", "))));
    return;
  }
  test->open = targets.size();
  const alert::Package package{{alert::test_message(std::chrono::system_clock::now())}, 0};
  for (const config::Alert* target : targets) start(*target, package, test);
}

void Alerts::ended(const std::string& target, const std::shared_ptr<Test>& test,
                   const std::string& error) {
  if (test == nullptr) {
    outbox_.done(target, error, now_ms());
    is_changed_ = true;
    return;
  }
  test->failed = test->failed || !error.empty();
  test->lines.push_back(
      fmt::format("{}: {}", target, error.empty() ? "delivered" : "not delivered: " + error));
  if (--test->open > 0) return;
  std::ranges::sort(test->lines);
  std::string text = fmt::format("{}", fmt::join(test->lines, "\n"));
  if (test->failed)
    test->answer.set_value(fail(std::move(text)));
  else
    test->answer.set_value(std::move(text));
}

void Alerts::look_at_running() {
  std::vector<Running> still;
  std::vector<std::tuple<std::string, std::shared_ptr<Test>, std::string>> over;
  for (Running& each : running_) {
    if (const auto error = each.process.look())
      over.emplace_back(each.target, each.test, *error);
    else
      still.push_back(std::move(each));
  }
  running_ = std::move(still);
  for (const auto& [target, test, error] : over) ended(target, test, error);
}

void Alerts::wait_for_something() const {
  std::vector<pollfd> fds{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  std::uint64_t until_ms = now_ms() + 60'000;
  if (const auto due = outbox_.due_ms(); due && !stops_) until_ms = std::min(until_ms, *due);
  if (is_changed_) until_ms = std::min(until_ms, write_due_ms_);
  for (const Running& each : running_) {
    // Negative ones are left out by poll(2).
    fds.push_back({.fd = each.process.input_fd(), .events = POLLOUT, .revents = 0});
    fds.push_back({.fd = each.process.output_fd(), .events = POLLIN, .revents = 0});
    fds.push_back({.fd = each.process.process_fd(), .events = POLLIN, .revents = 0});
    const auto at =
        std::chrono::duration_cast<milliseconds>(each.process.deadline().time_since_epoch())
            .count();
    until_ms = std::min(until_ms, std::max(static_cast<std::uint64_t>(at), now_ms() + 100));
  }
  if (stops_) until_ms = std::min(until_ms, now_ms() + 50);
  const std::uint64_t now = now_ms();
  (void)::poll(fds.data(), fds.size(), until_ms > now ? static_cast<int>(until_ms - now) + 1 : 0);
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
}

void Alerts::write_if_changed() {
  if (!is_changed_ || now_ms() < write_due_ms_) return;
  std::string text = outbox_.text(watch_.told());
  std::string problem;
  if (text != written_) {
    if (const Result<void> done = write_file(file_, text, 0600); done)
      written_ = std::move(text);
    else
      problem = "alerts that wait would not outlive the daemon: " + done.error().message;
  }
  is_changed_ = !problem.empty();
  write_due_ms_ = is_changed_ ? now_ms() + kWriteAgainMs : 0;
  const std::lock_guard lock(mutex_);
  file_problem_ = std::move(problem);
}

void Alerts::publish() {
  std::vector<State> states;
  for (const auto& [name, target] : outbox_.targets())
    states.push_back({.name = name,
                      .error = target.error,
                      .waiting = target.waiting.size(),
                      .delivered = target.delivered,
                      .failures = target.failures,
                      .dropped = target.dropped_in_all});
  const std::lock_guard lock(mutex_);
  states_ = std::move(states);
}

}  // namespace fw::daemon
