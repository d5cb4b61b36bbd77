// SPDX-License-Identifier: MIT
// Which of the datapath's samples are kept.
#include "engine/detect/samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "abi/configuration.h"

namespace fw::test {
namespace {

using engine::Samples;

fw_sample trusted(fw_class traffic_class, fw_u16 port, std::uint64_t time_ns) {
  fw_sample out{};
  out.time_ns = time_ns;
  out.kind = FW_SAMPLE_TRUSTED;
  out.traffic_class = static_cast<fw_u8>(traffic_class);
  out.served = FW_PORT_ANSWERS;
  out.packet.dport = port;
  return out;
}

std::size_t of_port(const Samples& samples, fw_u16 port) {
  return static_cast<std::size_t>(std::ranges::count_if(
      samples.baseline(), [port](const fw_sample& sample) { return sample.packet.dport == port; }));
}

TEST(samples, of_a_quiet_service_stay_beside_those_of_a_busy_one) {
  Samples samples;
  for (std::uint64_t i = 0; i < 100'000; i++) {
    samples.add(trusted(FW_CLASS_UDP_NEW, 27015, i));
    if (i % 100 == 0) samples.add(trusted(FW_CLASS_UDP_NEW, 443, i));
  }
  EXPECT_EQ(samples.baseline().size(), Samples::kBaselinePerClass);
  EXPECT_EQ(of_port(samples, 443), Samples::kBaselinePerClass / 2);
  EXPECT_EQ(of_port(samples, 27015), Samples::kBaselinePerClass / 2);
}

TEST(samples, are_bounded_however_many_ports_there_are_and_the_newest_stay) {
  Samples samples;
  for (std::uint64_t i = 0; i < 20'000; i++)
    samples.add(trusted(FW_CLASS_UDP_NEW, static_cast<fw_u16>(i), i));
  const auto baseline = samples.baseline();
  ASSERT_EQ(baseline.size(), Samples::kBaselinePerClass);
  EXPECT_GE(of_port(samples, static_cast<fw_u16>(19'999)), 1U);
}

TEST(samples, of_one_class_evict_none_of_another) {
  Samples samples;
  samples.add(trusted(FW_CLASS_TCP_SYN, 80, 1));
  for (std::uint64_t i = 0; i < 5'000; i++) samples.add(trusted(FW_CLASS_UDP_NEW, 53, i));
  EXPECT_EQ(of_port(samples, 80), 1U);
}

TEST(samples, of_a_class_that_is_not_attacked_become_baseline) {
  Samples samples;
  for (const fw_class each : {FW_CLASS_UDP_NEW, FW_CLASS_TCP_SYN}) {
    fw_sample sample = trusted(each, 53, kSecond);
    sample.kind = FW_SAMPLE_NEW;
    samples.add(sample);
  }
  samples.set_under_attack(FW_CLASS_TCP_SYN, 2 * kSecond);
  samples.advance(kSecond + Samples::kWaitNs);
  ASSERT_EQ(samples.baseline().size(), 1U);
  EXPECT_EQ(samples.baseline().front().traffic_class, FW_CLASS_UDP_NEW);
}

}  // namespace
}  // namespace fw::test
