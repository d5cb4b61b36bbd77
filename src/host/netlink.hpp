// SPDX-License-Identifier: MIT
// A netlink socket of the caller's network namespace: requests that dump a table, and multicast
// notifications.
//
// Thread rule: one thread at a time per socket.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/error.hpp"

struct mnl_socket;

namespace fw::host {

using MessageSink = std::function<void(const nlmsghdr&)>;
using AttributeSink = std::function<void(const nlattr&)>;

// Calls `sink` for each attribute behind the fixed header of a message, or in a nested attribute.
void for_each_attribute(const nlmsghdr& message, std::size_t fixed_bytes,
                        const AttributeSink& sink);
void for_each_nested(const nlattr& nest, const AttributeSink& sink);

class Netlink {
 public:
  // `bus` is NETLINK_ROUTE or NETLINK_SOCK_DIAG; `groups` the RTMGRP_* to listen to. With groups
  // the socket does not block.
  [[nodiscard]] static Result<Netlink> open(int bus, unsigned groups = 0);

  // Sends a dump request: `type`, then `body` as the fixed header and its attributes. Every message
  // of the answer goes to `sink`. A table that changes meanwhile is still dumped to the end,
  // because the notification of that change makes the caller read again. The error kind is
  // not_permitted if the kernel returned EPERM or EACCES; error_number() has the errno.
  [[nodiscard]] Result<void> dump(unsigned short type, std::span<const std::byte> body,
                                  const MessageSink& sink);
  // The errno of the last failed dump.
  [[nodiscard]] int error_number() const { return error_number_; }

  enum class Received : std::uint8_t { messages, nothing, overrun };
  // One read of notifications. Overrun: the kernel dropped some (or the socket failed).
  [[nodiscard]] Received receive(const MessageSink& sink);

  [[nodiscard]] int fd() const;

 private:
  struct Close {
    void operator()(mnl_socket* socket) const;
  };
  explicit Netlink(mnl_socket* socket) : socket_(socket) {}

  std::unique_ptr<mnl_socket, Close> socket_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(32768);
  unsigned sequence_ = 0;
  int error_number_ = 0;
};

}  // namespace fw::host
