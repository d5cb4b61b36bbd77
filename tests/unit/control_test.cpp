// SPDX-License-Identifier: MIT
// The API: what a request may hold, and which route answers how.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>

#include "control/dispatch.hpp"
#include "control/request.hpp"
#include "control_echo.hpp"

namespace {

using fw::ErrorKind;
using fw::control::Answer;
using fw::control::dispatch;
using fw::control::find_verb;
using fw::control::Peer;
using fw::control::Request;
using fw::control::Verb;
using fw::test::echo;
using nlohmann::json;

const Peer kRoot{.uid = 0, .allowed = true};
const Peer kUnverified{.uid = 65534, .allowed = false};
const Peer kReader{.uid = 65534, .allowed = true, .read_only = true};

json error_of(const Answer& answer) {
  return json::parse(answer.body).at("error");
}

// ------------------------------------------------------------------ requests

TEST(requests, give_their_arguments_options_and_flags) {
  const Verb& ban = *find_verb("ban");
  const auto request = fw::control::parse_request(
      ban, {{"address", {"203.0.113.7", "2001:db8::/32"}}, {"for", "1h30m"}, {"force", true}});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->verb, &ban);
  EXPECT_EQ(request->arguments, (std::vector<std::string>{"203.0.113.7", "2001:db8::/32"}));
  EXPECT_EQ(request->option("for"), "1h30m");
  EXPECT_EQ(request->option("reason"), std::nullopt);
  EXPECT_TRUE(request->flag("force"));
  EXPECT_FALSE(request->flag("forever"));
}

TEST(requests, with_a_flag_that_is_false_do_not_have_the_flag) {
  const auto request = fw::control::parse_request(*find_verb("unban"), {{"all", false}});
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->flag("all"));
}

