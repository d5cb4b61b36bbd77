// SPDX-License-Identifier: MIT
// HTTP clients: new connections at a rate, a request each, or (old=N) so many connections that
// stand before the start and on which requests are made at the rate.
//   traffic web to=ADDR port=N from=ADDR sources=N rate=N seconds=N [old=N] [timeout_ms=8000]
//               [within_64=1]
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <string_view>
#include <unordered_map>

#include "sockets.hpp"
#include "words.hpp"

namespace traffic {
namespace {

constexpr std::string_view kOnce =
    "GET / HTTP/1.1\r\nHost: dut\r\nUser-Agent: traffic\r\nConnection: close\r\n\r\n";
constexpr std::string_view kAgain = "GET / HTTP/1.1\r\nHost: dut\r\nUser-Agent: traffic\r\n\r\n";

struct Visit {
  std::uint64_t begin_ns = 0;  // 0: no request is under way
  std::uint64_t number = 0;    // tells a descriptor's uses apart
  bool is_connected = false;
};

class Browser {
 public:
  explicit Browser(const Words& words)
      : target_(Endpoint::parse(words.text("to"),
                                static_cast<std::uint16_t>(words.number("port", 80)))),
        sources_(words.text("from"), static_cast<std::uint32_t>(words.number("sources", 1)),
                 words.number("within_64", 0) != 0),
        timeout_ns_(words.number("timeout_ms", 8000) * kMs),
        epoll_(new_epoll()) {}

  // Opens `count` connections that stay, each of which is answered once.
  void open_old(std::uint64_t count) {
    keeps_ = true;
    for (std::uint64_t i = 0; i < count; ++i) {
      old_.push_back(connect_from(next_++, now_ns()));
      if (i % 64 == 63) wait(now_ns());  // not more at once than a backlog holds
    }
    while (under_way_ > 0) wait(now_ns());
    if (score_.answered != count) die("not all connections were answered before the start");
    score_ = {};
  }

  void run(std::uint64_t rate, std::uint64_t seconds) {
    const std::uint64_t begin = now_ns(), end = begin + seconds * kSecond;
    const Pace pace(begin, rate);
    for (std::uint64_t now = begin; now < end || under_way_ > 0; now = now_ns()) {
      if (now < end)
        for (const std::uint64_t due = pace.due(now); score_.asked < due && ask_next(now);) {
        }
      wait(now);
    }
  }

  [[nodiscard]] Score& score() { return score_; }

 private:
  // False: all connections wait for an answer.
  bool ask_next(std::uint64_t now) {
    if (!keeps_) {
      connect_from(next_++, now);
      return true;
    }
    for (std::size_t i = 0; i < old_.size(); ++i) {
      const int fd = old_[next_++ % old_.size()];
      const auto visit = visits_.find(fd);
      if (visit != visits_.end() && visit->second.begin_ns != 0) continue;
      ++score_.asked;  // a connection that was lost fails each time its turn comes
      if (visit == visits_.end()) return true;
      begin(fd, visit->second, now);
      if (write(fd, kAgain.data(), kAgain.size()) < 0) finish(fd, false, now);
      return true;
    }
    return false;
  }

  void begin(int fd, Visit& visit, std::uint64_t now) {
    visit.begin_ns = now;
    visit.number = ++number_;
    deadlines_.push_back({now + timeout_ns_, number_, fd});
    ++under_way_;
  }

  int connect_from(std::uint32_t index, std::uint64_t now) {
    const int fd = open_socket(target_.is_v6(), SOCK_STREAM);
    bind_to(fd, sources_.at(index));
    ++score_.asked;
    begin(fd, visits_[fd], now);
    watch(epoll_, fd, EPOLLIN | EPOLLOUT | EPOLLET, static_cast<std::uint64_t>(fd));
    if (connect(fd, target_.get(), target_.size) != 0 && errno != EINPROGRESS)
      finish(fd, false, now);
    return fd;
  }

  void wait(std::uint64_t now) {
    std::array<epoll_event, 256> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
    for (int i = 0; i < count; ++i)
      handle(static_cast<int>(events.at(i).data.u64), events.at(i).events);
    for (; !deadlines_.empty() && deadlines_.front().when_ns <= now; deadlines_.pop_front()) {
      const auto visit = visits_.find(deadlines_.front().fd);
      if (visit != visits_.end() && visit->second.begin_ns != 0 &&
          visit->second.number == deadlines_.front().number)
        finish(deadlines_.front().fd, false, now);
    }
  }

  void handle(int fd, std::uint32_t events) {
    const auto visit = visits_.find(fd);
    if (visit == visits_.end()) return;
    std::array<char, 2048> buffer{};
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return finish(fd, false, now_ns());
    if ((events & EPOLLIN) != 0) {
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got >= 0 || errno != EAGAIN) finish(fd, got > 0, now_ns());
      return;
    }
    if ((events & EPOLLOUT) == 0 || visit->second.is_connected) return;
    visit->second.is_connected = true;
    const std::string_view request = keeps_ ? kAgain : kOnce;
    if (write(fd, request.data(), request.size()) < 0) finish(fd, false, now_ns());
  }

  // A request has ended; so has the connection, unless it is kept.
  void finish(int fd, bool answered, std::uint64_t now) {
    Visit& visit = visits_.at(fd);
    if (visit.begin_ns != 0) {
      --under_way_;
      if (answered) score_.answer(now - visit.begin_ns, true);
      visit.begin_ns = 0;
    }
    if (keeps_ && answered) return;
    visits_.erase(fd);
    close(fd);
  }

  struct Deadline {
    std::uint64_t when_ns, number;
    int fd;
  };

  Endpoint target_;
  Sources sources_;
  std::uint64_t timeout_ns_;
  int epoll_;
  bool keeps_ = false;
  std::uint32_t next_ = 0;
  std::uint64_t number_ = 0, under_way_ = 0;
  std::vector<int> old_;
  std::unordered_map<int, Visit> visits_;
  std::deque<Deadline> deadlines_;
  Score score_;
};

}  // namespace

void web(const Words& words) {
  Browser browser(words);
  if (const std::uint64_t old = words.number("old", 0); old != 0) browser.open_old(old);
  ready_and_wait();
  browser.run(words.number("rate", 100), words.number("seconds", 1));
  fmt::print("{}\n", browser.score().json());
}

}  // namespace traffic
