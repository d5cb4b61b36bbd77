// SPDX-License-Identifier: MIT
// The web page without sockets: who is let in, who may do what, and what foreign pages can do.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/endpoint.hpp"
#include "web/assets.hpp"
#include "web/history.hpp"
#include "web/origin.hpp"
#include "web/site.hpp"

namespace fw::web {
namespace {

struct WebSite : testing::Test {
  Tokens tokens;
  std::string change = *tokens.renew(Role::change), read = *tokens.renew(Role::read);
  Site site{tokens, {"fw.example.org"}, false};
  std::string cookie, body;

  Ask ask(std::string_view method, std::string_view target) const {
    return {.method = method,
            .target = target,
            .host = "127.0.0.1:8870",
            .origin = method == "POST" ? "http://127.0.0.1:8870" : "",
            .content_type = method == "POST" ? "application/json" : "",
            .cookie = cookie,
            .authorization = {},
            .body = body,
            .from = Address::v4(0x7f000001)};
  }
  unsigned status(const Ask& given, std::uint64_t now_ns = kSecond) {
    const Turn turn = site.take(given, now_ns);
    return std::holds_alternative<Page>(turn) ? std::get<Page>(turn).status : 200;
  }
  unsigned log_in(const std::string& token, std::uint64_t now_ns = kSecond) {
    body = nlohmann::json{{"token", token}}.dump();
    const Turn turn = site.take(ask("POST", "/login"), now_ns);
    body.clear();
    const Page& page = std::get<Page>(turn);
    const std::size_t at = page.headers.find("floodwall=");
    if (at != std::string::npos)
      cookie = "other=1; " + page.headers.substr(at, page.headers.find(';', at) - at);
    return page.status;
  }
};

TEST_F(WebSite, without_a_session_there_is_the_page_and_nothing_else) {
  EXPECT_EQ(status(ask("GET", "/")), 200u);
  for (const char* target : {"/session", "/stream", "/v1/status", "/v1", "/logout", "/etc/passwd"})
    EXPECT_EQ(status(ask("GET", target)), 401u) << target;
  cookie = "floodwall=0000000000000000000000000000000000000000";
  EXPECT_EQ(status(ask("GET", "/v1/status")), 401u);
}

TEST_F(WebSite, a_token_opens_a_session_that_can_be_closed) {
  EXPECT_EQ(log_in(change), 200u);
  EXPECT_EQ(status(ask("GET", "/v1/status")), 200u);
  EXPECT_EQ(status(ask("POST", "/logout")), 200u);
  EXPECT_EQ(status(ask("GET", "/v1/status")), 401u);
}

TEST_F(WebSite, the_cookie_is_out_of_reach_of_scripts_and_other_sites) {
  body = nlohmann::json{{"token", change}}.dump();
  for (const bool tls : {false, true}) {
    Site other(tokens, {}, tls);
    const Turn turn = other.take(ask("POST", "/login"), 0);
    const std::string& headers = std::get<Page>(turn).headers;
    EXPECT_NE(headers.find("HttpOnly"), std::string::npos);
    EXPECT_NE(headers.find("SameSite=Strict"), std::string::npos);
    EXPECT_EQ(headers.find("Secure") != std::string::npos, tls);
    EXPECT_EQ(headers.find("__Host-") != std::string::npos, tls);
  }
}

TEST_F(WebSite, wrong_tokens_are_limited_and_then_forgotten) {
  for (unsigned i = 0; i < kTries; ++i) EXPECT_EQ(log_in("wrong"), 403u);
  EXPECT_EQ(log_in("wrong"), 429u);
  EXPECT_EQ(log_in(change), 429u);
  EXPECT_EQ(log_in(change, 2 * kSecond + kTriesNs), 200u);
}

TEST_F(WebSite, a_token_to_look_changes_nothing) {
  ASSERT_EQ(log_in(read), 200u);
  EXPECT_EQ(status(ask("GET", "/v1/status")), 200u);
  body = R"({"address": ["192.0.2.1"]})";
  EXPECT_EQ(status(ask("POST", "/v1/ban")), 403u);
  ASSERT_EQ(log_in(change), 200u);
  body = R"({"address": ["192.0.2.1"]})";
  EXPECT_EQ(status(ask("POST", "/v1/ban")), 200u);
}

TEST_F(WebSite, no_session_makes_tokens) {
  ASSERT_EQ(log_in(change), 200u);
  body = R"({"what": ["token"]})";
  EXPECT_EQ(status(ask("POST", "/v1/web")), 403u);
}

TEST_F(WebSite, a_change_needs_post_and_the_pages_own_origin) {
  ASSERT_EQ(log_in(change), 200u);
  EXPECT_EQ(status(ask("GET", "/v1/ban?address=192.0.2.1")), 405u);
  body = R"({"address": ["192.0.2.1"]})";
  Ask given = ask("POST", "/v1/ban");
  for (const char* origin : {"", "null", "http://evil.example", "http://127.0.0.1:8871",
                             "http://127.0.0.1:8870.evil.example"}) {
    given.origin = origin;
    EXPECT_EQ(status(given), 403u) << origin;
  }
  given = ask("POST", "/v1/ban");
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
    given.content_type = type;
    EXPECT_EQ(status(given), 403u) << type;
  }
}

TEST_F(WebSite, a_foreign_name_that_leads_here_gets_nothing) {
  Ask given = ask("GET", "/");
  for (const char* host : {"", "evil.example", "evil.example:8870", "localhost.evil.example",
                           "127.0.0.1.evil.example", "[::1"}) {
    given.host = host;
    EXPECT_EQ(status(given), 421u) << host;
  }
  for (const char* host : {"localhost", "localhost:9000", "192.0.2.7:8870", "[::1]:8870",
                           "fw.example.org", "fw.example.org:443"}) {
    given.host = host;
    EXPECT_EQ(status(given), 200u) << host;
  }
}

TEST_F(WebSite, a_session_ends_when_it_is_idle_or_old) {
  ASSERT_EQ(log_in(change, 0), 200u);
  EXPECT_EQ(status(ask("GET", "/v1/status"), kIdleNs + 1), 401u);
  ASSERT_EQ(log_in(change, 0), 200u);
  std::uint64_t now_ns = 0;
  for (; now_ns + kIdleNs <= kLongestNs; now_ns += kIdleNs)
    EXPECT_EQ(status(ask("GET", "/v1/status"), now_ns), 200u);
  EXPECT_EQ(status(ask("GET", "/v1/status"), kLongestNs + 1), 401u);
}

TEST_F(WebSite, new_tokens_end_all_sessions) {
  ASSERT_EQ(log_in(change), 200u);
  site.set_tokens(tokens);
  EXPECT_EQ(status(ask("GET", "/v1/status")), 401u);
}

TEST(WebSessions, are_bounded) {
  Sessions sessions;
  const std::string first = *sessions.open(Role::read, 1);
  for (std::size_t i = 0; i < kMostSessions; ++i) (void)*sessions.open(Role::read, 2 + i);
  EXPECT_EQ(sessions.size(), kMostSessions);
  EXPECT_FALSE(sessions.find(first, 3));
}

TEST(WebTokens, are_kept_as_hashes) {
  Tokens tokens;
  const std::string change = *tokens.renew(Role::change), read = *tokens.renew(Role::read);
  EXPECT_NE(change, read);
  const std::string text = tokens.text();
  EXPECT_EQ(text.find(change), std::string::npos);
  const auto again = Tokens::parse(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->role_of(change), Role::change);
  EXPECT_EQ(again->role_of(read), Role::read);
  EXPECT_FALSE(again->role_of(change + "0"));
  EXPECT_FALSE(again->role_of(""));
  EXPECT_FALSE(Tokens().role_of(""));
  for (const char* wrong : {"\n", "change\n", "change 00\n", "root 00\n"})
    EXPECT_FALSE(Tokens::parse(wrong)) << wrong;
}

TEST(WebHistory, a_point_is_what_came_since_the_last_one) {
  History history;
  const auto status = [](int packets, int dropped, int challenged) {
    return nlohmann::json{{"traffic",
                           {{"packets", packets},
                            {"dropped_packets", dropped},
                            {"observed_drops", 0},
                            {"reasons", {{"challenge", {{"packets", challenged}}}}},
                            {"classes", {{"tcp_syn", {{"packets", packets}}}}}}}};
  };
  EXPECT_TRUE(history.add(status(100, 10, 0), {.mono_ns = kSecond, .wall = {}}).is_null());
  const auto point = history.add(status(1100, 510, 300), {.mono_ns = 3 * kSecond, .wall = {}});
  EXPECT_EQ(point["in"], 500.0);
  EXPECT_EQ(point["dropped"], 100.0);
  EXPECT_EQ(point["challenged"], 150.0);
  EXPECT_EQ(point["passed"], 250.0);
  EXPECT_EQ(point["classes"]["tcp_syn"], 500.0);
  EXPECT_TRUE(history.add(status(5, 0, 0), {.mono_ns = 4 * kSecond, .wall = {}}).is_null());
  for (int i = 0; i < 700; ++i)
    (void)history.add(status(10 + i, 0, 0), {.mono_ns = (5 + i) * kSecond, .wall = {}});
  EXPECT_EQ(history.points().size(), kPoints);
}

TEST(WebAssets, load_nothing_from_outside_and_run_no_inline_script) {
  const Asset* page = find_asset("/");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->text.find("<script>"), std::string_view::npos);
  EXPECT_EQ(page->text.find("style="), std::string_view::npos);
  EXPECT_EQ(page->text.find("//"), std::string_view::npos);
  for (std::size_t at = page->text.find("\"/"); at != std::string_view::npos;
       at = page->text.find("\"/", at + 1)) {
    const std::string_view path = page->text.substr(at + 1, page->text.find('"', at + 1) - at - 1);
    EXPECT_NE(find_asset(path), nullptr) << path;
  }
}

TEST(Endpoint, is_an_address_and_a_port) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:8870")->text(), "127.0.0.1:8870");
  EXPECT_EQ(Endpoint::parse("[::1]:1")->text(), "[::1]:1");
  EXPECT_TRUE(Endpoint::parse("127.9.9.9:1")->is_loopback());
  EXPECT_TRUE(Endpoint::parse("[::1]:1")->is_loopback());
  EXPECT_FALSE(Endpoint::parse("0.0.0.0:1")->is_loopback());
  EXPECT_FALSE(Endpoint::parse("[::]:1")->is_loopback());
  for (const char* wrong : {"", "8870", "localhost:8870", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
                            "127.0.0.1:65536", "127.0.0.1:1x", "::1:80", "[127.0.0.1]:1"})
    EXPECT_FALSE(Endpoint::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace fw::web
