// SPDX-License-Identifier: MIT
// What one daemon believed, the next one believes: over a restart, a restart of the machine, steps
// of the wall clock, sleep, tables of another size, and a damaged file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "daemon/state_file.hpp"
#include "datapath/address_key.hpp"
#include "engine/kept/kept.hpp"
#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using namespace std::chrono_literals;
using engine::Mode;
using testing::HasSubstr;

constexpr const char* kBoot = "this start of the machine";
constexpr const char* kNextBoot = "the next one";

// The store, as far as the engine sees it.
struct Kept {
  std::map<std::string, std::string> rows;

  void take(EngineLab& lab, bool last = false) {
    for (const KeptRow& row : lab.engine.take_changes(1'000'000, last, lab.now()))
      if (row.text)
        rows[row.name] = *row.text;
      else
        rows.erase(row.name);
  }
  [[nodiscard]] KeptRows all() const {
    KeptRows out;
    for (const auto& [name, text] : rows) out.push_back({name, text});
    return out;
  }
};

void restore(EngineLab& lab, const Kept& kept, const char* boot = kBoot) {
  lab.engine.restore(kept.all(), boot, false, lab.now());
}

// A daemon that was told, on a machine that knows its name.
struct FirstLab : EngineLab {
  explicit FirstLab(config::Config config = game_config()) : EngineLab(std::move(config)) {
    engine.restore({}, kBoot, false, now());
  }
};

nlohmann::json ban_row(EngineLab& lab, const std::string& address) {
  const auto bans = lab.run("list", {"bans"}).value()["bans"];
  for (const auto& row : bans)
    if (row["address"] == address) return row;
  return {};
}

TEST(state, ban_keeps_remaining_time_reason_and_author_over_a_restart_of_the_machine) {
  FirstLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}, {"reason", "it's \xff \"mine\""}}));
  ASSERT_TRUE(lab.run("ban", {"198.51.100.0/24"}, {{"forever", ""}}));
  lab.datapath.ban(prefix("203.0.113.77"), lab.mono_ns, 3'600'000, game_flood());
  lab.pass(10min);
  Kept kept;
  kept.take(lab, true);

  EngineLab next(game_config());  // its clock begins anew, at 1000 s
  next.wall = lab.wall + 5h;      // it was off, or somebody set the clock
  restore(next, kept, kNextBoot);
  EXPECT_TRUE(next.banned("203.0.113.9"));
  const auto mine = ban_row(next, "203.0.113.9");
  EXPECT_EQ(mine["left_s"], 3000);
  EXPECT_EQ(mine["by"], "operator");
  EXPECT_THAT(mine["reason"].get<std::string>(), HasSubstr("mine"));
  EXPECT_EQ(mine["since"], "2026-05-01T12:00:00.000Z");
  EXPECT_EQ(ban_row(next, "198.51.100.0/24")["until"], "forever");
  const auto limit = ban_row(next, "203.0.113.77");
  EXPECT_EQ(limit["left_s"], 3000);
  EXPECT_EQ(limit["by"], "limit");
  EXPECT_EQ(limit["rule"], "game");
  EXPECT_EQ(limit["offence"], 1);
  EXPECT_EQ(next.datapath.find(prefix("203.0.113.77"), FW_ENTRY_BAN)->rule, 1);
  next.pass(50min);
  EXPECT_FALSE(next.banned("203.0.113.9"));
  EXPECT_TRUE(next.banned("198.51.100.0/24"));
  next.datapath.ban(prefix("203.0.113.77"), next.mono_ns, 60'000, game_flood());
  next.pass(100ms);
  EXPECT_EQ(ban_row(next, "203.0.113.77")["offence"], 2);
}

