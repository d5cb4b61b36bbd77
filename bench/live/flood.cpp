// SPDX-License-Identifier: MIT
// A flood of small UDP packets from many sources, put on a veth interface from within the kernel
// (BPF_PROG_RUN, live frames), so that making a packet costs next to nothing.
//   flood INTERFACE MAC TARGET SOURCES SECONDS RATE|max CPU IDLE
// IDLE is an unused interface on which the program stays attached; otherwise the first call waits
// 20 ms for the kernel's dispatcher of XDP programs. SOURCES (a power of two) are spread over
// 64.0.0.0/3, the same every time. Prints packets sent and time as JSON. Packets that did not fit
// the receiver's ring appear only in the receiver's own counters.
#include <linux/if_link.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "sender.skel.h"

namespace {

constexpr unsigned kBatch = 64;         // frames after which the receiver polls its ring
constexpr unsigned kAtOnce = 1U << 14;  // frames per call
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kPortion = 200;  // frames: below the 256 of a veth's ring
constexpr long kShortestNap = 200'000, kLongestNap = 10'000'000;  // ns
constexpr std::uint16_t kPort = 27015;

struct State {  // struct sender_state
  std::uint64_t random = 88172645463325252ULL;
  std::uint32_t mask = 0, base = 0x40000000, space = 0x1fffffff, spread = 2'654'435'761;
  std::uint32_t checksum = 0, ifindex = 0;
};

using Frame = std::array<unsigned char, 64>;

[[noreturn]] void die(std::string_view what) {
  fmt::print(stderr, "flood: {}\n", what);
  std::exit(1);
}

std::uint64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) {
  timespec time{};
  (void)clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void put16(Frame& frame, std::size_t at, unsigned value) {
  frame.at(at) = static_cast<unsigned char>(value >> 8);
  frame.at(at + 1) = static_cast<unsigned char>(value);
}

Frame make_frame(const std::string& mac, const std::string& target) {
  Frame frame{};
  std::array<unsigned, 6> to{};
  if (std::sscanf(mac.c_str(), "%x:%x:%x:%x:%x:%x", &to[0], &to[1], &to[2], &to[3], &to[4],
                  &to[5]) != 6)
    die("MAC must be aa:bb:cc:dd:ee:ff");
  for (std::size_t i = 0; i < to.size(); i++) frame.at(i) = static_cast<unsigned char>(to.at(i));
  frame[6] = 2;
  put16(frame, 12, 0x0800);
  frame[14] = 0x45;
  put16(frame, 16, 50);
  frame[22] = 64;
  frame[23] = 17;
  if (inet_pton(AF_INET, target.c_str(), &frame[30]) != 1) die("TARGET must be an IPv4 address");
  put16(frame, 34, 40'000);
  put16(frame, 36, kPort);
  put16(frame, 38, 30);
  return frame;
}

std::uint32_t checksum_of(const Frame& frame) {
  std::uint32_t sum = 0;
  for (std::size_t i = 14; i < 34; i += 2)
    sum += static_cast<std::uint32_t>(frame.at(i) << 8 | frame.at(i + 1));
  return sum;
}

void stay_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) die(std::strerror(errno));
}

// A flood comes from outside: its portions must not wait for other work of this CPU and then arrive
// all at once.
void go_first() {
  const sched_param priority{.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) die(std::strerror(errno));
}

// Sends `count` frames; returns how many were sent. The kernel keeps a pool of pages per call until
// all its frames are freed, and has 65,534 identifiers for pools. If it runs out (ENOSPC), this
// portion is skipped.
unsigned send(int program, const Frame& frame, unsigned count) {
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .repeat = static_cast<int>(count), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
              .batch_size = kBatch);
  if (bpf_prog_test_run_opts(program, &options) == 0) return count;
  if (errno != ENOSPC) die(fmt::format("BPF_PROG_RUN: {}", std::strerror(errno)));
  return 0;
}

// Sleeps until the next portion is due.
void nap(std::uint64_t rate) {
  const auto portion_ns = static_cast<long>(kPortion * kSecond / rate);
  const timespec time{.tv_sec = 0, .tv_nsec = std::clamp(portion_ns, kShortestNap, kLongestNap)};
  nanosleep(&time, nullptr);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 9) die("usage: flood INTERFACE MAC TARGET SOURCES SECONDS RATE|max CPU IDLE");
  const Frame frame = make_frame(arguments[2], arguments[3]);
  State state;
  state.mask = static_cast<std::uint32_t>(std::strtoul(arguments[4], nullptr, 10)) - 1;
  state.checksum = checksum_of(frame);
  state.ifindex = if_nametoindex(arguments[1]);
  if (state.ifindex == 0) die(std::strerror(errno));
  const double seconds = std::strtod(arguments[5], nullptr);
  const std::uint64_t rate =
      std::string_view(arguments[6]) == "max" ? 0 : std::strtoull(arguments[6], nullptr, 10);
  (void)prctl(PR_SET_TIMERSLACK, 1UL);
  stay_on(static_cast<unsigned>(std::strtoul(arguments[7], nullptr, 10)));
  if (rate != 0) go_first();

  sender* const skeleton = sender::open_and_load();
  if (skeleton == nullptr) die(std::strerror(errno));
  const int program = bpf_program__fd(skeleton->progs.sender);
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
  if (bpf_link_create(program, static_cast<int>(if_nametoindex(arguments[8])), BPF_XDP, &options) <
      0)
    die(fmt::format("{}: {}", arguments[8], std::strerror(errno)));
  const std::uint32_t zero = 0;
  if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.state), &zero, &state, 0) != 0)
    die(std::strerror(errno));
  const std::uint64_t begin = now_ns(), cpu_begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
  const std::uint64_t end = begin + static_cast<std::uint64_t>(seconds * 1e9);
  std::uint64_t sent = 0, tried = 0;
  for (std::uint64_t now = begin; now < end; now = now_ns()) {
    const std::uint64_t due = (now - begin) / 1000 * rate / 1'000'000;
    // Frames that could not be sent in time are not sent later: that would change the rate.
    const std::uint64_t wanted =
        rate == 0 ? kAtOnce : std::min<std::uint64_t>(due - tried, kAtOnce);
    tried = due;
    if (wanted > 0) sent += send(program, frame, static_cast<unsigned>(wanted));
    if (rate != 0) nap(rate);
  }
  fmt::print(R"({{"sent":{},"seconds":{:.6f},"cpu_seconds":{:.6f}}})"
             "\n",
             sent, static_cast<double>(now_ns() - begin) / 1e9,
             static_cast<double>(now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_begin) / 1e9);
  sender::destroy(skeleton);
}
