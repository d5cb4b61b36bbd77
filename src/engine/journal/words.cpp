// SPDX-License-Identifier: MIT
#include "engine/journal/words.hpp"

#include <fmt/format.h>

#include "abi/packet.h"
#include "abi/words.hpp"

namespace fw::engine {

std::string protocol_name(std::uint8_t proto) {
  switch (proto) {
    case FW_IPPROTO_ICMP:
      return "icmp";
    case FW_IPPROTO_TCP:
      return "tcp";
    case FW_IPPROTO_UDP:
      return "udp";
    case 47:
      return "gre";
    case 50:
      return "esp";
    case FW_IPPROTO_ICMPV6:
      return "icmpv6";
    case 132:
      return "sctp";
    default:
      return fmt::format("proto-{}", proto);
  }
}

std::string_view metric_word(fw_metric metric) {
  return kMetricWords.at(static_cast<std::size_t>(metric));
}
std::string_view reason_word(fw_reason reason) {
  return kReasonWords.at(static_cast<std::size_t>(reason));
}
std::string_view class_word(fw_class traffic_class) {
  return kClassWords.at(static_cast<std::size_t>(traffic_class));
}

std::string_view word(datapath::Attachment attachment) {
  switch (attachment) {
    case datapath::Attachment::none:
      return "none";
    case datapath::Attachment::native:
      return "native";
    case datapath::Attachment::generic:
      return "generic";
    case datapath::Attachment::queue:
      return "queue";
  }
  return "";
}

}  // namespace fw::engine
