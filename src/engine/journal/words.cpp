// SPDX-License-Identifier: MIT
#include "engine/journal/words.hpp"

#include <fmt/format.h>

#include "abi/words.hpp"

namespace fw::engine {

std::string protocol_name(std::uint8_t proto) {
  switch (proto) {
    case 1:
      return "icmp";
    case 6:
      return "tcp";
    case 17:
      return "udp";
    case 47:
      return "gre";
    case 50:
      return "esp";
    case 58:
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
