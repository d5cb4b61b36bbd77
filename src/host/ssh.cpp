// SPDX-License-Identifier: MIT
// SSH sessions from two sources: the sockets of SSH servers, and the environment of the processes
// that started this one.
#include "host/ssh.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <string>
#include <system_error>

#include "base/file.hpp"

namespace fw::host {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProcesses = 8192;
constexpr std::size_t kMaxDescriptors = 1024;  // per process
constexpr int kMaxAncestors = 64;
constexpr std::uint64_t kMaxProcFileBytes = 4U << 20;  // an environment may have megabytes

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_ssh_name(std::string_view name) {
  return name == "sshd" || name == "sshd-session" || name == "dropbear";
}

std::string name_of(const fs::path& process) {
  std::string name = read_file(process / "comm", kMaxProcFileBytes).value_or("");
  while (name.ends_with('\n')) name.pop_back();
  return name;
}

struct Status {
  int parent = 0;
  bool root = false;  // its effective user
};

// The lines "PPid:" and "Uid:" (real, effective, ...) of proc(5) status.
Status read_status(const fs::path& process) {
  Status status;
  const std::string text = read_file(process / "status", kMaxProcFileBytes).value_or("");
  const auto fields = [&text](std::string_view key) {
    std::vector<std::string_view> found;
    const std::size_t line = text.find(key);
    if (line == std::string::npos) return found;
    std::string_view rest = std::string_view(text).substr(line + key.size());
    rest = rest.substr(0, rest.find('\n'));
    while (!rest.empty()) {
      const std::size_t tab = rest.find('\t');
      found.push_back(rest.substr(0, tab));
      rest.remove_prefix(tab == std::string_view::npos ? rest.size() : tab + 1);
    }
    return found;
  };
  // The name of the process is in the first line and cannot contain a line end: the kernel escapes
  // it.
  if (const auto parent = fields("\nPPid:\t"); !parent.empty())
    status.parent = parse_number<int>(parent[0]).value_or(0);
  const auto users = fields("\nUid:\t");
  status.root = users.size() >= 2 && users[1] == "0";
  return status;
}

std::set<std::uint64_t> socket_inodes(const fs::path& process) {
  constexpr std::string_view kPrefix = "socket:[";
  std::set<std::uint64_t> inodes;
  std::error_code error;
  fs::directory_iterator at(process / "fd", error);
  for (std::size_t seen = 0; !error && at != fs::directory_iterator{} && seen < kMaxDescriptors;
       at.increment(error), seen++) {
    std::error_code gone;
    const std::string target = fs::read_symlink(at->path(), gone).native();
    if (gone || !target.starts_with(kPrefix) || !target.ends_with(']')) continue;
    const auto inode = parse_number<std::uint64_t>(
        std::string_view(target).substr(kPrefix.size(), target.size() - kPrefix.size() - 1));
    if (inode) inodes.insert(*inode);
  }
  return inodes;
}

std::set<std::uint16_t> ports_of(const std::set<std::uint64_t>& inodes,
                                 std::span<const Socket> sockets) {
  std::set<std::uint16_t> ports;
  for (const Socket& socket : sockets)
    if (inodes.contains(socket.inode)) ports.insert(socket.local_port);
  return ports;
}

// Whether the user of a session logged in. OpenSSH shows the stage of a session in the process
// title: "sshd: [accepted]" and "sshd: root [net]" before the login, "sshd: root [priv]" (the
// privileged half) at any time, "sshd: root@pts/0" or "sshd-session: root" (the process that talks
// to the client) after it. Dropbear sets no title, but has no child before it starts a shell.
bool is_logged_in(const fs::path& process, std::string_view name) {
  if (name != "dropbear") {
    std::string title = read_file(process / "cmdline", kMaxProcFileBytes).value_or("");
    while (title.ends_with('\0')) title.pop_back();
    return title.starts_with(std::string(name) + ": ") && title.find('[') == std::string::npos;
  }
  const fs::path task = process / "task" / process.filename() / "children";
  std::string children = read_file(task, kMaxProcFileBytes).value_or("");
  for (std::string_view rest = children; !rest.empty();) {
    const std::string_view child = rest.substr(0, rest.find(' '));
    if (parse_number<int>(child) && !is_ssh_name(name_of(process.parent_path() / child)))
      return true;
    rest.remove_prefix(std::min(rest.size(), child.size() + 1));
  }
  return false;
}

// The values of SSH_CONNECTION in the environments of this process and its ancestors.
std::vector<Socket> announced_connections(const fs::path& proc_root) {
  constexpr std::string_view kName = "SSH_CONNECTION=";
  std::vector<Socket> found;
  fs::path process = proc_root / "self";
  for (int generation = 0; generation < kMaxAncestors; generation++) {
    const std::string variables = read_file(process / "environ", kMaxProcFileBytes).value_or("");
    for (std::string_view rest = variables; !rest.empty();) {
      const std::string_view variable = rest.substr(0, rest.find('\0'));
      if (variable.starts_with(kName))
        if (const auto connection = parse_ssh_connection(variable.substr(kName.size())))
          found.push_back(*connection);
      rest.remove_prefix(std::min(rest.size(), variable.size() + 1));
    }
    const int parent = read_status(process).parent;
    if (parent <= 1) break;
    process = proc_root / std::to_string(parent);
  }
  return found;
}

}  // namespace

