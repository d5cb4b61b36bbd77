// SPDX-License-Identifier: MIT
#include "datapath/nfqueue/messages.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>

#include <cstring>

namespace fw::datapath::nfqueue {

namespace {

// NF_DROP and NF_ACCEPT of linux/netfilter.h, which conflicts with glibc's headers.
constexpr std::uint32_t kDrop = 0;
constexpr std::uint32_t kAccept = 1;

constexpr std::size_t kRequestBytes = 256;  // more than any request here takes

constexpr std::uint16_t message_type(unsigned kind) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_QUEUE << 8 | kind);
}

nlmsghdr* begin_config(std::vector<std::byte>& buffer, std::uint16_t queue) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = message_type(NFQNL_MSG_CONFIG);
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  family->nfgen_family = AF_UNSPEC;
  family->version = NFNETLINK_V0;
  family->res_id = htons(queue);
  return header;
}

// Visits the complete messages of a datagram. (mnl_nlmsg_ok() accepts lengths above 2^31.)
template <typename Sink>
void for_each_message(std::span<const std::byte> datagram, Sink sink) {
  int left = static_cast<int>(datagram.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_len > static_cast<unsigned>(left)) return;
    sink(*message);
  }
}

template <typename T>
bool copy_attribute(const nlattr& attribute, T& out) {
  if (mnl_attr_get_payload_len(&attribute) < sizeof out) return false;
  std::memcpy(&out, mnl_attr_get_payload(&attribute), sizeof out);
  return true;
}

// False: the message has no packet id, so it cannot be given a verdict.
bool read_packet(const nlmsghdr& message, QueuedPacket& packet) {
  bool has_id = false;
  std::uint32_t whole_bytes = 0;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg)) return false;
  packet.frame.link = FW_LINK_IP;
  int left = static_cast<int>(mnl_nlmsg_get_payload_len(&message) - sizeof(nfgenmsg));
  const auto* at =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, sizeof(nfgenmsg)));
  for (; mnl_attr_ok(at, left); at = mnl_attr_next(at)) {
    left -= static_cast<int>(MNL_ALIGN(at->nla_len));
    nfqnl_msg_packet_hdr header{};
    switch (mnl_attr_get_type(at)) {
      case NFQA_PACKET_HDR:
        has_id = copy_attribute(*at, header);
        packet.id = ntohl(header.packet_id);
        break;
      case NFQA_PAYLOAD:
        packet.frame.data = static_cast<const fw_u8*>(mnl_attr_get_payload(at));
        packet.frame.captured_bytes = mnl_attr_get_payload_len(at);
        break;
      case NFQA_CAP_LEN:
        if (copy_attribute(*at, whole_bytes)) whole_bytes = ntohl(whole_bytes);
        break;
      default:
        break;
    }
  }
  packet.frame.wire_bytes =
      whole_bytes > packet.frame.captured_bytes ? whole_bytes : packet.frame.captured_bytes;
  return has_id;
}

}  // namespace

std::vector<std::byte> bind_request(std::uint16_t queue) {
  std::vector<std::byte> buffer(kRequestBytes);
  nlmsghdr* header = begin_config(buffer, queue);
  const nfqnl_msg_config_cmd command{.command = NFQNL_CFG_CMD_BIND, ._pad = 0, .pf = 0};
  mnl_attr_put(header, NFQA_CFG_CMD, sizeof command, &command);
  buffer.resize(header->nlmsg_len);
  return buffer;
}

std::vector<std::byte> setup_request(std::uint16_t queue, std::uint32_t max_packets) {
  constexpr std::uint32_t kFlags = NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO;
  std::vector<std::byte> buffer(kRequestBytes);
  nlmsghdr* header = begin_config(buffer, queue);
  const nfqnl_msg_config_params copy{.copy_range = htonl(kCopyBytes),
                                     .copy_mode = NFQNL_COPY_PACKET};
  mnl_attr_put(header, NFQA_CFG_PARAMS, sizeof copy, &copy);
  mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(kFlags));
  mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(kFlags));
  mnl_attr_put_u32(header, NFQA_CFG_QUEUE_MAXLEN, htonl(max_packets));
  buffer.resize(header->nlmsg_len);
  return buffer;
}

void read_packets(std::span<const std::byte> datagram, std::vector<QueuedPacket>& out) {
  for_each_message(datagram, [&](const nlmsghdr& message) {
    QueuedPacket packet;
    if (message.nlmsg_type == message_type(NFQNL_MSG_PACKET) && read_packet(message, packet))
      out.push_back(packet);
  });
}

int read_acknowledgement(std::span<const std::byte> datagram) {
  int found = -1;
  for_each_message(datagram, [&](const nlmsghdr& message) {
    int error = 0;
    if (found != -1 || message.nlmsg_type != NLMSG_ERROR ||
        mnl_nlmsg_get_payload_len(&message) < sizeof error)
      return;
    std::memcpy(&error, mnl_nlmsg_get_payload(&message), sizeof error);
    found = -error;
  });
  return found;
}

void Verdicts::add(std::uint32_t id, bool drop) {
  const nfqnl_msg_verdict_hdr verdict{.verdict = htonl(drop ? kDrop : kAccept), .id = htonl(id)};
  if (!messages_.empty() && messages_.back().verdict.verdict == verdict.verdict) {
    messages_.back().verdict.id = verdict.id;
    return;
  }
  messages_.push_back(
      {.header = {.nlmsg_len = sizeof(Message),
                  .nlmsg_type = message_type(NFQNL_MSG_VERDICT_BATCH),
                  .nlmsg_flags = NLM_F_REQUEST,
                  .nlmsg_seq = 0,
                  .nlmsg_pid = 0},
       .family = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(queue_)},
       .attribute = {.nla_len = sizeof(nlattr) + sizeof verdict, .nla_type = NFQA_VERDICT_HDR},
       .verdict = verdict});
}

std::span<const std::byte> Verdicts::bytes() const {
  return std::as_bytes(std::span(messages_));
}

}  // namespace fw::datapath::nfqueue
