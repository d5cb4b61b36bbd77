// SPDX-License-Identifier: MIT
#include "daemon/apart.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/terminal_text.hpp"

namespace fw::daemon {
namespace {

constexpr std::size_t kMostPrinted = 4096;  // the rest is read and forgotten
constexpr int kMostParts = 16;
constexpr std::size_t kMostShown = 160;  // of its first line, in `status`; judgement

struct Ends {
  UniqueFd ours, theirs;
};

// Sockets, since a write to one whose reader is gone can be told from a signal (MSG_NOSIGNAL).
Result<Ends> make_ends() {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno("open a socket to a child process", errno);
  Ends made{UniqueFd(ends[0]), UniqueFd(ends[1])};
  (void)::fcntl(made.ours.get(), F_SETFL, O_NONBLOCK);
  return made;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Standard input and output are the sockets, no signal is blocked or ignored, and it leads a
// process group, which can be killed as a whole.
struct Preparations {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};

  Preparations(int input, int output) {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Preparations(const Preparations&) = delete;
  Preparations& operator=(const Preparations&) = delete;
  ~Preparations() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
};

}  // namespace

Result<Apart> Apart::start(Errand errand) {
  auto input = make_ends(), output = make_ends();
  if (!input) return std::unexpected(input.error());
  if (!output) return std::unexpected(output.error());
  std::vector<std::string> arguments{"floodwalld", std::string(kApart)};
  if (errand.arguments.empty()) {
    arguments.emplace_back(kWebhook);
  } else {
    arguments.emplace_back("command");
    arguments.insert(arguments.end(), errand.arguments.begin(), errand.arguments.end());
  }
  const Preparations prepared(input->theirs.get(), output->theirs.get());
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/proc/self/exe", &prepared.files, &prepared.attributes,
                                  pointers(arguments).data(), pointers(errand.environment).data());
  if (error != 0) return fail_errno("start a process", error);
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return Apart(pid, std::move(process), std::move(input->ours), std::move(output->ours),
               std::move(errand));
}

Apart::Apart(pid_t pid, UniqueFd process, UniqueFd input, UniqueFd output, Errand errand)
    : pid_(pid),
      process_(std::move(process)),
      input_(std::move(input)),
      output_(std::move(output)),
      errand_(std::move(errand)),
      deadline_(std::chrono::steady_clock::now() + errand_.patience) {}

Apart::~Apart() {
  if (pid_.value == 0) return;
  kill_all();
  while (::waitpid(pid_.value, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// While the process is not waited for, no other one and no other group has its number.
void Apart::kill_all() const {
  (void)::kill(-pid_.value, SIGKILL);
  (void)::kill(pid_.value, SIGKILL);  // before it leads its group
}

void Apart::write_some() {
  while (input_.valid()) {
    const std::string_view rest = std::string_view(errand_.input).substr(written_);
    const ssize_t sent =
        rest.empty() ? 0 : ::send(input_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0 && errno == EINTR) continue;
    if (sent > 0) written_ += static_cast<std::size_t>(sent);
    if (sent <= 0) input_ = UniqueFd();  // all, or it does not want the rest
  }
}

void Apart::read_some() {
  std::array<char, 4096> part{};
  // Others wait, too: what prints without end is read in parts.
  for (int parts = 0; parts < kMostParts && output_.valid(); ++parts) {
    const ssize_t got = ::recv(output_.get(), part.data(), part.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      output_ = UniqueFd();
      return;
    }
    if (printed_.size() < kMostPrinted) printed_.append(part.data(), static_cast<std::size_t>(got));
  }
}

std::optional<std::string> Apart::look() {
  write_some();
  read_some();
  siginfo_t ended{};
  const int seen =
      ::waitid(P_PID, static_cast<id_t>(pid_.value), &ended, WEXITED | WNOHANG | WNOWAIT);
  if (seen == 0 && ended.si_pid == 0) {
    if (!late_ && std::chrono::steady_clock::now() >= deadline_) {
      late_ = true;
      kill_all();
    }
    return std::nullopt;
  }
  read_some();
  kill_all();  // what it left behind
  int status = -1;
  while (::waitpid(pid_.value, &status, 0) < 0 && errno == EINTR) {
  }
  pid_.value = 0;
  return verdict(status);
}

std::string Apart::verdict(int status) const {
  std::string line = printable(std::string_view(printed_).substr(0, printed_.find('\n')));
  if (line.size() > kMostShown) line = printable(line.substr(0, kMostShown)) + "...";
  const std::string said = line.empty() ? "" : ": " + line;
  if (late_)
    return fmt::format("it did not end within {} s and was ended{}",
                       errand_.patience.count() / 1000, said);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  if (errand_.arguments.empty() && WIFEXITED(status) && !line.empty()) return line;
  if (WIFEXITED(status)) return fmt::format("exit status {}{}", WEXITSTATUS(status), said);
  return WIFSIGNALED(status) ? fmt::format("ended by signal {}{}", WTERMSIG(status), said)
                             : "it is gone";
}

}  // namespace fw::daemon
