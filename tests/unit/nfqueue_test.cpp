// SPDX-License-Identifier: MIT
// The messages of nfnetlink_queue, as recorded from a kernel, and the rules that divert packets
// into the queues.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "datapath/nfqueue/ledger.hpp"
#include "datapath/nfqueue/messages.hpp"
#include "datapath/nfqueue/rules.hpp"
#include "harness/temporary_folder.hpp"

namespace {

using namespace fw::datapath::nfqueue;

// Received on Linux 6.18 (copy range 256, NFQA_CFG_F_GSO): packet 1 of queue 4300 in PREROUTING, a
// UDP datagram of 10.9.1.3 to 10.9.0.2 with 8 bytes of payload.
alignas(nlmsghdr) constexpr std::array<unsigned char, 104> kPacket{
    0x68, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x02, 0x00, 0x10, 0xcc, 0x0b, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00,
    0x00, 0x00, 0x08, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x03, 0x10, 0x00, 0x09, 0x00, 0x00,
    0x06, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x08, 0x00, 0x0e, 0x00,
    0x00, 0x00, 0x00, 0x04, 0x28, 0x00, 0x0a, 0x00, 0x45, 0x00, 0x00, 0x24, 0x00, 0x01, 0x00,
    0x00, 0x40, 0x11, 0x65, 0xb2, 0x0a, 0x09, 0x01, 0x03, 0x0a, 0x09, 0x00, 0x02, 0x9c, 0x40,
    0x00, 0x09, 0x00, 0x10, 0xb2, 0xae, 0x66, 0x6c, 0x6f, 0x6f, 0x64, 0x77, 0x61, 0x6c};

// Its successor with 600 bytes of payload, up to where the payload begins.
alignas(nlmsghdr) constexpr std::array<unsigned char, 104> kCutPacket{
    0x4c, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x02, 0x00, 0x10, 0xcc, 0x0b, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00,
    0x00, 0x00, 0x08, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x03, 0x10, 0x00, 0x09, 0x00, 0x00,
    0x06, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x08, 0x00, 0x0d, 0x00,
    0x00, 0x00, 0x02, 0x74, 0x08, 0x00, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x04, 0x04, 0x01, 0x0a,
    0x00, 0x45, 0x00, 0x02, 0x74, 0x00, 0x01, 0x00, 0x00, 0x40, 0x11, 0x63, 0x62, 0x0a, 0x09,
    0x01, 0x03, 0x0a, 0x09, 0x00, 0x02, 0x9c, 0x40, 0x00, 0x09, 0x02, 0x60, 0x1c, 0xa1};

std::vector<std::byte> recorded() {
  const auto bytes = std::as_bytes(std::span(kPacket));
  return {bytes.begin(), bytes.end()};
}

// All 256 bytes that were copied: the payload is 'x'.
std::vector<std::byte> recorded_cut() {
  const auto bytes = std::as_bytes(std::span(kCutPacket));
  std::vector<std::byte> message(bytes.begin(), bytes.end());
  message.resize(332, std::byte{'x'});
  return message;
}

std::uint32_t word_at(std::span<const std::byte> bytes, std::size_t offset) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < 4; i++)
    word = word << 8 | std::to_integer<unsigned>(bytes[offset + i]);
  return word;
}

TEST(Messages, queued_packet_is_read_with_its_number_and_its_bytes) {
  const auto message = recorded();
  std::vector<QueuedPacket> packets;
  read_packets(message, packets);
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets[0].id, 1U);
  EXPECT_EQ(packets[0].frame.link, FW_LINK_IP);
  EXPECT_EQ(packets[0].frame.captured_bytes, 36U);
  EXPECT_EQ(packets[0].frame.wire_bytes, 36U);
  fw_packet parsed;
  ASSERT_TRUE(fw_policy_parse(&packets[0].frame, &parsed));
  EXPECT_EQ(parsed.src.lo & 0xffffffff, 0x0a090103U);
  EXPECT_EQ(parsed.sport, 40000);
  EXPECT_EQ(parsed.dport, 9);
}

TEST(Messages, packet_that_was_cut_has_its_true_length) {
  const auto message = recorded_cut();
  std::vector<QueuedPacket> packets;
  read_packets(message, packets);
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(packets[0].id, 2U);
  EXPECT_EQ(packets[0].frame.captured_bytes, 256U);
  EXPECT_EQ(packets[0].frame.wire_bytes, 628U);
  fw_packet parsed;
  ASSERT_TRUE(fw_policy_parse(&packets[0].frame, &parsed));
  EXPECT_EQ(parsed.ip_len_bytes, 628U);
}

