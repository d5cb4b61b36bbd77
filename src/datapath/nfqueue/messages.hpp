// SPDX-License-Identifier: MIT
// Encodes requests to the kernel's nfnetlink_queue and decodes its messages
// (linux/netfilter/nfnetlink_queue.h), without a socket. Numbers here are in host order.
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

// How much of a packet the kernel copies: more than the headers that the policy reads.
inline constexpr std::uint32_t kCopyBytes = 256;

struct QueuedPacket {
  std::uint32_t id = 0;  // counts the packets of a queue, those that overran it included
  fw_frame frame{};      // points into the message
};

// Requests; each asks for an acknowledgement.
[[nodiscard]] std::vector<std::byte> bind_request(std::uint16_t queue);
// Sets up copies of kCopyBytes, at most `max_packets` in the queue, GSO packets unsegmented, and
// fail open.
[[nodiscard]] std::vector<std::byte> setup_request(std::uint16_t queue, std::uint32_t max_packets);

// Appends the packets of one datagram to `out`. Other and damaged messages are skipped.
void read_packets(std::span<const std::byte> datagram, std::vector<QueuedPacket>& out);

// The errno of the first acknowledgement in a datagram; 0: success; -1: there is none.
[[nodiscard]] int read_acknowledgement(std::span<const std::byte> datagram);

// The verdicts of a batch. Consecutive equal verdicts become one message, which covers every packet
// of the queue up to its id; so ids must be added in the order of arrival.
class Verdicts {
 public:
  explicit Verdicts(std::uint16_t queue) : queue_(queue) {}

  void add(std::uint32_t id, bool drop);
  void clear() { messages_.clear(); }
  [[nodiscard]] bool empty() const { return messages_.empty(); }
  // The messages, for one send().
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
