// SPDX-License-Identifier: MIT
// Netlink through libmnl: the loop that reads answers, and the iteration over attributes.
#include "host/netlink.hpp"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fw::host {

namespace {

// libmnl takes signed lengths; mnl_attr_ok() refuses an attribute that does not fit.
void walk(const nlattr* first, std::size_t length_bytes, const AttributeSink& sink) {
  int left = static_cast<int>(length_bytes);
  for (const nlattr* at = first; mnl_attr_ok(at, left); at = mnl_attr_next(at)) {
    sink(*at);
    left -= static_cast<int>(MNL_ALIGN(at->nla_len));
  }
}

}  // namespace

void for_each_attribute(const nlmsghdr& message, std::size_t fixed_bytes,
                        const AttributeSink& sink) {
  const std::size_t payload = mnl_nlmsg_get_payload_len(&message);
  const std::size_t offset = MNL_ALIGN(fixed_bytes);
  if (payload <= offset) return;
  walk(static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, offset)), payload - offset,
       sink);
}

void for_each_nested(const nlattr& nest, const AttributeSink& sink) {
  walk(static_cast<const nlattr*>(mnl_attr_get_payload(&nest)), mnl_attr_get_payload_len(&nest),
       sink);
}

void Netlink::Close::operator()(mnl_socket* socket) const {
  mnl_socket_close(socket);
}

Result<Netlink> Netlink::open(int bus, unsigned groups) {
  const int flags = SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0);
  mnl_socket* socket = mnl_socket_open2(bus, flags);
  if (socket == nullptr) return fail_errno("cannot open a netlink socket", errno);
  Netlink netlink(socket);
  if (mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0)
    return fail_errno("cannot bind a netlink socket", errno);
  return netlink;
}

Result<void> Netlink::dump(unsigned short type, std::span<const std::byte> body,
                           const MessageSink& sink) {
  std::vector<std::byte> request(NLMSG_LENGTH(body.size()));
  nlmsghdr* header = mnl_nlmsg_put_header(request.data());
  header->nlmsg_len = static_cast<unsigned>(request.size());
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  header->nlmsg_seq = ++sequence_;
  std::memcpy(mnl_nlmsg_get_payload(header), body.data(), body.size());

  const auto failed = [this](int error) {
    error_number_ = error;
    auto result = fail_errno("cannot ask the kernel over netlink", error);
    if (error == EPERM || error == EACCES) result.error().kind = ErrorKind::not_permitted;
    return result;
  };
  if (mnl_socket_sendto(socket_.get(), request.data(), request.size()) < 0) return failed(errno);

  const unsigned port = mnl_socket_get_portid(socket_.get());
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(errno);
    int left = static_cast<int>(got);
    const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq != sequence_ || !mnl_nlmsg_portid_ok(message, port)) continue;
      if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
        // Both message types begin with a negative errno or 0.
        int error = 0;
        if (mnl_nlmsg_get_payload_len(message) >= sizeof error)
          std::memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
        if (error != 0) return failed(-error);
        return {};
      }
      sink(*message);
    }
  }
}

Netlink::Received Netlink::receive(const MessageSink& sink) {
  ssize_t got = 0;
  do {
    got = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? Received::nothing : Received::overrun;
  int left = static_cast<int>(got);
  const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) sink(*message);
  return Received::messages;
}

int Netlink::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

}  // namespace fw::host