TEST(Messages, cut_off_or_foreign_messages_are_no_packets) {
  const auto whole = recorded();
  for (std::size_t size = 0; size < whole.size(); size++) {
    // A copy of just that size, so that a sanitizer sees a read beyond it.
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<long>(size));
    std::vector<QueuedPacket> packets;
    read_packets(part, packets);
    EXPECT_TRUE(packets.empty()) << size;
  }
  auto foreign = whole;
  foreign[5] = std::byte{1};  // a message of another subsystem
  std::vector<QueuedPacket> packets;
  read_packets(foreign, packets);
  EXPECT_TRUE(packets.empty());
}

TEST(Messages, wrong_lengths_are_read_within_the_message) {
  for (std::size_t at = 0; at < kPacket.size(); at++)
    for (const unsigned value : {0U, 1U, 3U, 127U, 255U}) {
      auto message = recorded();
      message[at] = static_cast<std::byte>(value);
      std::vector<QueuedPacket> packets;
      read_packets(message, packets);
      for (const QueuedPacket& packet : packets) {
        const auto* begin = reinterpret_cast<const fw_u8*>(message.data());
        if (packet.frame.captured_bytes == 0) continue;
        EXPECT_GE(packet.frame.data, begin);
        EXPECT_LE(packet.frame.data + packet.frame.captured_bytes, begin + message.size());
      }
    }
}

TEST(Messages, acknowledgement_tells_success_from_failure_and_from_packets) {
  // What Linux 6.18 answers to binding a queue that another program has.
  alignas(nlmsghdr) std::array<unsigned char, 48> busy{
      0x30, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x77, 0x20, 0xe2, 0xef, 0xff, 0xff, 0xff, 0xff, 0x1c, 0x00, 0x00, 0x00,
      0x02, 0x03, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x10, 0xcc, 0x08, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00};
  EXPECT_EQ(read_acknowledgement(std::as_bytes(std::span(busy))), EPERM);
  std::memset(&busy[16], 0, 4);
  EXPECT_EQ(read_acknowledgement(std::as_bytes(std::span(busy))), 0);
  EXPECT_EQ(read_acknowledgement(recorded()), -1);
}

TEST(Messages, verdicts_that_agree_are_one_message_up_to_the_last) {
  Verdicts verdicts(4300);
  for (const std::uint32_t id : {5U, 6U, 7U}) verdicts.add(id, true);
  verdicts.add(8, false);
  verdicts.add(9, true);
  const auto bytes = verdicts.bytes();
  ASSERT_EQ(bytes.size(), 3 * 32U);
  const std::array<std::pair<std::uint32_t, std::uint32_t>, 3> expected{{{0, 7}, {1, 8}, {0, 9}}};
  for (std::size_t i = 0; i < expected.size(); i++) {
    const auto message = bytes.subspan(i * 32, 32);
    EXPECT_EQ(std::to_integer<unsigned>(message[4]), unsigned{NFQNL_MSG_VERDICT_BATCH});
    EXPECT_EQ(word_at(message, 16) & 0xffff, 4300U) << "the queue's number";
    EXPECT_EQ(word_at(message, 24), expected[i].first) << "NF_DROP is 0, NF_ACCEPT is 1";
    EXPECT_EQ(word_at(message, 28), expected[i].second);
  }
  verdicts.clear();
  EXPECT_TRUE(verdicts.empty());
}

constexpr QueueNumbers kQueues{.first = 4300, .ingress = 2};
constexpr std::string_view kForeign =
    "-P PREROUTING ACCEPT\n-P OUTPUT ACCEPT\n-N theirs\n-A PREROUTING -i eth0 -j theirs\n"
    "-A theirs -s 192.0.2.1/32 -j DROP\n";

TEST(IptablesRules, nothing_of_ours_is_nothing_to_remove) {
  EXPECT_EQ(iptables_rules(kForeign, {}, kQueues), "");
}

TEST(IptablesRules, divert_one_interface_and_bypass_without_a_daemon) {
  EXPECT_EQ(iptables_rules(kForeign, {"up0"}, kQueues),
            "*raw\n:FLOODWALL - [0:0]\n:FLOODWALL-OUT - [0:0]\n"
            "-A FLOODWALL -j NFQUEUE --queue-balance 4300:4301 --queue-bypass --queue-cpu-fanout\n"
            "-A FLOODWALL-OUT -p tcp --tcp-flags SYN SYN -j NFQUEUE --queue-num 4302 "
            "--queue-bypass\n"
            "-A FLOODWALL-OUT ! -p tcp -j NFQUEUE --queue-num 4302 --queue-bypass\n"
            "-I PREROUTING -i up0 -j FLOODWALL\n-I OUTPUT -o up0 -j FLOODWALL-OUT\nCOMMIT\n");
}

