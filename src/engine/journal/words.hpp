// SPDX-License-Identifier: MIT
// The words of the log and of the API for the numbers of the policy: reasons, classes, metrics,
// protocols, and how an interface is attached.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "abi/vocabulary.h"
#include "datapath/interface_status.hpp"

namespace fw::engine {

[[nodiscard]] std::string_view reason_word(fw_reason reason);       // "ban"
[[nodiscard]] std::string_view class_word(fw_class traffic_class);  // "tcp_syn"
[[nodiscard]] std::string_view metric_word(fw_metric metric);       // "packets"
[[nodiscard]] std::string protocol_name(std::uint8_t proto);        // "udp"; "proto-253"
[[nodiscard]] std::string_view word(datapath::Attachment attachment);

}  // namespace fw::engine
