// SPDX-License-Identifier: MIT
// One NFQUEUE of this network namespace, bound by this process: receives packets, sends verdicts.
// When the process is too slow the kernel lets packets pass unseen (fail open); the gaps in the
// packets' numbers are counted. Closing drops the packets in the queue: remove the rules first.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/nfqueue/messages.hpp"

namespace fw::datapath::nfqueue {

class Queue {
 public:
  // Fails if the number is taken (kind refused), the rights are missing (not_permitted) or the
  // kernel has no NFQUEUE.
  [[nodiscard]] static Result<Queue> open(std::uint16_t number);

  // The next packets, oldest first, at most kBatch; empty if there are none. Does not block. The
  // packets are valid until the next call.
  [[nodiscard]] std::span<const QueuedPacket> receive();
  void send(const Verdicts& verdicts);

  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Packets received so far, including those that passed unseen.
  [[nodiscard]] std::uint64_t received() const { return next_id_ - 1; }
  // Packets that passed unseen so far; the last gap shows with the next packet.
  [[nodiscard]] std::uint64_t unseen() const { return unseen_; }

  static constexpr unsigned kBatch = 64;

 private:
  Queue(UniqueFd fd, std::uint16_t number);
  [[nodiscard]] Result<void> request(std::span<const std::byte> message);

  // A copy of kCopyBytes and its attributes take about 400 bytes.
  static constexpr std::size_t kDatagramBytes = 1024;

  UniqueFd fd_;
  std::uint16_t number_;
  std::uint32_t next_id_ = 1;
  std::uint64_t unseen_ = 0;
  std::vector<std::byte> buffer_;
  std::vector<QueuedPacket> packets_;
};

}  // namespace fw::datapath::nfqueue
