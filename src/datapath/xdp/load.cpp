// SPDX-License-Identifier: MIT
#include "datapath/xdp/load.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include "datapath/xdp/transient.hpp"
#include "floodwall_bpf.skel.h"

namespace fw::datapath::xdp {

namespace {

constexpr std::size_t kPrograms = 4, kMaxFds = 64;  // the kernel passes up to 253 at once

// What the child answers: how it ended, then descriptors of the programs and of all maps.
struct Answer {
  ErrorKind kind = ErrorKind::failed;
  bool failed = false;
  std::array<char, 1024> message{};
};

union Control {
  cmsghdr header;
  std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> bytes;
};

std::vector<int> fds_of(floodwall_bpf& object) {
  auto& programs = object.progs;
  std::vector<int> fds;
  for (const bpf_program* program : {programs.floodwall_in, programs.floodwall_out,
                                     programs.floodwall_in_ip, programs.floodwall_out_ip})
    fds.push_back(bpf_program__fd(program));
  for (const bpf_map* map : maps_of(object)) fds.push_back(bpf_map__fd(map));
  return fds;
}

bool send(int socket, Answer& answer, const std::vector<int>& fds) {
  iovec data{.iov_base = &answer, .iov_len = sizeof answer};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    const std::size_t bytes = fds.size() * sizeof(int);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    *header = {.cmsg_len = CMSG_LEN(bytes), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    std::memcpy(CMSG_DATA(header), fds.data(), bytes);
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof answer);
}

// The child. It shares nothing with its parent but the descriptors.
[[noreturn]] void load_and_answer(floodwall_bpf& object, bool asks_conntrack, int socket,
                                  pid_t parent) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before
  Answer answer;
  std::vector<int> fds;
  if (const Result<void> loaded = load(object, asks_conntrack); loaded) {
    fds = fds_of(object);
  } else {
    const Error& error = loaded.error();
    answer = {.kind = error.kind, .failed = true};
    std::ranges::copy_n(
        error.message.begin(),
        static_cast<std::ptrdiff_t>(std::min(error.message.size(), answer.message.size() - 1)),
        answer.message.begin());
  }
  ::_exit(send(socket, answer, fds) ? 0 : 1);
}

}  // namespace

Result<Load> Load::begin(floodwall_bpf& object, bool asks_conntrack) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_call("open a socket to a child process", errno);
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  // The child must see no signal: the verifier ends with EAGAIN when one waits.
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  const int error = errno;
  if (child == 0) load_and_answer(object, asks_conntrack, theirs.get(), parent);
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return fail_call("make a child process", error);
  return Load(child, std::move(ours));
}

Load::~Load() {
  if (child_ < 0) return;
  (void)::kill(child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<Result<Programs>> Load::poll(floodwall_bpf& object, int timeout_ms) {
  pollfd waiting{.fd = answer_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, timeout_ms) <= 0) return std::nullopt;  // or a signal: ask again
  return receive(object);
}

Result<Programs> Load::receive(floodwall_bpf& object) {
  Answer answer;
  iovec data{.iov_base = &answer, .iov_len = sizeof answer};
  Control control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  const ssize_t got = ::recvmsg(answer_.get(), &message, MSG_CMSG_CLOEXEC);
  std::vector<UniqueFd> fds;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message); got > 0 && header != nullptr) {
    std::array<int, kMaxFds> numbers{};
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(numbers.data(), CMSG_DATA(header), std::min(count, kMaxFds) * sizeof(int));
    for (std::size_t i = 0; i < std::min(count, kMaxFds); i++) fds.emplace_back(numbers.at(i));
  }
  if (got != static_cast<ssize_t>(sizeof answer))
    return fail(ErrorKind::refused, "the process that loads the BPF programs died");
  if (answer.failed) return fail(answer.kind, answer.message.data());
  const std::size_t maps = maps_of(object).size();
  if (fds.size() != kPrograms + maps)
    return fail_call("receive the BPF programs", EMFILE);  // the kernel left descriptors out
  Programs programs{.ingress = std::move(fds[0]),
                    .egress = std::move(fds[1]),
                    .ingress_ip = std::move(fds[2]),
                    .egress_ip = std::move(fds[3])};
  if (auto used = use_maps(object, std::span(fds).subspan(kPrograms)); !used)
    return std::unexpected(std::move(used.error()));
  return programs;
}

}  // namespace fw::datapath::xdp
