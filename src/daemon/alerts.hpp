// SPDX-License-Identifier: MIT
// Tells people: takes what the loop notes, keeps it in a file until it is delivered, and delivers
// it, all on a thread of its own and in processes apart, so that neither a disk nor a server keeps
// the loop waiting.
//
// Thread rule: called from the loop; test() may be waited for in any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "alert/outbox.hpp"
#include "alert/problem_watch.hpp"
#include "base/fd.hpp"
#include "base/now.hpp"
#include "config/config.hpp"
#include "daemon/apart.hpp"
#include "engine/journal/event.hpp"

namespace fw::daemon {

class Alerts {
 public:
  // How a target is, for `status` and the metrics.
  struct State {
    std::string name, error;  // error: of the last try; empty: it succeeded
    std::uint64_t waiting = 0, delivered = 0, failures = 0, dropped = 0;
  };

  // Reads what a former daemon did not deliver. The file is private.
  Alerts(std::filesystem::path file, std::vector<config::Alert> alerts);
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;
  ~Alerts();

  void configure(std::vector<config::Alert> alerts);
  void note(const engine::Event& event);
  // All problems of `status` but those of the alerts themselves. About once a second.
  void note_problems(std::vector<alert::ProblemWatch::Seen> problems);

  [[nodiscard]] std::vector<State> states() const;
  // What cannot be delivered or kept, a sentence each.
  [[nodiscard]] std::vector<std::string> problems() const;

  // Sends a test message to one target, or to all (empty), beside their queues. The value is ready
  // when all have answered: "NAME: delivered", or why not; an error of kind failed if one failed.
  using Answer = Result<std::string>;
  [[nodiscard]] std::future<Answer> test(const std::string& name);

  // What is under way has some seconds to end; what waits is in the file.
  void stop();

 private:
  struct Test {
    std::vector<std::string> lines;
    std::size_t open = 0;
    bool failed = false;
    std::promise<Answer> answer;
  };
  struct Running {
    Apart process;
    std::string target;
    std::shared_ptr<Test> test;  // null: from the queue
  };
  // What the loop hands over.
  struct Inbox {
    std::optional<std::vector<config::Alert>> alerts;
    std::vector<alert::Message> messages;
    std::optional<std::vector<alert::ProblemWatch::Seen>> problems;
    std::vector<std::pair<std::string, std::shared_ptr<Test>>> tests;
  };

  void wake() const;
  void run();
  void take_inbox();
  void start_due();
  void start(const config::Alert& target, const alert::Package& package,
             std::shared_ptr<Test> test);
  void begin_test(const std::string& name, std::shared_ptr<Test> test);
  void ended(const std::string& target, const std::shared_ptr<Test>& test,
             const std::string& error);
  void look_at_running();
  void wait_for_something() const;
  void write_if_changed();
  void publish();

  const std::filesystem::path file_;
  const std::string host_;

  // Of the thread alone.
  std::vector<config::Alert> alerts_;
  alert::Outbox outbox_;
  alert::ProblemWatch watch_;
  std::vector<Running> running_;
  std::string written_;  // the file's text
  std::uint64_t write_due_ms_ = 0;
  bool is_changed_ = false;

  mutable std::mutex mutex_;
  Inbox inbox_;
  std::vector<State> states_;
  std::string file_problem_;
  UniqueFd wake_;
  std::atomic<bool> stops_ = false;
  std::jthread thread_;  // the last member: it uses the others
};

}  // namespace fw::daemon
