// SPDX-License-Identifier: MIT
// What is said to the kernel's nfnetlink_queue and what it says (linux/netfilter/
// nfnetlink_queue.h): bytes in, bytes out, no socket. Numbers here are in host order.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "policy/policy.h"

namespace fw::datapath::nfqueue {

// How much of a packet is copied: all headers that the policy reads.
inline constexpr std::uint32_t kCopyBytes = 256;

struct QueuedPacket {
  std::uint32_t id = 0;  // counts up by one per packet of a queue, also those that overran it
  fw_frame frame{};      // points into the message
};

// Requests; each asks for an acknowledgement.
[[nodiscard]] std::vector<std::byte> bind_request(std::uint16_t queue);
// Copies of kCopyBytes, at most `max_packets` waiting, segments uncut, fail open.
[[nodiscard]] std::vector<std::byte> setup_request(std::uint16_t queue, std::uint32_t max_packets);

// The packets of one datagram, appended to `out`; what is no packet or is damaged is skipped.
void read_packets(std::span<const std::byte> datagram, std::vector<QueuedPacket>& out);

// The errno of the first acknowledgement in a datagram, 0 for success, -1 when there is none.
[[nodiscard]] int read_acknowledgement(std::span<const std::byte> datagram);

// The verdicts of a batch. Those of neighbours that agree become one message: it covers every
// packet of the queue up to its id, so ids must be added in the order in which they came.
class Verdicts {
 public:
  explicit Verdicts(std::uint16_t queue) : queue_(queue) {}

  void add(std::uint32_t id, bool drop);
  void clear() { messages_.clear(); }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  // As they go into one sendmsg().
  [[nodiscard]] std::span<const std::byte> bytes() const;

 private:
  struct Message {
    nlmsghdr header;
    nfgenmsg family;
    nlattr attribute;
    nfqnl_msg_verdict_hdr verdict;
  };
  static_assert(sizeof(Message) == 32, "no padding between netlink's parts");

  std::uint16_t queue_;
  std::vector<Message> messages_;
};

}  // namespace fw::datapath::nfqueue
