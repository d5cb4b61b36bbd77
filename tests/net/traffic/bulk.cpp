// SPDX-License-Identifier: MIT
// One connection at full speed: traffic bulk to=ADDR port=N from=ADDR seconds=N way=up|down
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sockets.hpp"
#include "words.hpp"

namespace traffic {

void bulk(const Words& words) {
  const Endpoint target =
      Endpoint::parse(words.text("to"), static_cast<std::uint16_t>(words.number("port", 873)));
  const bool up = words.text("way") == "up";
  const int fd = open_socket(target.is_v6(), SOCK_STREAM);
  bind_to(fd, Sources(words.text("from"), 1).at(0));
  ready_and_wait();
  if (connect(fd, target.get(), target.size) != 0 && errno != EINPROGRESS) die_errno("connect");
  static std::array<char, 1 << 18> buffer;
  const std::uint64_t end = now_ns() + words.number("seconds", 1) * kSecond;
  std::uint64_t bytes = 0, longest_ns = 0, last = now_ns();
  while (now_ns() < end) {
    pollfd wanted{.fd = fd, .events = static_cast<short>(up ? POLLOUT : POLLIN), .revents = 0};
    if (poll(&wanted, 1, 100) <= 0) continue;
    const ssize_t moved =
        up ? write(fd, buffer.data(), buffer.size()) : read(fd, buffer.data(), buffer.size());
    if (moved == 0 || (moved < 0 && errno != EAGAIN)) die_errno("the connection was lost");
    bytes += moved > 0 ? static_cast<std::uint64_t>(moved) : 0;
    longest_ns = std::max(longest_ns, now_ns() - last);
    last = now_ns();
  }
  close(fd);
  fmt::print(R"({{"bytes":{},"longest_pause_ms":{}}})"
             "\n",
             bytes, longest_ns / kMs);
}

}  // namespace traffic
