// SPDX-License-Identifier: MIT
// What runs in a process of its own, apart from the daemon: commands of alerts, sendmail, and the
// sending of webhooks. Such a process is this program again (/proc/self/exe), which first gives up
// what it must not have, and then becomes the command or sends the webhook: the daemon has threads
// and much memory, and is not forked.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace fw::daemon {

// The first argument of such a process, which no user types.
inline constexpr std::string_view kApart = "--apart";
inline constexpr std::string_view kWebhook = "webhook";  // the second one; else "command"

struct Errand {
  std::vector<std::string> arguments;    // the command and its arguments; empty: a webhook
  std::vector<std::string> environment;  // "NAME=value", and nothing else
  std::string input;                     // its standard input
  std::chrono::milliseconds patience{};  // then it is killed, with all that it started
};

// A process that runs. Thread rule: one thread at a time, which must not end before the process.
class Apart {
 public:
  [[nodiscard]] static Result<Apart> start(Errand errand);
  Apart(Apart&&) noexcept = default;
  Apart& operator=(Apart&&) = delete;
  ~Apart();  // kills it

  // Descriptors to wait for by poll(2): to be written, read, and ended.
  [[nodiscard]] int input_fd() const { return input_.get(); }  // -1: all is written
  [[nodiscard]] int output_fd() const { return output_.get(); }
  [[nodiscard]] int process_fd() const { return process_.get(); }
  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const { return deadline_; }

  // Reads and writes what can be without waiting, and kills what is late. Once it has ended: empty
  // if it succeeded, else a sentence, with the first line of what it printed.
  [[nodiscard]] std::optional<std::string> look();

 private:
  Apart(pid_t pid, UniqueFd process, UniqueFd input, UniqueFd output, Errand errand);
  void write_some();
  void read_some();
  void kill_all() const;
  [[nodiscard]] std::string verdict(int status) const;

  // Of a process that is not known to have ended; 0: of none.
  struct Pid {
    explicit Pid(pid_t number) : value(number) {}
    Pid(Pid&& other) noexcept : value(std::exchange(other.value, 0)) {}
    Pid& operator=(Pid&&) = delete;
    pid_t value;
  };
  Pid pid_;
  UniqueFd process_, input_, output_;
  Errand errand_;
  std::size_t written_ = 0;
  std::string printed_;
  std::chrono::steady_clock::time_point deadline_;
  bool late_ = false;
};

// The body of such a process; `arguments` follow kApart. Returns its exit status, if it returns.
[[nodiscard]] int run_apart(std::span<const std::string> arguments);

// Sends the webhook that standard input describes (webhook_input()); prints what came of it.
[[nodiscard]] int send_webhook();
// The URL is not among the arguments, which every user of the machine may read.
[[nodiscard]] std::string webhook_input(const std::string& url,
                                        const std::vector<std::string>& headers,
                                        const std::string& body);

}  // namespace fw::daemon