std::optional<Socket> parse_ssh_connection(std::string_view text) {
  std::array<std::string_view, 4> words;
  for (std::string_view& word : words) {
    word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  // sshd writes a link-local address with its zone.
  const auto remote = Address::parse(words[0].substr(0, words[0].find('%')));
  const auto local = Address::parse(words[2].substr(0, words[2].find('%')));
  const auto remote_port = parse_number<std::uint16_t>(words[1]);
  const auto local_port = parse_number<std::uint16_t>(words[3]);
  if (!text.empty() || !remote || !local || !remote_port || !local_port) return std::nullopt;
  return Socket{.local = *local,
                .remote = *remote,
                .local_port = *local_port,
                .remote_port = *remote_port,
                .proto = IPPROTO_TCP};
}

std::vector<SshProcess> ssh_processes(const fs::path& proc_root) {
  std::vector<SshProcess> processes;
  std::error_code error;
  fs::directory_iterator at(proc_root, error);
  std::size_t seen = 0;
  for (; !error && at != fs::directory_iterator{} && seen < kMaxProcesses; at.increment(error)) {
    const fs::path& process = at->path();
    if (!parse_number<int>(process.filename().native())) continue;
    seen++;
    const std::string name = name_of(process);
    if (!is_ssh_name(name)) continue;
    const Status status = read_status(process);
    const bool child = is_ssh_name(name_of(proc_root / std::to_string(status.parent)));
    processes.push_back({.root = status.root,
                         .session = child || name == "sshd-session",
                         .logged_in = is_logged_in(process, name),
                         .inodes = socket_inodes(process)});
  }
  return processes;
}

std::set<std::uint16_t> ssh_ports(std::span<const SshProcess> processes,
                                  std::span<const Socket> listeners,
                                  std::span<const Socket> connections) {
  std::set<std::uint16_t> ports;      // a server listens
  std::set<std::uint16_t> forwarded;  // a session listens for its client (ssh -R, X11)
  std::set<std::uint16_t> served;     // a session has a connection that came in here
  for (const SshProcess& process : processes) {
    const auto listens = ports_of(process.inodes, listeners);
    const auto connected = ports_of(process.inodes, connections);
    // A server that systemd started for one connection has no sshd as its parent, but it has a
    // connection at a port that it does not listen on.
    const bool session =
        process.session || !process.root || !std::ranges::includes(listens, connected);
    (session ? forwarded : ports).insert(listens.begin(), listens.end());
    if (!process.root) continue;
    for (const std::uint16_t port : connected)
      if (std::ranges::find(listeners, port, &Socket::local_port) != listeners.end())
        served.insert(port);
  }
  std::ranges::set_difference(served, forwarded, std::inserter(ports, ports.end()));
  return ports;
}

std::vector<Address> SshFacts::operators() const {
  std::vector<Address> peers;
  peers.reserve(sessions.size());
  for (const Socket& session : sessions) peers.push_back(session.remote);
  std::ranges::sort(peers);
  peers.erase(std::ranges::unique(peers).begin(), peers.end());
  return peers;
}

SshFacts read_ssh(const fs::path& proc_root) {
  const auto open = connected_sockets();
  const auto listeners = tcp_listeners();
  if (!open || !listeners) return {};
  std::vector<Socket> connections;
  std::ranges::copy_if(*open, std::back_inserter(connections),
                       [](const Socket& s) { return s.proto == IPPROTO_TCP; });

  const auto processes = ssh_processes(proc_root);
  SshFacts facts{.sessions = {}, .ports = ssh_ports(processes, *listeners, connections)};
  const auto announced = announced_connections(proc_root);
  const auto is_session = [&](const Socket& connection) {
    const bool served = facts.ports.contains(connection.local_port) &&
                        std::ranges::any_of(processes, [&connection](const SshProcess& process) {
                          return process.logged_in && process.inodes.contains(connection.inode);
                        });
    return served || std::ranges::any_of(announced, [&connection](const Socket& s) {
             return s.remote == connection.remote && s.remote_port == connection.remote_port &&
                    s.local == connection.local && s.local_port == connection.local_port;
           });
  };
  std::ranges::copy_if(connections, std::back_inserter(facts.sessions), is_session);
  return facts;
}

}  // namespace fw::host
