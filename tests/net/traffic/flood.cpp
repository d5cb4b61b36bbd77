// SPDX-License-Identifier: MIT
// Puts given frames on an interface, at a rate, over and over, from one core.
//   traffic flood interface=IF file=FRAMES rate=N seconds=N [on_ms=N off_ms=N] [cpu=N]
// FRAMES: of each frame its length (32 bits, this machine's order), then its bytes. With on_ms and
// off_ms it pauses: so long on, so long off.
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <span>
#include <vector>

#include "words.hpp"

namespace traffic {
namespace {

constexpr std::size_t kBatch = 32;  // a veth queue holds 256 frames

std::vector<std::span<char>> split(std::vector<char>& data) {
  std::vector<std::span<char>> frames;
  for (std::size_t at = 0; at < data.size();) {
    std::uint32_t length = 0;
    if (data.size() - at < sizeof length) die("the file of frames ends within a frame");
    std::memcpy(&length, data.data() + at, sizeof length);
    at += sizeof length;
    if (data.size() - at < length) die("the file of frames ends within a frame");
    frames.emplace_back(data.data() + at, length);
    at += length;
  }
  if (frames.empty()) die("no frames");
  return frames;
}

int open_packet_socket(const std::string& interface) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) die_errno("packet socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    die_errno(interface);
  const int bypass = 1;
  if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass) != 0)
    die_errno("PACKET_QDISC_BYPASS");
  return fd;
}

void stay_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die_errno("sched_setaffinity");
}

// How many of them went; one that does not fit is left out.
std::uint64_t send_batch(int fd, std::span<const std::span<char>> frames) {
  std::array<iovec, kBatch> pieces{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    pieces.at(i) = {.iov_base = frames[i].data(), .iov_len = frames[i].size()};
    messages.at(i).msg_hdr.msg_iov = &pieces.at(i);
    messages.at(i).msg_hdr.msg_iovlen = 1;
  }
  std::uint64_t went = 0;
  for (std::size_t at = 0; at < frames.size();) {
    const int now =
        sendmmsg(fd, messages.data() + at, static_cast<unsigned>(frames.size() - at), 0);
    went += now > 0 ? static_cast<std::uint64_t>(now) : 0;
    at += now > 0 ? static_cast<std::size_t>(now) : 1;
  }
  return went;
}

void nap() {
  const timespec time{.tv_sec = 0, .tv_nsec = 500'000};
  nanosleep(&time, nullptr);
}

}  // namespace

void flood(const Words& words) {
  std::ifstream in(words.text("file"), std::ios::binary);
  std::vector<char> data{std::istreambuf_iterator<char>(in), {}};
  const std::vector<std::span<char>> frames = split(data);
  const int fd = open_packet_socket(words.text("interface"));
  stay_on(static_cast<unsigned>(words.number("cpu", 0)));
  const std::uint64_t on = words.number("on_ms", 1000) * kMs, off = words.number("off_ms", 0) * kMs;
  ready_and_wait();
  const std::uint64_t begin = now_ns(), end = begin + words.number("seconds", 1) * kSecond;
  const Pace pace(0, words.number("rate", 1000));
  std::uint64_t tried = 0, sent = 0;
  for (std::uint64_t now = begin; now < end; now = now_ns()) {
    const std::uint64_t since = now - begin;
    const std::uint64_t active_ns =
        off == 0 ? since : since / (on + off) * on + std::min(since % (on + off), on);
    while (tried < pace.due(active_ns)) {
      const std::size_t at = tried % frames.size();
      const std::size_t count = std::min(
          {kBatch, frames.size() - at, static_cast<std::size_t>(pace.due(active_ns) - tried)});
      sent += send_batch(fd, std::span(frames).subspan(at, count));
      tried += count;
    }
    nap();
  }
  close(fd);
  fmt::print(R"({{"tried":{},"sent":{}}})"
             "\n",
             tried, sent);
}

}  // namespace traffic
