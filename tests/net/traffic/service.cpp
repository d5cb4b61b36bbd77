// SPDX-License-Identifier: MIT
// One service of datagrams with a habit, until its standard input ends; then says what it got.
//   traffic service family=4|6 port=N [at=ADDR] [protocol=17] [every=1] [begins=HEX] [delay_ms=0]
//                   [busy_us=0] [buffer=BYTES]
// It sends back one of `every` datagrams (0: none, a collector), only those that begin with
// `begins`, `delay_ms` later. Each costs it `busy_us` of work. `buffer`: of its socket, else a
// large one. protocol: another IP protocol than UDP; then no port counts.
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <deque>
#include <string>

#include "sockets.hpp"
#include "words.hpp"

namespace traffic {
namespace {

constexpr std::size_t kBatch = 64, kDatagramBytes = 9000;

struct Answer {
  std::uint64_t due_ns = 0;
  Endpoint peer;
  std::string data;
};

class Service {
 public:
  explicit Service(const Words& words)
      : is_v6_(words.number("family", 4) == 6),
        protocol_(static_cast<int>(words.number("protocol", IPPROTO_UDP))),
        every_(words.number("every", 1)),
        begins_(unhex(words.text("begins", ""))),
        delay_ns_(words.number("delay_ms", 0) * kMs),
        busy_ns_(words.number("busy_us", 0) * 1000),
        fd_(protocol_ == IPPROTO_UDP ? open_socket(is_v6_, SOCK_DGRAM)
                                     : open_raw_socket(is_v6_, protocol_)) {
    if (const std::uint64_t bytes = words.number("buffer", 0); bytes != 0)
      want_buffer(fd_, static_cast<int>(bytes));
    else
      want_large_buffers(fd_);
    const auto port = static_cast<std::uint16_t>(words.number("port", 0));
    bind_to(fd_, Endpoint::parse(words.text("at", is_v6_ ? "::" : "0.0.0.0"), port));
  }

  void run() {
    std::array<pollfd, 2> wanted{pollfd{.fd = fd_, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
    while ((wanted[1].revents & (POLLIN | POLLHUP)) == 0) {
      (void)poll(wanted.data(), wanted.size(), late_.empty() ? 100 : 1);
      if ((wanted[0].revents & POLLIN) != 0) receive();
      for (; !late_.empty() && late_.front().due_ns <= now_ns(); late_.pop_front())
        send(late_.front().peer, late_.front().data);
    }
    fmt::print(R"({{"received":{},"answered":{}}})"
               "\n",
               received_, answered_);
  }

 private:
  void receive() {
    static std::array<std::array<char, kDatagramBytes>, kBatch> data;
    std::array<Endpoint, kBatch> peers{};
    std::array<iovec, kBatch> pieces{};
    std::array<mmsghdr, kBatch> messages{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      pieces[i] = {.iov_base = data[i].data(), .iov_len = kDatagramBytes};
      messages[i].msg_hdr.msg_name = &peers[i].address;
      messages[i].msg_hdr.msg_namelen = sizeof peers[i].address;
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int got = recvmmsg(fd_, messages.data(), kBatch, 0, nullptr);
    for (int i = 0; i < got; ++i) {
      Endpoint& peer = peers.at(i);
      peer.size = messages.at(i).msg_hdr.msg_namelen;
      handle(peer, std::string_view(data.at(i).data(), messages.at(i).msg_len));
    }
  }

  void handle(const Endpoint& peer, std::string_view data) {
    ++received_;
    if (protocol_ != IPPROTO_UDP && !is_v6_) data.remove_prefix(std::min(sizeof(ip), data.size()));
    if (busy_ns_ != 0)
      for (const std::uint64_t end = now_ns() + busy_ns_; now_ns() < end;) {
      }
    if (every_ == 0 || received_ % every_ != 0 || !data.starts_with(begins_)) return;
    if (delay_ns_ == 0) return send(peer, data);
    late_.push_back({.due_ns = now_ns() + delay_ns_, .peer = peer, .data = std::string(data)});
  }

  void send(const Endpoint& peer, std::string_view data) {
    answered_ += sendto(fd_, data.data(), data.size(), 0, peer.get(), peer.size) > 0 ? 1 : 0;
  }

  bool is_v6_;
  int protocol_;
  std::uint64_t every_;
  std::string begins_;
  std::uint64_t delay_ns_, busy_ns_;
  int fd_;
  std::uint64_t received_ = 0, answered_ = 0;
  std::deque<Answer> late_;
};

}  // namespace

void service(const Words& words) {
  Service service(words);
  fmt::print("ready\n");
  (void)std::fflush(stdout);
  service.run();
}

}  // namespace traffic
