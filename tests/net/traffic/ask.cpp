// SPDX-License-Identifier: MIT
// UDP clients of a request/answer service, as many as there are source addresses, on few sockets. A
// question that is not answered in time is asked again, as resolvers and games do.
//   traffic ask to=ADDR port=N from=ADDR sources=N rate=N seconds=N [known=1] [own_port=N]
//   [ports=1]
//               [tries=3] [timeout_ms=500] [ttl=N] [bytes=32] [hex=DIGITS] [at=0] [answer_at=0]
// A question is `hex`, or `bytes` bytes, with 8 letters in it (`at`) that are its number; they come
// back in the answer (`answer_at`). `known`: every source has been answered once before the start;
// else each comes for the first time when its turn is.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "sockets.hpp"
#include "words.hpp"

namespace traffic {
namespace {

constexpr std::size_t kLetters = 8;

struct Question {
  std::uint64_t asked_ns = 0;
  std::uint32_t source = 0, tries = 0;
};

class Client {
 public:
  explicit Client(const Words& words)
      : target_(
            Endpoint::parse(words.text("to"), static_cast<std::uint16_t>(words.number("port", 0)))),
        sources_(words.text("from"), static_cast<std::uint32_t>(words.number("sources", 1))),
        tries_(static_cast<std::uint32_t>(words.number("tries", 3))),
        timeout_ns_(words.number("timeout_ms", 500) * kMs),
        payload_(unhex(words.text("hex", ""))),
        at_(words.number("at", 0)),
        answer_at_(words.number("answer_at", 0)),
        epoll_(new_epoll()) {
    if (payload_.empty()) payload_.assign(words.number("bytes", 32), '\x07');
    if (payload_.size() < at_ + kLetters) die("a question holds its number: it is too short");
    for (std::uint64_t i = 0; i < words.number("ports", 1); ++i)
      open(words, words.number("own_port", 5000) + i);
  }

  // Asks until `seconds` are over, and waits for the last answers. Many clients do not ask all at
  // once because this process had to wait: what is due for more than 20 ms is not asked any more.
  void run(std::uint64_t rate, std::uint64_t seconds) {
    const std::uint64_t begin = now_ns(), end = begin + seconds * kSecond;
    const Pace pace(begin, rate);
    std::uint64_t forgone = 0;
    for (std::uint64_t now = begin; now < end || !open_.empty(); now = now_ns()) {
      if (now < end) {
        const std::uint64_t overdue = pace.due(now) - forgone - score_.asked;
        const std::uint64_t count = std::min(overdue, rate / 50 + 1);
        forgone += overdue - count;
        for (std::uint64_t i = 0; i < count; ++i) ask_next(now);
      }
      wait();
      again(now);
    }
  }

  // One question of every source.
  void introduce() {
    while (next_ < sources_.count()) {
      for (int i = 0; i < 32 && next_ < sources_.count(); ++i) ask_next(now_ns());
      wait();
      again(now_ns());
    }
    while (!open_.empty()) {
      wait();
      again(now_ns());
    }
    if (score_.answered != score_.asked) die("not all sources were answered before the start");
    score_ = {};
  }

  [[nodiscard]] Score& score() { return score_; }

 private:
  void open(const Words& words, std::uint64_t port) {
    const int fd = open_socket(target_.is_v6(), SOCK_DGRAM);
    want_large_buffers(fd);
    want_ttl(fd, target_.is_v6(), static_cast<int>(words.number("ttl", 64)));
    bind_to(fd,
            Endpoint::parse(target_.is_v6() ? "::" : "0.0.0.0", static_cast<std::uint16_t>(port)));
    watch(epoll_, fd, EPOLLIN, static_cast<std::uint64_t>(fd));
    fds_.push_back(fd);
  }

  void ask_next(std::uint64_t now) {
    ++score_.asked;
    ++serial_;
    const Question question{.asked_ns = now, .source = next_++, .tries = 1};
    open_.emplace(serial_, question);
    send(serial_, question, now);
  }

  void send(std::uint64_t serial, const Question& question, std::uint64_t now) {
    for (std::size_t i = 0; i < kLetters; ++i)
      payload_.at(at_ + i) = static_cast<char>('a' + (serial >> 4 * i & 15));
    SentFrom from(sources_.at(question.source));
    iovec piece{.iov_base = payload_.data(), .iov_len = payload_.size()};
    msghdr message{};
    message.msg_name = &target_.address;
    message.msg_namelen = target_.size;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = from.bytes;
    message.msg_controllen = from.size;
    // What does not go now counts as lost, and is asked again.
    (void)sendmsg(fds_.at(question.source % fds_.size()), &message, MSG_NOSIGNAL);
    deadlines_.emplace_back(now + timeout_ns_, serial);
  }

  void wait() {
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
    for (int i = 0; i < count; ++i) receive(static_cast<int>(events.at(i).data.u64));
  }

  void receive(int fd) {
    std::array<char, 2048> buffer{};
    for (int i = 0; i < 4096; ++i) {
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      if (got < 0) return;
      if (static_cast<std::size_t>(got) < answer_at_ + kLetters) continue;
      std::uint64_t serial = 0;
      for (std::size_t k = 0; k < kLetters; ++k)
        serial |= static_cast<std::uint64_t>(buffer.at(answer_at_ + k) - 'a') << 4 * k;
      const auto found = open_.find(serial);
      if (found == open_.end()) continue;  // answered twice
      score_.answer(now_ns() - found->second.asked_ns, found->second.tries == 1);
      open_.erase(found);
    }
  }

  void again(std::uint64_t now) {
    while (!deadlines_.empty() && deadlines_.front().first <= now) {
      const std::uint64_t serial = deadlines_.front().second;
      deadlines_.pop_front();
      const auto found = open_.find(serial);
      if (found == open_.end()) continue;
      if (found->second.tries++ < tries_)
        send(serial, found->second, now);
      else
        open_.erase(found);
    }
  }

  Endpoint target_;
  Sources sources_;
  std::uint32_t tries_;
  std::uint64_t timeout_ns_;
  std::string payload_;
  std::size_t at_, answer_at_;
  int epoll_;
  std::vector<int> fds_;
  std::uint64_t serial_ = 0;
  std::uint32_t next_ = 0;
  std::unordered_map<std::uint64_t, Question> open_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> deadlines_;  // when, serial; all equally long
  Score score_;
};

}  // namespace

void ask(const Words& words) {
  Client client(words);
  if (words.number("known", 0) != 0) client.introduce();
  ready_and_wait();
  client.run(words.number("rate", 100), words.number("seconds", 1));
  fmt::print("{}\n", client.score().json());
}

}  // namespace traffic
