// SPDX-License-Identifier: MIT
// The event log: its text, its JSON, and that no flood of events makes it grow without bound.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "engine/enforce/offences.hpp"
#include "engine/journal/event.hpp"
#include "engine/journal/journal.hpp"
#include "engine/journal/measured.hpp"
#include "engine/journal/words.hpp"

namespace fw::engine {
namespace {

const auto kNoon = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1) + std::chrono::hours(12);

Now at(double seconds) {
  const auto ns = std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  return {.mono_ns = 1000 * kSecond + static_cast<std::uint64_t>(ns.count()),
          .wall = kNoon + std::chrono::duration_cast<std::chrono::system_clock::duration>(ns)};
}

Event ban_event() {
  return {.id = 7,
          .time = at(3.412).wall,
          .type = EventType::ban,
          .address = "203.0.113.77",
          .fields = {Field::text("for", "60s"), Field::text("rule", "game"),
                     Field::text("proto", "udp"), Field::count("dport", 27015),
                     Field::count("pps", 12400), Field::count("limit", 2000),
                     Field::text("window", "1s"), Field::count("offence", 1)}};
}

TEST(event, text_is_the_documented_line) {
  EXPECT_EQ(to_text(ban_event()),
            "2026-05-01T12:00:03.412Z NOTICE Ban 203.0.113.77 for=60s rule=game proto=udp "
            "dport=27015 pps=12400 limit=2000 window=1s offence=1");
}

TEST(event, json_has_suricatas_field_names) {
  const nlohmann::json json = to_json(ban_event());
  EXPECT_EQ(json["timestamp"], "2026-05-01T12:00:03.412Z");
  EXPECT_EQ(json["event_type"], "Ban");
  EXPECT_EQ(json["level"], "notice");
  EXPECT_EQ(json["src_ip"], "203.0.113.77");
  EXPECT_EQ(json["dest_port"], 27015);
  EXPECT_EQ(json["proto"], "udp");
  EXPECT_EQ(json["pps"], 12400);
  EXPECT_EQ(json["id"], 7);
}

TEST(event, values_are_escaped_so_that_one_event_is_one_line) {
  const struct {
    std::string value, text;
  } cases[] = {
      {"", "\"\""},
      {"two words", "\"two words\""},
      {"a=b", "\"a=b\""},
      {"say \"hi\"", R"("say \"hi\"")"},
      {"back\\slash", R"("back\\slash")"},
      {"line\nBan 1.2.3.4", R"("line\nBan 1.2.3.4")"},
      {"\x1b[31m", R"("\x1b[31m")"},
      {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
      {"\xc2\x9b", R"("\xc2\x9b")"},          // a C1 control character
      {"\xe2\x80\xae", R"("\xe2\x80\xae")"},  // right-to-left override
      {"\xff\xc0\xaf", R"("\xff\xc0\xaf")"},  // not UTF-8
      {std::string("nul\0", 4), R"("nul\x00")"},
  };
  for (const auto& [value, text] : cases) {
    Event event;
    event.fields = {Field::text("reason", value)};
    const std::string line = to_text(event);
    EXPECT_EQ(line.substr(line.find("reason=") + 7), text);
    EXPECT_EQ(to_json_line(event).find('\n'), std::string::npos);
    EXPECT_TRUE(nlohmann::json::accept(to_json_line(event)));
  }
}

TEST(journal, gives_ids_and_calls_the_sink) {
  Journal journal;
  std::vector<std::uint64_t> seen;
  journal.set_sink([&](const Event& event) { seen.push_back(event.id); });
  for (int i = 0; i < 3; ++i)
    journal.write(EventType::ban, at(i), [] { return EventDetails{"192.0.2.1", {}}; });
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(journal.last_id(), 3);
}

TEST(journal, a_flood_of_one_type_is_cut_and_counted_and_leaves_the_others_alone) {
  Journal journal;
  for (int i = 0; i < 100'000; ++i)
    journal.write(EventType::limit, at(0), [] { return EventDetails{"192.0.2.1", {}}; });
  EXPECT_EQ(journal.events().size(), 200);
  EXPECT_EQ(journal.suppressed(), 99'800);
  journal.write(EventType::ban, at(0), [] { return EventDetails{"192.0.2.2", {}}; });
  EXPECT_EQ(journal.events().back().type, EventType::ban);

  journal.summarise_suppressed(at(0.5));
  EXPECT_EQ(journal.events().size(), 201);
  journal.summarise_suppressed(at(1));
  journal.summarise_suppressed(at(1.1));
  ASSERT_EQ(journal.events().size(), 202);
  const std::string line = to_text(journal.events().back());
  EXPECT_EQ(line.substr(25), "WARNING Suppressed count=99800 type=Limit");
}

TEST(journal, a_lasting_flood_is_summarised_every_ten_seconds) {
  Journal journal;
  for (int tick = 0; tick < 300; ++tick) {  // 30 s
    for (int i = 0; i < 100; ++i)
      journal.write(EventType::limit, at(tick / 10.0),
                    [] { return EventDetails{"192.0.2.1", {}}; });
    journal.summarise_suppressed(at(tick / 10.0));
  }
  std::size_t summaries = 0;
  for (const Event& event : journal.events()) summaries += event.type == EventType::suppressed;
  EXPECT_EQ(summaries, 3);
  EXPECT_NEAR(static_cast<double>(journal.events().size()), 200 + 30 * 50, 60);
}

TEST(journal, keeps_the_last_ten_thousand) {
  Journal journal;
  for (int i = 0; i < 12'000; ++i)
    journal.write(EventType::unban, at(i), [] { return EventDetails{"192.0.2.1", {}}; });
  EXPECT_EQ(journal.events().size(), Journal::kMaxEvents);
  EXPECT_EQ(journal.events().front().id, 2001);
}

TEST(measured, window_counts_are_shown_per_second) {
  fw_event packets{};
  packets.value = 13'314;
  packets.limit = 2147;
  EXPECT_EQ(measured(packets, at(0)).value, 12400);
  EXPECT_EQ(measured(packets, at(0)).limit, 2000);
  // 25 MB/s is 1,562,500 units of 16 bytes a second.
  fw_event bytes{};
  bytes.value = 1'677'722;
  bytes.metric = FW_METRIC_BYTES;
  EXPECT_NEAR(static_cast<double>(measured(bytes, at(0)).value), 25e6, 16);
}

TEST(measured, numbers_are_written_for_people) {
  EXPECT_EQ(rate_in_words(5'900'000, FW_METRIC_BYTES), "5.9 MB/s");
  EXPECT_EQ(duration_field(60 * kSecond), "60s");
  EXPECT_EQ(duration_field(1500 * kMillisecond), "1500ms");
  EXPECT_EQ(duration_in_words(47 * kSecond), "47 s");
  EXPECT_EQ(duration_in_words(3 * 3600 * kSecond), "3 h 0 min");
}

TEST(offences, are_counted_within_their_memory) {
  Offences offences;
  const Prefix source{.address = Address::v4(0xcb00714d), .bits = 128};
  const Milliseconds hour{3'600'000};
  EXPECT_EQ(offences.add(source, at(0), hour), 1);
  EXPECT_EQ(offences.add(source, at(1800), hour), 2);
  EXPECT_EQ(offences.count(source, at(1800), hour), 2);
  EXPECT_EQ(offences.count(source, at(4000), hour), 1);
  EXPECT_EQ(offences.add(source, at(9000), hour), 1);
}

TEST(offences, forget_the_oldest_when_they_are_full) {
  Offences offences(3);
  const Milliseconds day{86'400'000};
  const auto source = [](std::uint32_t i) {
    return Prefix{.address = Address::v4(i), .bits = 128};
  };
  for (std::uint32_t i = 1; i <= 3; ++i) offences.add(source(i), at(i), day);
  offences.add(source(1), at(4), day);
  offences.add(source(9), at(5), day);
  EXPECT_EQ(offences.sources(), 3);
  EXPECT_EQ(offences.count(source(2), at(6), day), 0);
  EXPECT_EQ(offences.count(source(1), at(6), day), 2);
}

TEST(offences, escalation_ends_at_the_last_factor) {
  const std::vector<unsigned> factors{1, 5, 30};
  EXPECT_EQ(escalation(factors, 1), 1);
  EXPECT_EQ(escalation(factors, 2), 5);
  EXPECT_EQ(escalation(factors, 3), 30);
  EXPECT_EQ(escalation(factors, 99), 30);
  EXPECT_EQ(escalation({}, 4), 1);
}

}  // namespace
}  // namespace fw::engine