TEST(state, time_passes_while_no_daemon_runs) {
  FirstLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.10"}, {{"for", "10m"}}));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.11"}, {{"for", "1h"}, {"comment", "the office"}}));
  Kept kept;
  kept.take(lab);
  EngineLab next(game_config());
  next.mono_ns = lab.mono_ns + 15 * 60 * kSecond;
  next.slept_ns = 15 * 60 * kSecond;  // and it slept as long
  next.wall = lab.wall - 24h;         // whatever the wall clock shows
  restore(next, kept);
  EXPECT_EQ(ban_row(next, "203.0.113.9")["left_s"], 1800);
  EXPECT_FALSE(next.banned("203.0.113.10"));
  EXPECT_THAT(next.last("Unban"), HasSubstr("203.0.113.10 reason=expired"));
  EXPECT_TRUE(next.allowed("203.0.113.11"));
  const auto allowed = next.run("list", {"allow"}).value()["allow"][0];
  EXPECT_EQ(allowed["comment"], "the office");
  next.pass(30min);
  EXPECT_FALSE(next.allowed("203.0.113.11"));
  kept.take(next);
  EXPECT_EQ(kept.rows.count("ban 203.0.113.10"), 0U) << "it is of no use any more";
  EXPECT_EQ(kept.rows.count("allow 203.0.113.11"), 0U);
}

TEST(state, hour_of_a_ban_passes_while_the_machine_sleeps) {
  FirstLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("ban", {"203.0.113.10"}, {{"forever", ""}}));
  ASSERT_TRUE(lab.run("allow", {"203.0.113.11"}, {{"for", "1h"}}));
  lab.slept_ns = 40 * 60 * kSecond;
  lab.wall += 40min;
  lab.pass(100ms);
  EXPECT_EQ(ban_row(lab, "203.0.113.9")["left_s"], 1200);
  EXPECT_EQ(ban_row(lab, "203.0.113.9")["since"], "2026-05-01T12:00:00.000Z");
  EXPECT_LE(lab.datapath.find(prefix("203.0.113.9"), FW_ENTRY_BAN)->until_ns,
            lab.mono_ns + 1200 * kSecond)
      << "the datapath ends it, too, if the daemon dies";
  lab.slept_ns = 61 * 60 * kSecond;
  lab.wall += 21min;
  lab.pass(100ms);
  EXPECT_FALSE(lab.banned("203.0.113.9"));
  EXPECT_FALSE(lab.allowed("203.0.113.11"));
  EXPECT_EQ(ban_row(lab, "203.0.113.10")["until"], "forever");
}

TEST(state, what_a_former_daemon_s_tables_hold_is_believed_more_than_the_store) {
  FirstLab lab;
  ASSERT_TRUE(lab.run("ban", {"203.0.113.9", "203.0.113.10"}, {{"for", "1h"}, {"reason", "mine"}}));
  Kept kept;
  kept.take(lab);
  // Lifted, and the daemon was killed before it stored that. Its tables are of another size.
  ASSERT_TRUE(lab.run("unban", {"203.0.113.9"}));
  EngineLab next(game_config());
  next.datapath.has_former = true;
  next.datapath.former = {*lab.datapath.find(prefix("203.0.113.10"), FW_ENTRY_BAN)};
  ASSERT_TRUE(next.engine.adopt(next.now()));
  restore(next, kept);
  EXPECT_TRUE(next.banned("203.0.113.10"));
  EXPECT_EQ(ban_row(next, "203.0.113.10")["reason"], "mine");
  EXPECT_FALSE(next.banned("203.0.113.9"));

  // The former program goes on until it is replaced.
  fw_entry late = next.datapath.former.front();
  late.addr = key_of(Address::parse("203.0.113.12").value());
  late.since_ns = next.mono_ns + kSecond;
  next.datapath.former.push_back(late);
  ASSERT_TRUE(next.run("unban", {"203.0.113.10"}));
  next.mono_ns += 2 * kSecond;
  next.engine.adopt_late(next.now());
  EXPECT_TRUE(next.banned("203.0.113.12"));
  EXPECT_FALSE(next.banned("203.0.113.10")) << "it was lifted since";
}