TEST(requests, in_parts_are_held_to_the_same_rules) {
  const Verb& ban = *find_verb("ban");
  const auto says = [&](std::vector<std::string> arguments,
                        std::vector<std::pair<std::string_view, std::string>> options) {
    const auto checked = fw::control::check_request(
        {.verb = &ban, .arguments = std::move(arguments), .options = std::move(options)});
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(says({"192.0.2.1"}, {{"for", "1h"}, {"force", ""}}), "");
  EXPECT_NE(says({"192.0.2.1\n192.0.2.2"}, {}).find("control character (0x0a)"), std::string::npos);
  EXPECT_NE(says({"192.0.2.1"}, {{"for", "1 hour"}}).find("for: "), std::string::npos);
  EXPECT_NE(says({"192.0.2.1"}, {{"fore", "1h"}}).find("no option \"fore\""), std::string::npos);
  EXPECT_EQ(says({}, {}), "ban: needs at least 1 address, 0 given");
}

TEST(requests, that_do_not_fit_their_verb_are_refused_with_the_reason) {
  struct Case {
    const char* verb;
    json request;
    const char* says;
  };
  const std::array<Case, 20> cases{{
      {"ban", json::array(), "must be a JSON object"},
      {"ban", json::object(), "needs at least 1 address, 0 given"},
      {"ban", {{"address", "203.0.113.7"}}, "must be an array of strings"},
      {"ban", {{"address", {1}}}, "must hold strings, not number"},
      {"ban", {{"address", {""}}}, "an empty address"},
      {"ban", {{"address", {"a\nb"}}}, "control character (0x0a)"},
      {"ban", {{"address", {std::string(5000, '1')}}}, "longer than 4096 bytes"},
      {"ban", {{"adress", {"203.0.113.7"}}}, "did you mean \"address\"?"},
      {"ban", {{"forevr", true}}, "did you mean \"forever\"?"},
      {"ban", {{"colour", "red"}}, "there are for, forever, reason, force, brief, address"},
      {"ban", {{"address", {"a"}}, {"for", 60}}, "\"for\" must be a string"},
      {"ban", {{"address", {"a"}}, {"for", "soon"}}, "not a duration"},
      {"ban", {{"address", {"a"}}, {"force", "yes"}}, "is a flag: true or false"},
      {"ban", {{"address", {"a"}}, {"reason", "x\x1b[2J"}}, "control character (0x1b)"},
      {"list",
       {{"what", {"bnas"}}},
       "none of bans, deny, allow, exempt, signatures, attacks, sources, "
       "ports, all"},
      {"list", {{"what", {"bnas"}}}, "did you mean \"bans\"?"},
      {"list", {{"what", {"bans", "deny"}}}, "takes at most 1 what arguments, 2 given"},
      {"events", {{"limit", "ten"}}, "not a whole number"},
      {"events", {{"limit", "-1"}}, "not a whole number"},
      {"status", {{"verbose", true}}, "takes no options"},
  }};
  for (const Case& c : cases) {
    const auto checked = fw::control::check_request(*find_verb(c.verb), c.request);
    ASSERT_FALSE(checked) << c.says;
    EXPECT_EQ(checked.error().kind, ErrorKind::usage);
    EXPECT_NE(checked.error().message.find(c.says), std::string::npos) << checked.error().message;
    EXPECT_LT(checked.error().message.size(), 400U);
  }
}

TEST(requests, hold_at_most_as_many_addresses_as_the_table_says) {
  std::vector<std::string> addresses(fw::control::kMany, "203.0.113.7");
  EXPECT_TRUE(fw::control::check_request(*find_verb("ban"), {{"address", addresses}}));
  addresses.emplace_back("203.0.113.7");
  EXPECT_FALSE(fw::control::check_request(*find_verb("ban"), {{"address", addresses}}));
}

// -------------------------------------------------------------------- routes

TEST(routes, answer_by_method_path_and_query) {
  struct Case {
    const char *method, *target, *body;
    unsigned status;
    const char* says;
  };
  const std::array<Case, 27> cases{{
      {"POST", "/v1/status", "{}", 200, R"("verb":"status")"},
      {"POST", "/v1/status", "", 200, R"("request":{})"},
      {"GET", "/v1/status", "", 200, R"("verb":"status")"},
      {"GET", "/v1/list?what=bans", "", 200, R"("request":{"what":["bans"]})"},
      {"GET", "/v1/why?address=2001%3Adb8%3a%3A1&address=192.0.2.1", "", 200,
       R"({"address":["2001:db8::1","192.0.2.1"]})"},
      {"GET", "/v1/events?since=1h&limit=5", "", 200, R"({"limit":"5","since":"1h"})"},
      {"GET", "/v1", "", 200, R"("name":"status")"},
      {"GET", "/v1/why?address=%4", "", 400, "two hex digits"},
      {"GET", "/v1/why?address=%00", "", 400, "control character"},
      {"GET", "/v1/events?limt=5", "", 400, "did you mean \\\"limit\\\"?"},
      {"GET", "/v1/ban?address=192.0.2.1", "", 405, "ban: use POST"},
      {"PUT", "/v1/status", "{}", 405, "use POST or GET"},
      {"POST", "/v1", "{}", 405, "only read"},
      {"POST", "/v1/bna", "{}", 404, "did you mean \\\"ban\\\"?"},
      {"POST", "/v1/reticulate", "{}", 404, "GET /v1 lists them"},
      {"GET", "/", "", 404, "the API is at /v1/VERB"},
      {"GET", "/v2/status", "", 404, "the API is at /v1/VERB"},
      {"POST", "/v1/ban?address=a", "{}", 400, "not into the query"},
      {"POST", "/v1/ban?lines", "192.0.2.1\n\n2001:db8::/32", 200,
       R"({"address":["192.0.2.1","2001:db8::/32"]})"},
      {"POST", "/v1/ban?lines&for=1h&brief&reason=a%20%26", "192.0.2.1\n", 200,
       R"({"address":["192.0.2.1"],"brief":true,"for":"1h","reason":"a &"})"},
      {"POST", "/v1/ban?lines", "192.0.2.1\r\n", 400, "control character (0x0d)"},
      {"POST", "/v1/ban?lines", "\n", 400, "needs at least 1 address, 0 given"},
      {"POST", "/v1/ban?lines&fore=1h", "192.0.2.1", 400, "no option \\\"fore\\\""},
      {"POST", "/v1/status?lines", "192.0.2.1", 400, "takes at most 0"},
      {"POST", "/v1/ban", "{\"address\": [}", 400, "line 1, column 14"},
      {"POST", "/v1/ban", "[[[[[[[[[[]]]]]]]]]]", 400, "nested too deeply"},
      {"POST", "/v1/ban", "\"[[[[[[[[[[\"", 400, "must be a JSON object"},
  }};
  for (const Case& c : cases) {
    const Answer answer = dispatch({c.method, c.target, c.body}, kRoot, echo);
    EXPECT_EQ(answer.status, c.status) << c.method << " " << c.target;
    EXPECT_NE(answer.body.find(c.says), std::string::npos) << answer.body;
    EXPECT_TRUE(json::parse(answer.body).is_object());
    EXPECT_EQ(!answer.allow.empty(), c.status == 405);
  }
}

TEST(routes, list_every_verb_with_its_options) {
  const json verbs = json::parse(dispatch({"GET", "/v1", ""}, kRoot, echo).body).at("verbs");
  ASSERT_EQ(verbs.size(), fw::control::kVerbs.size());
  EXPECT_EQ(verbs.at(3).at("name"), "ban");
  EXPECT_EQ(verbs.at(3).at("access"), "change");
  EXPECT_EQ(verbs.at(3).at("options").at(0).at("name"), "for");
}

TEST(routes, are_closed_to_who_is_no_member) {
  for (const char* target : {"/v1/ban", "/v1/status", "/v1", "/nowhere"}) {
    const Answer answer = dispatch({"POST", target, "{}"}, kUnverified, echo);
    EXPECT_EQ(answer.status, 403U);
    EXPECT_EQ(error_of(answer).at("kind"), "not_permitted");
  }
}

TEST(routes, give_each_kind_of_error_its_status) {
  const std::array<std::tuple<ErrorKind, const char*, unsigned>, 6> cases{{
      {ErrorKind::failed, "failed", 500},
      {ErrorKind::usage, "usage", 400},
      {ErrorKind::not_running, "not_running", 503},
      {ErrorKind::not_permitted, "not_permitted", 403},
      {ErrorKind::refused, "refused", 409},
      {ErrorKind::invalid_config, "invalid_config", 422},
  }};
  for (const auto& [kind, word, status] : cases) {
    const Answer answer = dispatch(
        {"POST", "/v1/status", "{}"}, kRoot,
        [&](const Request&) -> fw::Result<json> { return fw::fail(kind, "because \xff"); });
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(error_of(answer).at("kind"), word);
    EXPECT_EQ(error_of(answer).at("exit"), static_cast<int>(kind));
    EXPECT_EQ(fw::control::kind_of_word(word), kind);
  }
  EXPECT_EQ(fw::control::kind_of_word("new_in_v9"), ErrorKind::failed);
}

TEST(routes, turn_what_a_handler_throws_into_an_error) {
  const Answer answer = dispatch(
      {"POST", "/v1/status", "{}"}, kRoot,
      [](const Request&) -> fw::Result<json> { throw std::runtime_error("no more paper"); });
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(error_of(answer).at("message"), "status: no more paper");
}

// ------------------------------------------------------------------ roles

TEST(roles, who_may_only_read_is_refused_every_order_and_nothing_else) {
  struct Case {
    std::string_view verb, body;
    bool refused;
  };
  constexpr std::array kCases{
      Case{"status", "{}", false},
      Case{"list", "{}", false},
      Case{"why", R"({"address":["192.0.2.1"]})", false},
      Case{"check", "{}", false},
      Case{"suggest", "{}", false},
      Case{"events", "{}", false},
      Case{"mode", "{}", false},
      Case{"mode", R"({"mode":["off"]})", true},
      Case{"mode", R"({"force":true})", true},
      Case{"baseline", "{}", false},
      Case{"baseline", R"({"reset":true})", true},
      Case{"ban", R"({"address":["192.0.2.1"]})", true},
      Case{"unban", "{}", true},
      Case{"allow", R"({"address":["192.0.2.1"]})", true},
      Case{"unallow", R"({"address":["192.0.2.1"]})", true},
      Case{"apply", "{}", true},
      Case{"confirm", "{}", true},
      Case{"signature", R"({"name":["s1"]})", true},
      Case{"alert", R"({"what":["test"]})", true},
      Case{"metrics", "{}", false},
      Case{"attack", "{}", false},
      Case{"settings", "{}", false},
      Case{"web", "{}", false},
      Case{"web", R"({"what":["token"]})", true},
  };
  std::set<std::string_view> seen;
  for (const Case& one : kCases) {
    seen.insert(one.verb);
    const std::string target = "/v1/" + std::string(one.verb);
    bool ran = false;
    const auto handler = [&](const Request& request) {
      ran = true;
      return echo(request);
    };
    const Answer answer = dispatch({"POST", target, one.body}, kReader, handler);
    EXPECT_EQ(answer.status, one.refused ? 403U : 200U) << one.verb << one.body;
    EXPECT_EQ(ran, !one.refused) << one.verb << one.body;
    if (one.refused) {
      EXPECT_EQ(error_of(answer)["exit"], 4) << answer.body;
    }
    EXPECT_EQ(dispatch({"POST", target, one.body}, kRoot, echo).status, 200U) << one.verb;
  }
  EXPECT_EQ(seen.size(), fw::control::kVerbs.size()) << "each verb has its case";
}

}  // namespace
