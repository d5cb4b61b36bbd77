// SPDX-License-Identifier: MIT
// Servers, all in one thread: `web` answers requests, `sink` takes what comes, `source` gives
// without end, `udp` answers datagrams. traffic serve family=4|6 web:80 sink:873 udp:53 ...
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "sockets.hpp"
#include "words.hpp"

namespace traffic {
namespace {

enum class Kind : std::uint32_t { web, sink, source, udp };

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\n";
constexpr std::size_t kBodyBytes = 200, kBatch = 64, kDatagramBytes = 2048;
constexpr int kBacklog = 4096;

// What an epoll event is about: the socket and what to do with it.
constexpr std::uint64_t pack(Kind kind, bool listens, int fd) {
  return std::uint64_t{static_cast<std::uint32_t>(kind)} << 40 |
         std::uint64_t{listens ? 1U : 0U} << 32 | static_cast<std::uint32_t>(fd);
}

Kind kind_of(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames{"web", "sink", "source", "udp"};
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames.at(i) == name) return static_cast<Kind>(i);
  die(fmt::format("{}: no kind of server", name));
}

void accept_all(int epoll, int listener, Kind kind) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    watch(epoll, fd, kind == Kind::source ? EPOLLIN | EPOLLOUT : EPOLLIN, pack(kind, false, fd));
  }
}

// A request comes in one piece; "close" in it ends the connection.
bool answer_web(int fd) {
  std::array<char, 4096> buffer{};
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  if (got <= 0) return got < 0 && errno == EAGAIN;
  static const std::string answer = std::string(kAnswer) + std::string(kBodyBytes, 'x');
  const std::string_view request(buffer.data(), static_cast<std::size_t>(got));
  if (write(fd, answer.data(), answer.size()) < 0) return false;
  return !request.contains("close");
}

bool drain(int fd) {
  static std::array<char, 1 << 18> buffer;
  for (int turn = 0; turn < 8; ++turn) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got <= 0) return got < 0 && errno == EAGAIN;
  }
  return true;
}

bool give(int fd, std::uint32_t events) {
  static const std::array<char, 1 << 18> buffer{};
  if ((events & EPOLLIN) != 0 && !drain(fd)) return false;
  return write(fd, buffer.data(), buffer.size()) >= 0 || errno == EAGAIN;
}

void answer_datagrams(int fd) {
  static std::array<std::array<char, kDatagramBytes>, kBatch> data;
  std::array<sockaddr_storage, kBatch> peers{};
  std::array<iovec, kBatch> pieces{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    pieces[i] = {.iov_base = data[i].data(), .iov_len = kDatagramBytes};
    messages[i].msg_hdr.msg_name = &peers[i];
    messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    messages[i].msg_hdr.msg_iov = &pieces[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int got = recvmmsg(fd, messages.data(), kBatch, 0, nullptr);
  for (int i = 0; i < got; ++i) pieces.at(i).iov_len = messages.at(i).msg_len;
  for (int sent = 0; sent < got;) {
    const int now = sendmmsg(fd, messages.data() + sent, static_cast<unsigned>(got - sent), 0);
    sent += now > 0 ? now : 1;  // one that cannot be answered is left out
  }
}

void start(int epoll, bool is_v6, const std::string& word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string::npos) die(word + ": must be KIND:PORT");
  const Kind kind = kind_of(std::string_view(word).substr(0, colon));
  const int fd = open_socket(is_v6, kind == Kind::udp ? SOCK_DGRAM : SOCK_STREAM);
  const int port = std::stoi(word.substr(colon + 1));
  bind_to(fd, Endpoint::parse(is_v6 ? "::" : "0.0.0.0", static_cast<std::uint16_t>(port)));
  if (kind == Kind::udp)
    want_large_buffers(fd);
  else if (listen(fd, kBacklog) != 0)
    die_errno("listen");
  watch(epoll, fd, EPOLLIN, pack(kind, true, fd));
}

void handle(int epoll, const epoll_event& event) {
  const auto kind = static_cast<Kind>(event.data.u64 >> 40);
  const auto fd = static_cast<int>(event.data.u64 & 0xffffffff);
  if (kind == Kind::udp) return answer_datagrams(fd);
  if ((event.data.u64 >> 32 & 1) != 0) return accept_all(epoll, fd, kind);
  bool goes_on = true;
  if (kind == Kind::web) goes_on = answer_web(fd);
  if (kind == Kind::sink) goes_on = drain(fd);
  if (kind == Kind::source) goes_on = give(fd, event.events);
  if (!goes_on) close(fd);
}

}  // namespace

void serve(const Words& words) {
  const int epoll = new_epoll();
  for (const std::string& word : words.plain()) start(epoll, words.number("family", 4) == 6, word);
  fmt::print("ready\n");
  (void)std::fflush(stdout);
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) handle(epoll, events.at(i));
  }
}

}  // namespace traffic