TEST(state, bans_that_find_no_room_are_counted_and_the_operator_s_come_first) {
  config::Config config = game_config();
  FirstLab lab(config);
  for (std::uint32_t i = 0; i < 4000; ++i)
    lab.datapath.ban({.address = Address::v4(0x0b00'0000 + i), .bits = 128}, lab.mono_ns, 7'200'000,
                     game_flood());
  lab.pass(100ms);
  ASSERT_TRUE(lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
  Kept kept;
  kept.take(lab, true);
  EngineLab next(config, 128);  // 1024 places
  restore(next, kept);
  EXPECT_TRUE(next.banned("203.0.113.9"));
  const auto status = next.run("status").value();
  EXPECT_LT(status["counts"]["bans"], 1025);
  EXPECT_THAT(status["problems"].dump(), HasSubstr("found no room"));
  EXPECT_THAT(next.last("Restored"), HasSubstr("no_room="));
  kept.take(next);
  EXPECT_EQ(kept.rows.count("ban 11.0.15.159"), 1U) << "it waits for a larger table";
}

TEST(state, ban_that_came_and_went_between_two_writes_leaves_nothing) {
  FirstLab lab;
  Kept kept;
  kept.take(lab);
  ASSERT_TRUE(lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
  ASSERT_TRUE(lab.run("unban", {"203.0.113.9"}));
  EXPECT_FALSE(lab.engine.has_more_changes());
}

TEST(state, changes_are_handed_out_in_parts_and_all_of_them) {
  FirstLab lab;
  std::vector<std::string> addresses;
  for (std::uint32_t i = 0; i < 100; ++i) addresses.push_back(Address::v4(0x0b00'0000 + i).text());
  ASSERT_TRUE(lab.run("ban", addresses, {{"for", "1h"}}));
  std::size_t bans = 0;
  for (int calls = 0; lab.engine.has_more_changes(); ++calls) {
    ASSERT_LT(calls, 10);
    for (const KeptRow& row : lab.engine.take_changes(30, false, lab.now()))
      bans += row.name.starts_with("ban ") ? 1 : 0;
  }
  EXPECT_EQ(bans, 100U);
}

TEST(state, rows_of_nobody_are_skipped_and_counted) {
  EngineLab lab;
  Kept kept;
  kept.rows = {
      {"ban 203.0.113.9", "{\"until_ns\": \"soon\", \"hold_ms\": -3, \"metric\": 99}"},
      {"ban nowhere", "{}"},
      {"ban 203.0.113.10", "no JSON"},
      {"allow 203.0.113.11", "[]"},
      {"offences 203.0.113.12", "{\"times\": 7}"},
      {"signature s1", "{\"fields\": [{\"name\": \"shoe\", \"bits\": 3}], \"pinned\": true}"},
      {"attack 20260501-1", "{\"vectors\": [{}, 3]}"},
      {"clock", "{\"ahead_ns\": 1e300}"},
      {"mode", "off"},
      {"of a later version", "{}"}};
  restore(lab, kept);
  EXPECT_THAT(lab.last("Restored"), HasSubstr("unreadable=4"));
  EXPECT_EQ(lab.engine.detector().signatures().all().size(), 0U)
      << "without its field it would match more";
  lab.pass(100ms);
}

// ------------------------------------------------------------------- modes

TEST(state, mode_is_remembered_until_the_configuration_says_another) {
  FirstLab lab;
  Kept kept;
  kept.take(lab);
  EXPECT_EQ(engine::kept_mode(kept.all(), config::Mode::enforce), Mode::enforce);
  ASSERT_TRUE(lab.run("mode", {"observe"}));
  kept.take(lab);
  EXPECT_EQ(engine::kept_mode(kept.all(), config::Mode::enforce), Mode::observe);
  EXPECT_EQ(engine::kept_mode(kept.all(), config::Mode::observe), Mode::observe);
  ASSERT_TRUE(lab.run("mode", {"off"}));
  kept.take(lab);
  EXPECT_EQ(engine::kept_mode(kept.all(), config::Mode::observe), Mode::off);
  ASSERT_TRUE(lab.run("mode", {"enforce"}));
  kept.take(lab);
  EXPECT_EQ(engine::kept_mode(kept.all(), config::Mode::enforce), Mode::enforce);
  EXPECT_EQ(engine::kept_mode({}, config::Mode::observe), Mode::observe);
}

// ------------------------------------------------------------------- attacks and signatures

void flood(EngineLab& lab, int ticks = 5) {
  fw_budget& budget = lab.datapath.budget(7);
  budget.used = 1;
  budget.traffic_class = FW_CLASS_TCP_SYN;
  budget.dst = key_of(Address::parse("192.0.2.1").value());
  budget.port = 80;
  for (int i = 0; i < ticks; ++i) {
    budget.refused += 100;
    lab.pass(100ms);
  }
}

TEST(state, number_of_an_attack_is_never_given_again) {
  FirstLab lab;
  Kept kept;
  kept.take(lab);
  flood(lab);  // and the daemon is killed before that is stored
  ASSERT_THAT(lab.last("AttackStart"), HasSubstr("id=20260501-1 "));
  EngineLab next(game_config());
  restore(next, kept);
  flood(next);
  const std::string id = next.engine.detector().attack()->id;
  EXPECT_NE(id, "20260501-1");
  kept.take(next, true);  // stopped in order: the numbers go on without a gap
  EngineLab third(game_config());
  third.mono_ns = next.mono_ns + 60 * kSecond;
  restore(third, kept);
  EXPECT_THAT(third.last("AttackEnd"), HasSubstr("id=" + id)) << "the daemon died in it";
  flood(third);
  EXPECT_EQ(third.engine.detector().attack()->id,
            "20260501-" + std::to_string(std::stoi(id.substr(9)) + 1));
  const auto attacks = third.run("list", {"attacks"}).value()["attacks"];
  ASSERT_EQ(attacks.size(), 2U);
  EXPECT_EQ(attacks[0]["id"], id);
  EXPECT_EQ(attacks[0]["vectors"][0]["dest_port"], 80);
}

TEST(state, number_of_an_attack_is_new_even_if_the_store_was_lost) {
  EngineLab lab;
  lab.engine.restore({}, kBoot, true, lab.now());
  flood(lab);
  EXPECT_EQ(lab.engine.detector().attack()->id, "20260501-43201") << "12:00 and one";
}

TEST(state, events_are_shown_by_the_next_daemon_under_the_same_ids) {
  FirstLab lab;
  ASSERT_TRUE(lab.run("ban", {"198.51.100.1"}, {{"reason", "said \"no\""}, {"for", "1h"}}));
  Kept kept;
  kept.take(lab);
  ASSERT_TRUE(lab.run("unban", {"198.51.100.1"}));
  kept.take(lab);
  const auto before = lab.run("events").value();
  EngineLab next(game_config());
  next.engine.restore_events(kept.all());
  restore(next, kept);
  auto after = next.run("events").value();
  EXPECT_THAT(next.last("Restored"),
              HasSubstr("events=" + std::to_string(before["events"].size())));
  for (std::size_t i = 0; i < before["events"].size(); ++i)
    EXPECT_EQ(after["events"][i], before["events"][i]);
  EXPECT_GT(after["events"].back()["id"], before["next"]) << "no id is given twice";
  const std::string since = std::to_string(before["next"].get<std::uint64_t>());
  EXPECT_EQ(next.run("events", {}, {{"after", since}}).value()["events"].size(),
            after["events"].size() - before["events"].size());
}

TEST(state, kept_events_are_bounded_and_damaged_ones_are_left_out) {
  FirstLab lab;
  Kept kept;
  for (int i = 0; i < 11'000; ++i) {
    lab.pass(20ms);
    lab.engine.journal().write(engine::EventType::limit, lab.now(),
                               [] { return engine::EventDetails{"192.0.2.1", {}}; });
    if (i % 500 == 0) kept.take(lab);
  }
  kept.take(lab, true);
  const auto is_event = [](const auto& row) { return row.first.starts_with("event "); };
  EXPECT_EQ(std::ranges::count_if(kept.rows, is_event), engine::Journal::kMaxEvents);
  for (const char* text : {"", "[]", "{\"type\": \"Ban\"}", "{\"ms\": 1, \"type\": \"Nonsense\"}"})
    kept.rows["event " + std::to_string(kept.rows.size() + 900'000)] = text;
  kept.rows["event x"] = "{}";
  EngineLab next(game_config());
  next.engine.restore_events(kept.all());
  EXPECT_EQ(next.engine.journal().events().size(), engine::Journal::kMaxEvents);
  kept.take(next, true);
  EXPECT_EQ(std::ranges::count_if(kept.rows, is_event), engine::Journal::kMaxEvents);
}

TEST(state, attack_goes_on_in_the_next_daemon) {
  FirstLab lab;
  flood(lab);
  Kept kept;
  kept.take(lab);
  const std::string id = lab.engine.detector().attack()->id;
  EngineLab next(game_config());
  next.mono_ns = lab.mono_ns + 2 * kSecond;
  restore(next, kept);
  flood(next);
  EXPECT_EQ(next.engine.detector().attack()->id, id);
  EXPECT_EQ(next.last("AttackStart"), "");
}

engine::FoundSignature found_signature() {
  engine::FoundSignature found;
  found.signature = engine::protocol_signature(17);
  engine::add_field(found.signature, {engine::HeaderField::dport, 16, 53});
  engine::add_field(found.signature, {engine::HeaderField::ttl, 2, 3});
  engine::add_field(found.signature, {engine::HeaderField::payload, 64, 0xfedc'ba98'7654'3210});
  found.classes = 1U << FW_CLASS_UDP_NEW | 1U << FW_CLASS_UDP_REFLECTED;
  found.text = engine::describe(found.signature);
  return found;
}

TEST(state, pinned_signature_is_in_force_again_and_another_while_its_flood_may_last) {
  FirstLab lab;
  engine::FoundSignature other = found_signature();
  engine::drop_field(other.signature, engine::HeaderField::ttl);
  other.text = engine::describe(other.signature);
  ASSERT_TRUE(lab.engine.detector().signatures().put(found_signature(), "20260501-1", lab.now()));
  ASSERT_TRUE(lab.engine.detector().signatures().put(other, "20260501-1", lab.now()));
  ASSERT_TRUE(lab.run("signature", {"s1"}, {{"pin", ""}}));
  Kept kept;
  kept.take(lab);

  EngineLab soon(game_config());
  soon.mono_ns = lab.mono_ns + 2 * kSecond;
  restore(soon, kept);
  EXPECT_EQ(soon.engine.detector().signatures().all().size(), 2U);

  EngineLab later(game_config());
  restore(later, kept, kNextBoot);
  later.pass(1h);
  const auto& all = later.engine.detector().signatures().all();
  ASSERT_EQ(all.size(), 1U);
  const engine::ActiveSignature& pinned = all.begin()->second;
  EXPECT_EQ(pinned.id, 1U);
  EXPECT_EQ(pinned.found.text, found_signature().text);
  const fw_signature& in_table = later.datapath.tables().signatures[all.begin()->first];
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(in_table.mask.word[i], found_signature().signature.mask.word[i]);
    EXPECT_EQ(in_table.value.word[i], found_signature().signature.value.word[i]);
  }
  EXPECT_EQ(in_table.until_ns, 0U);
  kept.take(later);
  EXPECT_EQ(kept.rows.count("signature s2"), 0U);
  EXPECT_EQ(kept.rows.count("signature s1"), 1U);
  ASSERT_TRUE(later.run("mode", {"off"}));
  ASSERT_TRUE(later.run("mode", {"enforce"}));
  EXPECT_EQ(later.engine.detector().signatures().all().size(), 1U) << "also over a time off";
}

// ------------------------------------------------------------------- the file

struct Daemon {
  EngineLab lab{game_config()};
  daemon::StateFile file;

  explicit Daemon(const std::filesystem::path& path) : file(path) {
    file.restore_baseline(lab.engine);
    file.restore(lab.engine, lab.now());
  }
  // Until the writer has done its part; the tick itself waits for nothing.
  void tick_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < end) {
      lab.pass(100ms);
      file.tick(lab.engine, lab.now());
      std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(done());
  }
  void stop() { file.finish(lab.engine, lab.now()); }
};

class StateFileTest : public testing::Test {
 protected:
  TemporaryFolder temporary_;
  std::filesystem::path folder_ = temporary_.path() / "state";
  std::filesystem::path file_ = folder_ / "state.db";

  [[nodiscard]] std::size_t set_aside() const {
    std::size_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator(folder_))
      count += each.path().filename().string().starts_with("state.db.damaged-") ? 1 : 0;
    return count;
  }
};

TEST_F(StateFileTest, the_next_daemon_knows_and_says_how_the_last_one_ended) {
  {
    Daemon first(file_);
    EXPECT_EQ(first.file.last_life(), "none");
    ASSERT_TRUE(first.lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
    first.file.tick(first.lab.engine, first.lab.now());
    first.stop();
    EXPECT_EQ(first.file.problem(), "");
  }
  {
    Daemon second(file_);
    EXPECT_EQ(second.file.last_life(), "stopped");
    EXPECT_TRUE(second.lab.banned("203.0.113.9"));
    second.tick_until([&] {
      auto opened = store::Store::open(file_);
      return opened && std::ranges::any_of(opened->rows, [](const KeptRow& row) {
               return row.name == "life" && row.text == "running";
             });
    });
  }  // killed
  EXPECT_EQ(Daemon(file_).file.last_life(), "killed");
}

TEST_F(StateFileTest, damaged_one_is_set_aside_and_learning_goes_on_in_a_new_one) {
  std::filesystem::create_directories(folder_);
  std::ofstream(file_) << std::string(9000, 'x');
  {
    Daemon first(file_);
    EXPECT_THAT(first.lab.last("StateLost"), HasSubstr(file_.native() + ".damaged-"));
    EXPECT_EQ(set_aside(), 1U);
    ASSERT_TRUE(first.lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
    first.stop();
    EXPECT_EQ(first.file.problem(), "");
  }
  EXPECT_TRUE(Daemon(file_).lab.banned("203.0.113.9"));
}

TEST_F(StateFileTest, file_that_vanishes_is_written_anew_with_everything) {
  Daemon first(file_);
  ASSERT_TRUE(first.lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
  first.tick_until([&] { return !first.lab.engine.has_more_changes(); });
  std::filesystem::remove_all(folder_);
  ASSERT_TRUE(first.lab.run("ban", {"203.0.113.10"}, {{"for", "1h"}}));
  first.tick_until([&] { return !first.lab.last("StateLost").empty(); });
  first.stop();
  Daemon next(file_);
  EXPECT_TRUE(next.lab.banned("203.0.113.9"));
  EXPECT_TRUE(next.lab.banned("203.0.113.10"));
}

TEST_F(StateFileTest, folder_that_cannot_be_written_is_a_problem_that_heals) {
  std::ofstream(folder_.native()) << "in the way";
  Daemon first(file_);
  ASSERT_TRUE(first.lab.run("ban", {"203.0.113.9"}, {{"for", "1h"}}));
  first.tick_until([&] { return !first.file.problem().empty(); });
  EXPECT_THAT(first.file.problem(), HasSubstr(folder_.native()));
  std::filesystem::remove(folder_);
  first.tick_until([&] { return first.file.problem().empty(); });
  first.stop();
  EXPECT_TRUE(Daemon(file_).lab.banned("203.0.113.9"));
}

// So many windows in which port 53 was asked 90 times a second.
void teach(EngineLab& lab, unsigned windows) {
  fw_budget& budget = lab.datapath.budget(0);
  budget.used = 1;
  budget.dst = key_of(Address::parse("192.0.2.1").value());
  budget.traffic_class = FW_CLASS_UDP_NEW;
  budget.port = 53;
  for (unsigned i = 0; i < windows; i++) {
    budget.window = static_cast<fw_u32>(lab.mono_ns >> FW_WINDOW_SHIFT);
    budget.taken = 97;
    lab.pass(std::chrono::nanoseconds(std::uint64_t{1} << FW_WINDOW_SHIFT));
  }
}

TEST_F(StateFileTest, what_was_learned_is_known_again) {
  std::string learned;
  {
    Daemon first(file_);
    teach(first.lab, 4000);
    learned = first.lab.engine.baseline().text();
    first.stop();
  }
  Daemon next(file_);
  EXPECT_EQ(next.file.problem(), "");
  EXPECT_EQ(next.lab.engine.baseline().text(), learned);
  EXPECT_GT(next.lab.engine.baseline().seconds(), 3600U);
}

TEST_F(StateFileTest, text_that_is_no_baseline_is_a_problem_and_learning_begins_anew) {
  {
    auto opened = store::Store::open(file_);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->store.write(KeptRows{{"baseline", "{}"}}));
  }
  Daemon first(file_);
  EXPECT_THAT(first.file.problem(), HasSubstr("begins anew"));
  EXPECT_EQ(first.lab.engine.baseline().seconds(), 0U);
}

}  // namespace
}  // namespace fw::test