TEST(IptablesRules, leftovers_are_replaced_and_foreign_rules_never_named) {
  const std::string listing = std::string(kForeign) +
                              "-N FLOODWALL\n-N FLOODWALL-OUT\n"
                              "-A PREROUTING -i old0 -j FLOODWALL\n"
                              "-A OUTPUT -o old0 -j FLOODWALL-OUT\n"
                              "-A FLOODWALL -j NFQUEUE --queue-num 4300 --queue-bypass\n";
  const std::string replaced = iptables_rules(listing, {"up0"}, kQueues);
  EXPECT_NE(replaced.find("-D PREROUTING -i old0 -j FLOODWALL\n"), std::string::npos);
  EXPECT_EQ(replaced.find("theirs"), std::string::npos);
  EXPECT_EQ(iptables_rules(listing, {}, kQueues),
            "*raw\n-D PREROUTING -i old0 -j FLOODWALL\n-D OUTPUT -o old0 -j FLOODWALL-OUT\n"
            "-F FLOODWALL\n-X FLOODWALL\n-F FLOODWALL-OUT\n-X FLOODWALL-OUT\nCOMMIT\n");
}

TEST(IptablesRules, are_in_place_only_if_every_interface_is_diverted_and_no_other) {
  const std::string listing = std::string(kForeign) +
                              "-N FLOODWALL\n-N FLOODWALL-OUT\n"
                              "-A PREROUTING -i up0 -j FLOODWALL\n"
                              "-A OUTPUT -o up0 -j FLOODWALL-OUT\n"
                              "-A FLOODWALL -j NFQUEUE --queue-balance 4300:4301 --queue-bypass "
                              "--queue-cpu-fanout\n";
  EXPECT_TRUE(has_iptables_rules(listing, {"up0"}));
  EXPECT_FALSE(has_iptables_rules(listing, {"up0", "up1"}));
  EXPECT_FALSE(has_iptables_rules(listing, {"up1"}));
  EXPECT_FALSE(has_iptables_rules(kForeign, {"up0"}));
}

TEST(NftRules, table_is_replaced_whole_and_bypasses) {
  const std::string script = nft_rules({"up0", "up1"}, kQueues);
  EXPECT_TRUE(script.starts_with("add table inet floodwall\ndelete table inet floodwall\n"));
  EXPECT_NE(script.find("iifname { \"up0\", \"up1\" } counter queue num 4300-4301 bypass,fanout"),
            std::string::npos);
  EXPECT_NE(nft_rules({"up0"}, {.first = 9, .ingress = 1}).find("queue num 9 bypass\n"),
            std::string::npos);
}

TEST(Rules, counters_of_our_ingress_rules_are_read_and_no_others) {
  EXPECT_EQ(iptables_matched("-P PREROUTING ACCEPT -c 900 90000\n"
                             "-N FLOODWALL\n-N FLOODWALL-OUT\n"
                             "-A PREROUTING -i up0 -c 41 4100 -j FLOODWALL\n"
                             "-A FLOODWALL -c 41 4100 -j NFQUEUE --queue-num 4300 --queue-bypass\n"
                             "-A FLOODWALL-OUT -c 7 700 -j NFQUEUE --queue-num 4301\n"),
            41U);
  EXPECT_EQ(iptables_matched("-P PREROUTING ACCEPT -c 900 90000\n"), 0U);
  EXPECT_EQ(nft_matched("table inet floodwall {\n\tchain in {\n"
                        "\t\tiifname \"up0\" counter packets 12 bytes 1200 queue flags "
                        "bypass,fanout to 4300-4301\n\t}\n\tchain out {\n"
                        "\t\toifname \"up0\" meta l4proto != tcp queue flags bypass to 4302\n"),
            12U);
  EXPECT_EQ(nft_matched(""), 0U);
}

TEST(Ledger, packets_that_rules_counted_after_the_exit_are_known_to_the_next_process) {
  const fw::test::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "received";
  {
    Ledger first(file);
    EXPECT_EQ(first.unseen_since_exit(5), 0U) << "there was no process before";
    first.reset();
    first.record(0, 10);
    first.record(1, 20);
    first.restart_rule_counters();
    first.record(0, 15);
  }
  Ledger second(file);
  EXPECT_EQ(second.unseen_since_exit(5), 0U) << "all of them reached a queue";
  EXPECT_EQ(second.unseen_since_exit(105), 100U);
  EXPECT_EQ(second.unseen_since_exit(0), 0U) << "the rules were gone as well";
  second.reset();
  EXPECT_EQ(Ledger(file).unseen_since_exit(7), 7U);
}

TEST(Ledger, without_a_file_it_counts_for_this_process_only) {
  Ledger ledger("/nonexistent/received");
  ledger.reset();
  ledger.record(7, 3);
  EXPECT_EQ(ledger.unseen_since_exit(4), 1U);
  EXPECT_EQ(Ledger("/nonexistent/received").unseen_since_exit(4), 0U);
}

TEST(Rules, interface_name_that_would_be_a_wildcard_or_a_script_is_refused) {
  for (const char* name : {"eth+", "a b", "x\n-F", "\"", ""}) {
    Rules rules(kQueues);
    const auto done = rules.divert({name});
    ASSERT_FALSE(done) << name;
  }
}

}  // namespace
