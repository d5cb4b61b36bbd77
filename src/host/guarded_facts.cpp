// SPDX-License-Identifier: MIT
#include "host/guarded_facts.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/fd.hpp"

namespace fw::host {

namespace {

// Judgement: reading takes milliseconds; the daemon waits for it in its loop.
constexpr std::chrono::milliseconds kPatience{1000};
constexpr std::size_t kMostBytes = 4U << 20;
constexpr std::string_view kEnd = "end\n";

// The one process of this kind that this process has started.
struct Reader {
  UniqueFd socket;
  std::string problem;
};
Reader& reader() {
  static Reader one;
  return one;
}

[[noreturn]] void answer_until_closed(int socket) {
  char question = 0;
  while (::read(socket, &question, 1) == 1) {
    const std::string text = guarded_facts_text(read_guarded_facts({}));
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t sent = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) ::_exit(1);
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  ::_exit(0);
}

Result<GuardedFacts> ask(int socket) {
  if (::send(socket, "?", 1, MSG_NOSIGNAL) != 1) return fail_errno("ask", errno);
  std::string text;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!text.ends_with(kEnd)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
    const int ready = left.count() > 0 ? ::poll(&waiting, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail("it does not answer");
    std::array<char, 4096> part{};
    const ssize_t got = ::recv(socket, part.data(), part.size(), 0);
    if (got <= 0) return fail("it ended");
    text.append(part.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) return fail("its answer is too long");
  }
  auto facts = parse_guarded_facts(text);
  if (!facts) return fail("its answer is no answer");
  return std::move(*facts);
}

std::string_view take_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return word;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// False: it is no line of an answer.
bool add_line(std::string_view line, GuardedFacts& facts) {
  const std::string_view what = take_word(line);
  if (what == "port") {
    const auto port = port_of(line);
    if (port) facts.ssh.ports.insert(*port);
    return port.has_value();
  }
  const auto first = Address::parse(take_word(line));
  if (!first) return false;
  if (what == "dhcp") {
    facts.dhcp.push_back({*first, std::filesystem::path(line)});
    return !line.empty();
  }
  const auto local_port = port_of(take_word(line));
  const auto remote = Address::parse(take_word(line));
  const auto remote_port = port_of(line);
  if (what != "session" || !local_port || !remote || !remote_port) return false;
  facts.ssh.sessions.push_back({.local = *first,
                                .remote = *remote,
                                .local_port = *local_port,
                                .remote_port = *remote_port,
                                .proto = IPPROTO_TCP});
  return true;
}

}  // namespace

GuardedFacts read_guarded_facts(const HostFactPaths& paths) {
  return {.ssh = read_ssh(paths.proc_root), .dhcp = dhcp_servers(paths.resolvers)};
}

Result<void> start_reader(const std::function<Result<void>()>& prepare) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno("open a socket to a child process", errno);
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("make a child process", errno);
  if (child == 0) {
    ours = UniqueFd{};
    (void)::prctl(PR_SET_NAME, "floodwall-facts");
    // A terminal's or the service manager's signals are for the daemon, with which it ends.
    for (const int signal : {SIGINT, SIGHUP}) (void)std::signal(signal, SIG_IGN);
    if (!prepare()) ::_exit(1);
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // after prepare: losing rights may clear it
    if (::getppid() != parent) ::_exit(1);     // it died before
    answer_until_closed(theirs.get());
  }
  reader().socket = std::move(ours);
  return {};
}

GuardedFacts guarded_facts(const HostFactPaths& paths) {
  Reader& one = reader();
  if (!one.socket.valid()) return read_guarded_facts(paths);
  Result<GuardedFacts> facts = ask(one.socket.get());
  if (facts) return std::move(*facts);
  one.socket = UniqueFd{};  // a late answer would be taken for the next one
  one.problem = fmt::format(
      "the process that reads SSH sessions and DHCP leases is of no use any more ({}): they are "
      "not known, and not exempt. Restart floodwalld; filtering goes on meanwhile",
      facts.error().message);
  return read_guarded_facts(paths);
}

std::string reader_problem() {
  return reader().problem;
}

std::string guarded_facts_text(const GuardedFacts& facts) {
  std::string text;
  for (const Socket& one : facts.ssh.sessions)
    text += fmt::format("session {} {} {} {}\n", one.local.text(), one.local_port,
                        one.remote.text(), one.remote_port);
  for (const std::uint16_t port : facts.ssh.ports) text += fmt::format("port {}\n", port);
  for (const NetworkServer& server : facts.dhcp)
    // The name of a file may hold a line end.
    if (server.source.native().find('\n') == std::string::npos)
      text += fmt::format("dhcp {} {}\n", server.address.text(), server.source.native());
  return text.append(kEnd);
}

std::optional<GuardedFacts> parse_guarded_facts(std::string_view text) {
  if (!text.ends_with(kEnd)) return std::nullopt;
  text.remove_suffix(kEnd.size());
  GuardedFacts facts;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || !add_line(text.substr(0, end), facts)) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return facts;
}

}  // namespace fw::host
