// SPDX-License-Identifier: MIT
// The view of `floodwall top` without a terminal: replies and keys in, lines and orders out.
#include "top/top.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "top/layout.hpp"
#include "top/view.hpp"

namespace fw::top {
namespace {

using nlohmann::json;

json status_at(std::uint64_t newest, const std::vector<std::uint64_t>& in) {
  return {{"mode", "enforce"},
          {"datapath", "xdp"},
          {"uptime_s", 7200},
          {"interfaces", {{{"name", "eth0"}, {"attachment", "native"}}}},
          {"problems", json::array()},
          {"now",
           {{"window_s", 10}, {"in_pps", 1000}, {"in_bytes_per_s", 64000}, {"passed_pps", 1000}}},
          {"seconds", {{"newest", newest}, {"in", in}, {"passed", in}, {"dropped", in}}},
          {"classes",
           {{{"class", "tcp_syn"},
             {"in_pps", 20034},
             {"unverified_pps", 20000},
             {"refused_pps", 19980},
             {"budget_pps", 62},
             {"used_pps", 31},
             {"by_second", in}},
            {{"class", "tcp_flow"}, {"in_pps", 900}, {"by_second", in}},
            {{"class", "fragment"}, {"in_pps", 0}, {"budget_pps", 25}}}}};
}

json status_in_attack() {
  json status = status_at(100, {10, 20, 40});
  status["problems"] = {"deny.list:3: unreadable", "eth1 is not protected"};
  status["attack"] = {
      {"id", "20260501-1"}, {"duration_s", 310}, {"trend", "rising"},       {"pps", 20000},
      {"dropped", 5210000}, {"peak_pps", 70000}, {"vectors", json::array()}};
  for (int i = 0; i < 8; ++i)
    status["attack"]["vectors"].push_back({{"class", "tcp_syn"},
                                           {"dest_ip", "203.0.113.5"},
                                           {"dest_port", 80 + i},
                                           {"pps", 20000 - i},
                                           {"done", "dropped by signature s1"},
                                           {"sampled", 9000},
                                           {"sources", 4100},
                                           {"heaviest", "198.51.100.7"},
                                           {"heaviest_share", 0.371}});
  return status;
}

json sources_of(unsigned count) {
  json reply = {{"by", "dropped"}, {"sources", json::array()}, {"prefixes", json::array()}};
  for (unsigned i = 0; i < count; ++i)
    reply["sources"].push_back({{"source", fmt::format("198.51.100.{}", i)},
                                {"pps", 4100 - i},
                                {"dropped_pps", 4000 - i},
                                {"share", 0.1},
                                {"word", "budget"},
                                {"ports", {"udp/27015"}}});
  return reply;
}

json two_signatures() {
  return {{"signatures",
           {{{"id", "s1"}, {"match", "proto=udp sport=161"}, {"packets", 918231}, {"idle_s", 0}},
            {{"id", "s2"}, {"match", "proto=tcp ttl=53"}, {"packets", 5}, {"idle_s", 9}}}}};
}

View seen(const json& status, const json& sources, const json& signatures = json::object()) {
  View view;
  take(view, read_frame(status, sources, signatures));
  return view;
}

std::string text_of(const Line& line) {
  std::string text;
  for (const Piece& piece : line) text += piece.text;
  return text;
}

std::string text_of(const Screen& screen) {
  std::string text;
  for (const Line& line : screen.lines) text += text_of(line) + "\n";
  return text;
}

const std::vector<Shape> kShapes{{80, 24, true}, {40, 10, true}, {200, 60, true}, {80, 24, false},
                                 {20, 4, true},  {1, 1, false},  {132, 3, true}};

// What a terminal would obey.
bool obeys(const std::string& text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return text.find("\xc2\x9b") != std::string::npos || text.find("\u202e") != std::string::npos;
}

// -------------------------------------------------------------------- layout

TEST(a_screen, is_never_wider_or_higher_than_the_terminal) {
  const std::vector<View> views{View{}, seen(json::object(), json::object()),
                                seen(status_at(1, {}), sources_of(0)),
                                seen(status_in_attack(), sources_of(20), two_signatures())};
  for (View view : views) {
    for (const bool asks : {false, true}) {
      if (asks) view.asked = Order{.verb = "ban", .address = "2001:db8::1", .duration = "1h"};
      for (const Shape& shape : kShapes) {
        const Screen screen = layout(view, shape);
        EXPECT_EQ(screen.lines.size(), shape.rows);
        for (const Line& line : screen.lines)
          EXPECT_LE(columns_of(line), shape.columns) << text_of(line);
      }
    }
  }
}

TEST(a_screen, of_80_by_24_shows_an_attack_whole) {
  const std::string text =
      text_of(layout(seen(status_in_attack(), sources_of(20), two_signatures()), {80, 24, true}));
  for (const char* part : {"enforce",
                           "xdp on eth0 (native)",
                           "2 problems",
                           "ATTACK 20260501-1 for 5m10s, rising",
                           "20,000/s",
                           "tcp_syn to 203.0.113.5 port 80",
                           "and 5 more",
                           "problem: ",
                           "dropped ",
                           "▂▄█",
                           "CLASS",
                           " 62 ",
                           " 50%",
                           "19,980",
                           "tcp_flow",
                           "none",
                           "SIGNATURE",
                           "proto=udp sport=161",
                           "SOURCE",
                           "DROPPED/S *",
                           "198.51.100.0",
                           "4,000",
                           "10.0 %",
                           "udp/27015",
                           "b/B ban 1h/ever",
                           "q quit"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  EXPECT_EQ(text.find("fragment"), std::string::npos) << "nothing of it arrives";
}

TEST(a_screen, of_40_by_10_keeps_what_matters_most) {
  const std::string text =
      text_of(layout(seen(status_in_attack(), sources_of(20), two_signatures()), {40, 10, true}));
  for (const char* part : {"enforce", "ATTACK 20260501-1", "problem: ", "in 40/s", "198.51.100.0",
                           "198.51.100.1", "4,000", "q quit"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

TEST(a_screen, that_is_large_shows_all_there_is) {
  const std::string text =
      text_of(layout(seen(status_in_attack(), sources_of(20), two_signatures()), {200, 60, true}));
  for (const char* part : {"port 87", "eth1 is not protected", "s2", "198.51.100.19",
                           "4,100 sources, heaviest 198.51.100.7 (37.1 %)", "UNVERIFIED/S"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

TEST(a_screen, says_that_nothing_stands_out_and_that_there_is_no_attack) {
  json status = status_at(5, {1, 0});
  EXPECT_NE(text_of(layout(seen(status, sources_of(0)), {80, 24, true})).find("no attack\n"),
            std::string::npos);
  status["last_attack"] = {{"id", "20260430-3"}, {"ended_s", 3600}};
  const std::string text = text_of(layout(seen(status, sources_of(0)), {80, 24, true}));
  EXPECT_NE(text.find("no attack; the last one, 20260430-3, ended 1h ago"), std::string::npos);
  EXPECT_NE(text.find("no source stands out"), std::string::npos) << text;
}

TEST(a_screen, in_mode_observe_says_that_nothing_is_dropped) {
  json status = status_at(5, {1}), sources = sources_of(1);
  status["mode"] = "observe";
  status["now"]["would_drop_pps"] = 4321;
  sources["sources"][0]["dropped_pps"] = 0;
  sources["sources"][0]["would_drop_pps"] = 777;
  const std::string text = text_of(layout(seen(status, sources), {120, 24, true}));
  for (const char* part : {"observe", "would drop 4,321/s", "WOULD DROP/S", "777"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

TEST(a_screen, obeys_nothing_that_a_reply_says) {
  const std::string evil =
      "\033[2J\x9b"
      "31m\u202e\xc2\x9b"
      "2J\a\r\n\t漢字e\u0301\xff";
  json status = status_in_attack(), sources = sources_of(2), signatures = two_signatures();
  status["mode"] = status["datapath"] = status["suffering"] = evil;
  status["interfaces"][0]["name"] = evil;
  status["problems"] = {evil};
  status["classes"][0]["class"] = evil;
  status["attack"]["id"] = status["attack"]["trend"] = evil;
  status["attack"]["vectors"][0]["done"] = status["attack"]["vectors"][0]["dest_ip"] = evil;
  sources["sources"][0]["source"] = sources["sources"][0]["word"] = evil;
  sources["sources"][0]["ports"][0] = evil;
  signatures["signatures"][0]["match"] = signatures["signatures"][0]["id"] = evil;
  View view = seen(status, sources, signatures);
  EXPECT_EQ(press(view, 'b', 1), Wish::nothing);
  for (const Shape& shape : kShapes) {
    const Screen screen = layout(view, shape);
    for (const Line& line : screen.lines) {
      EXPECT_FALSE(obeys(text_of(line))) << text_of(line);
      EXPECT_LE(columns_of(line), shape.columns);
      if (!shape.unicode) {
        EXPECT_EQ(columns_of(line), text_of(line).size()) << "ASCII: " << text_of(line);
      }
    }
  }
  view = {};
  take(view, Error{.kind = ErrorKind::not_running, .message = evil});
  take_outcome(view, fail(ErrorKind::refused, evil));
  EXPECT_FALSE(obeys(text_of(layout(view, {80, 1, true}).lines[0])));
  for (const Line& line : layout(view, {80, 24, true}).lines) EXPECT_FALSE(obeys(text_of(line)));
}

TEST(a_screen, without_a_daemon_says_why_and_shows_no_old_number) {
  View view = seen(status_in_attack(), sources_of(3));
  take(view, Error{.kind = ErrorKind::not_running,
                   .message = "the daemon is not running. The kernel still filters on eth0: bans "
                              "hold and end there. To take that off: sudo floodwalld --remove"});
  std::string text = text_of(layout(view, {76, 12, true}));
  for (const char* part : {"the daemon is not running", "sudo floodwalld --remove", "every 1s"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  EXPECT_EQ(text.find("198.51.100.0"), std::string::npos);
  EXPECT_EQ(text.find("ATTACK"), std::string::npos);
  EXPECT_EQ(press(view, 'b', 1), Wish::nothing);
  EXPECT_FALSE(view.asked);
  take(view, read_frame(status_in_attack(), sources_of(3), json::object()));
  EXPECT_NE(text_of(layout(view, {80, 24, true})).find("198.51.100.0"), std::string::npos);
}

TEST(sparklines, rise_to_the_highest_and_show_a_single_packet) {
  EXPECT_EQ(sparkline({0, 1, 400, 800}, 6, true), "   ▁▄█");
  EXPECT_EQ(sparkline({1, 2, 3, 8}, 2, true), "▃█") << "only the newest";
  EXPECT_EQ(sparkline({0, 8}, 3, false), "  #");
  EXPECT_EQ(sparkline({}, 3, true), "   ");
}

TEST(history, joins_replies_without_a_second_twice_and_starts_anew_after_a_gap) {
  History history;
  const auto add = [&](std::uint64_t newest, const std::vector<std::uint64_t>& in) {
    history.add(read_frame(status_at(newest, in), json::object(), json::object()));
  };
  using Values = std::vector<std::uint64_t>;
  add(10, {1, 2, 3});
  add(10, {1, 2, 3});
  add(12, {3, 4, 5});
  EXPECT_EQ(history.of("in"), (Values{1, 2, 3, 4, 5}));
  EXPECT_EQ(history.of("tcp_syn"), (Values{1, 2, 3, 4, 5}));
  add(16, {7, 8, 9});
  EXPECT_EQ(history.of("in"), (Values{7, 8, 9})) << "second 13 is not known";
  add(2, {6});
  EXPECT_EQ(history.of("in"), (Values{6})) << "another clock";
  for (std::uint64_t second = 3; second < 1000; ++second) add(second, {second});
  EXPECT_EQ(history.of("in").size(), History::kSeconds);
  EXPECT_EQ(history.of("in").back(), 999U);
}

// ---------------------------------------------------------------------- keys

struct Pressed : testing::Test {
  View view = seen(status_in_attack(), sources_of(20));

  std::string selected() { return view.rows()[view.selected_row()].address; }
};

TEST_F(Pressed, arrows_move_the_selection_and_the_rows_follow_it) {
  for (int i = 0; i < 12; ++i) EXPECT_EQ(press(view, kDown, 5), Wish::nothing);
  EXPECT_EQ(selected(), "198.51.100.12");
  EXPECT_NE(text_of(layout(view, {80, 12, true})).find("198.51.100.12"), std::string::npos);
  EXPECT_EQ(press(view, kPageUp, 5), Wish::nothing);
  EXPECT_EQ(selected(), "198.51.100.7");
  EXPECT_EQ(press(view, kLast, 5), Wish::nothing);
  EXPECT_EQ(press(view, kDown, 5), Wish::nothing);
  EXPECT_EQ(selected(), "198.51.100.19");
}

TEST_F(Pressed, a_ban_asks_first_and_is_about_who_was_selected_then) {
  EXPECT_EQ(press(view, kDown, 5), Wish::nothing);
  EXPECT_EQ(press(view, 'b', 5), Wish::nothing);
  EXPECT_NE(text_of(layout(view, {80, 24, true})).find("ban 198.51.100.1 for 1h? y does it"),
            std::string::npos);
  // Meanwhile the order of the sources is another one.
  json turned = sources_of(20);
  std::reverse(turned["sources"].begin(), turned["sources"].end());
  take(view, read_frame(status_in_attack(), turned, json::object()));
  EXPECT_EQ(press(view, 'y', 5), Wish::order);
  ASSERT_TRUE(view.under_way);
  EXPECT_EQ(view.under_way->verb, "ban");
  EXPECT_EQ(request_of(*view.under_way), (json{{"address", {"198.51.100.1"}}, {"for", "1h"}}));
}

TEST_F(Pressed, the_first_source_stays_the_selected_one_when_another_takes_its_place) {
  EXPECT_EQ(press(view, 'u', 5), Wish::nothing);
  EXPECT_EQ(press(view, 'n', 5), Wish::nothing);
  json turned = sources_of(20);
  std::reverse(turned["sources"].begin(), turned["sources"].end());
  take(view, read_frame(status_in_attack(), turned, json::object()));
  EXPECT_EQ(selected(), "198.51.100.0");
}

TEST_F(Pressed, anything_but_yes_does_nothing) {
  for (const int key : {int('n'), int('q'), int('b'), int(kEscape), int('\n'), int(kDown)}) {
    EXPECT_EQ(press(view, 'B', 5), Wish::nothing);
    ASSERT_TRUE(view.asked);
    EXPECT_EQ(press(view, key, 5), Wish::nothing);
    EXPECT_FALSE(view.asked);
    EXPECT_FALSE(view.under_way);
  }
  EXPECT_EQ(view.message, "nothing was done");
}

TEST_F(Pressed, each_order_says_how_long_it_lasts) {
  const std::vector<std::pair<char, std::string>> orders{
      {'b', "ban 198.51.100.0 for 1h"},
      {'B', "ban 198.51.100.0 until it is unbanned"},
      {'u', "unban 198.51.100.0"},
      {'a', "allow 198.51.100.0 for 1h"},
      {'A', "allow 198.51.100.0 for good, in allow.list"}};
  for (const auto& [key, words] : orders) {
    EXPECT_EQ(press(view, key, 5), Wish::nothing);
    ASSERT_TRUE(view.asked);
    EXPECT_EQ(sentence(*view.asked), words);
    EXPECT_EQ(press(view, 'n', 5), Wish::nothing);
  }
}

TEST_F(Pressed, the_refusal_of_the_daemon_is_shown_in_its_words) {
  EXPECT_EQ(press(view, 'b', 5), Wish::nothing);
  EXPECT_EQ(press(view, 'y', 5), Wish::order);
  EXPECT_EQ(press(view, 'a', 5), Wish::nothing);
  EXPECT_FALSE(view.asked) << "one order at a time";
  take_outcome(view, fail(ErrorKind::refused, "198.51.100.0 is your gateway. Insist with --force"));
  const std::string text = text_of(layout(view, {80, 24, true}));
  EXPECT_NE(text.find("refused: 198.51.100.0 is your gateway. Insist with --force"),
            std::string::npos);
  EXPECT_EQ(press(view, kDown, 5), Wish::nothing);
  EXPECT_EQ(view.message, "");
}

TEST_F(Pressed, d_and_p_change_what_is_listed) {
  EXPECT_EQ(press(view, 'd', 5), Wish::refresh);
  EXPECT_FALSE(view.by_dropped);
  EXPECT_EQ(press(view, 'p', 5), Wish::nothing);
  EXPECT_NE(text_of(layout(view, {80, 24, true})).find("no prefix stands out"), std::string::npos);
  EXPECT_EQ(press(view, 'b', 5), Wish::nothing);
  EXPECT_FALSE(view.asked) << "nobody is selected";
  EXPECT_EQ(press(view, 'q', 5), Wish::quit);
}

TEST(a_vector, of_one_source_names_it_and_of_many_says_that_there_are_more) {
  json status = status_in_attack();
  json& vectors = status["attack"]["vectors"];
  vectors[0]["sources"] = 1;
  vectors[1]["sampled"] = 4200;
  const std::string text = text_of(layout(seen(status, sources_of(0)), {200, 60, true}));
  EXPECT_NE(text.find("port 80: 20,000/s, dropped by signature s1; one source: 198.51.100.7\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("port 81: 19,999/s, dropped by signature s1; over 4,100 sources"),
            std::string::npos)
      << text;
}

// --------------------------------------------------------------------- asking

void wait_for_answers(const Asker& asker) {
  pollfd waits{.fd = asker.descriptor(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&waits, 1, 10'000), 1);
}

TEST(an_asker, answers_with_a_frame_and_with_the_words_about_an_order) {
  auto asker = Asker::open([](std::string_view verb, const json& request) -> Result<json> {
    if (verb == "status") return status_in_attack();
    if (verb == "ban")
      return json{{"results", {{{"address", request["address"][0]}, {"message", "banned"}}}}};
    return request.contains("by") ? sources_of(3) : two_signatures();
  });
  ASSERT_TRUE(asker);
  (*asker)->ask_for_frame(true);
  wait_for_answers(**asker);
  auto answers = (*asker)->take();
  ASSERT_EQ(answers.size(), 1U);
  const auto* const frame = std::get_if<Result<Frame>>(&answers[0]);
  ASSERT_TRUE(frame != nullptr && *frame);
  EXPECT_EQ((*frame)->sources.size(), 3U);
  EXPECT_EQ((*frame)->signatures.size(), 2U);
  (*asker)->ask_for({.verb = "ban", .address = "192.0.2.1", .duration = "1h"});
  wait_for_answers(**asker);
  answers = (*asker)->take();
  ASSERT_EQ(answers.size(), 1U);
  const auto* const words = std::get_if<Result<std::string>>(&answers[0]);
  ASSERT_TRUE(words != nullptr && *words);
  EXPECT_EQ(**words, "192.0.2.1: banned");
}

TEST(an_asker, does_not_wait_at_its_end_for_a_daemon_that_hangs) {
  auto hangs = std::make_shared<std::promise<void>>();
  const auto until = hangs->get_future().share();
  auto asker = Asker::open([until](std::string_view, const json&) -> Result<json> {
    until.wait();
    return fail("late");
  });
  ASSERT_TRUE(asker);
  for (int i = 0; i < 100; ++i) (*asker)->ask_for_frame(true);
  EXPECT_TRUE((*asker)->take().empty());
  asker->reset();  // returns
  hangs->set_value();
}

// ------------------------------------------------------------------ one frame

TEST(one_frame, is_made_of_three_replies_and_has_neither_keys_nor_colours) {
  std::vector<std::string> asked;
  const Ask ask = [&](std::string_view verb, const json& request) -> Result<json> {
    asked.push_back(fmt::format("{} {}", verb, request.dump()));
    if (verb == "status") return status_in_attack();
    return request.contains("by") ? sources_of(20) : two_signatures();
  };
  std::ostringstream out;
  ASSERT_TRUE(print_frame(ask, Options{}, out));
  EXPECT_EQ(asked,
            (std::vector<std::string>{"status {}", R"(list {"by":"dropped","what":["sources"]})",
                                      R"(list {"what":["signatures"]})"}));
  for (const char* part : {"ATTACK", "198.51.100.19", "s2", "port 87"})
    EXPECT_NE(out.str().find(part), std::string::npos) << part << " is not in\n" << out.str();
  EXPECT_EQ(out.str().find('\033'), std::string::npos);
  EXPECT_EQ(out.str().find("q quit"), std::string::npos);
  const auto frame = frame_as_json(ask);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->at("status"), status_in_attack());
  EXPECT_EQ(frame->at("sources"), sources_of(20));
  EXPECT_EQ(frame->at("signatures"), two_signatures());
}

TEST(one_frame, without_a_daemon_is_its_error) {
  const Ask ask = [](std::string_view, const json&) -> Result<json> {
    return fail(ErrorKind::not_running, "nobody");
  };
  std::ostringstream out;
  const auto printed = print_frame(ask, Options{}, out);
  ASSERT_FALSE(printed);
  EXPECT_EQ(printed.error().kind, ErrorKind::not_running);
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace fw::top
