// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/queue.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

namespace fw::datapath::nfqueue {

namespace {

// About 10,000 packets. A longer queue would only add delay; judgement.
constexpr int kSocketBytes = 8 << 20;
// So many that the socket buffer always fills first: a packet that is lost there has a number and
// is counted as unseen, one that the queue refused has none.
constexpr std::uint32_t kMaxPackets = 1U << 20;

// The kernel returns EPERM both for missing rights and for a queue that is bound already.
bool is_taken(std::uint16_t number) {
  std::ifstream queues("/proc/net/netfilter/nfnetlink_queue");  // a line begins with the number
  for (std::string line; std::getline(queues, line);)
    if (std::strtoul(line.c_str(), nullptr, 10) == number) return true;
  return false;
}

std::unexpected<Error> fail_setup(std::uint16_t number, int error_number) {
  if (error_number == EPERM && is_taken(number)) error_number = EBUSY;
  switch (error_number) {
    case EBUSY:
      return fail(ErrorKind::refused,
                  fmt::format("NFQUEUE number {} is taken by another program (see "
                              "/proc/net/netfilter/nfnetlink_queue)",
                              number));
    case EPERM:
    case EACCES:
      return fail(ErrorKind::not_permitted,
                  "binding an NFQUEUE is not permitted: run as root (or with CAP_NET_ADMIN)");
    case EINVAL:
    case EOPNOTSUPP:
      return fail(
          "this kernel has no NFQUEUE (CONFIG_NETFILTER_NETLINK_QUEUE, module "
          "nfnetlink_queue)");
    default:
      return fail_errno(fmt::format("set up NFQUEUE number {}", number), error_number);
  }
}

}  // namespace

Queue::Queue(UniqueFd fd, std::uint16_t number)
    : fd_(std::move(fd)), number_(number), buffer_(kBatch * kDatagramBytes) {
  packets_.reserve(kBatch);
}

Result<Queue> Queue::open(std::uint16_t number) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd.valid()) return fail_setup(number, errno == EPROTONOSUPPORT ? EINVAL : errno);
  Queue queue(std::move(fd), number);
  if (auto done = queue.request(bind_request(number)); !done) return std::unexpected(done.error());
  const int bytes = kSocketBytes;
  const int on = 1;
  if (::setsockopt(queue.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0 ||
      ::setsockopt(queue.fd(), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on) != 0)
    return fail_setup(number, errno);
  if (auto done = queue.request(setup_request(number, kMaxPackets)); !done)
    return std::unexpected(done.error());
  return queue;
}

Result<void> Queue::request(std::span<const std::byte> message) {
  if (::send(fd_.get(), message.data(), message.size(), 0) < 0) return fail_setup(number_, errno);
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_setup(number_, errno);
    const int error = read_acknowledgement(std::span(buffer_).first(static_cast<std::size_t>(got)));
    if (error == 0) return {};
    if (error > 0) return fail_setup(number_, error);
  }
}

std::span<const QueuedPacket> Queue::receive() {
  std::array<iovec, kBatch> parts{};
  std::array<mmsghdr, kBatch> messages{};
  for (unsigned i = 0; i < kBatch; i++) {
    parts[i] = {.iov_base = buffer_.data() + i * kDatagramBytes, .iov_len = kDatagramBytes};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  packets_.clear();
  const int got = ::recvmmsg(fd_.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < got; i++)
    read_packets({buffer_.data() + static_cast<std::size_t>(i) * kDatagramBytes,
                  messages[static_cast<std::size_t>(i)].msg_len},
                 packets_);
  for (const QueuedPacket& packet : packets_) {
    unseen_ += packet.id - next_id_;
    next_id_ = packet.id + 1;
  }
  return packets_;
}

void Queue::send(const Verdicts& verdicts) {
  const auto bytes = verdicts.bytes();
  while (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0 && errno == EINTR) {
  }
}

}  // namespace fw::datapath::nfqueue
