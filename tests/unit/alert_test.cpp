// SPDX-License-Identifier: MIT
// What is told, in which shape, and how a queue behaves while its receiver is away.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "alert/mail.hpp"
#include "alert/outbox.hpp"
#include "alert/problem_watch.hpp"
#include "alert/webhook_body.hpp"
#include "base/file.hpp"
#include "config/keys.hpp"

namespace fw::alert {
namespace {

using engine::Event;
using engine::EventType;
using engine::Field;
using Json = nlohmann::json;

config::Alert target(const std::string& name, unsigned per_minute = 600) {
  config::Alert made;
  made.name = name;
  made.command = {"/bin/true"};
  made.per_minute = per_minute;
  return made;
}

Message numbered(int number) {
  return {.kind = Kind::attack,
          .time = "2026-05-01T12:00:00.000Z",
          .subject = fmt::format("message {}", number),
          .text = "text",
          .event = "{}"};
}

Event attack_start(const std::string& vectors) {
  return {.id = 7,
          .time = {},
          .type = EventType::attack_start,
          .address = {},
          .fields = {Field::text("id", "20260501-1"), Field::text("vectors", vectors),
                     Field::count("pps", 7000)}};
}

std::vector<std::string> subjects(const Package& package) {
  std::vector<std::string> out;
  for (const Message& message : package.messages) out.push_back(message.subject);
  return out;
}

// ---- what is told

TEST(alert_message, names_attack_rate_and_what_to_type) {
  const auto message = message_of(attack_start("tcp_syn to 192.0.2.1 port 443"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->kind, Kind::attack);
  EXPECT_EQ(message->subject,
            "attack 20260501-1 began: 7,000 packets/s, tcp_syn to 192.0.2.1 port 443");
  EXPECT_NE(message->text.find("floodwall status"), std::string::npos);
  EXPECT_EQ(Json::parse(message->event)["event_type"], "AttackStart");
}

TEST(alert_message, is_of_few_types_of_events_only) {
  for (std::size_t i = 0; i < engine::kEventTypes; ++i) {
    Event event = attack_start("x");
    event.type = static_cast<EventType>(i);
    const bool told = event.type == EventType::attack_start ||
                      event.type == EventType::attack_vector ||
                      event.type == EventType::attack_end || event.type == EventType::reload_failed;
    EXPECT_EQ(message_of(event).has_value(), told) << engine::word(event.type);
  }
}

TEST(alert_message, kinds_are_the_words_of_the_key_on) {
  ASSERT_EQ(config::kAlertWords.size() + 1, kKindWords.size()) << "and test";
  EXPECT_TRUE(std::ranges::equal(config::kAlertWords,
                                 std::span(kKindWords).first(config::kAlertWords.size())));
}

TEST(alert_message, docs_say_of_every_kind_when_it_is_told) {
  const auto page = read_file(FLOODWALL_SOURCE "/docs/alerts.md");
  ASSERT_TRUE(page) << page.error().message;
#define FW_ALERT_KIND_ROW(name, word, says) \
  EXPECT_NE(page->find("| `" word "` | " says), std::string::npos) << word;
  FW_ALERT_KINDS(FW_ALERT_KIND_ROW)
#undef FW_ALERT_KIND_ROW
}

const std::string kHostile = "x\r\nBcc: evil@example.org\r\n\r\n<!channel> @everyone \x1b[2J\xff";

TEST(alert_mail, hostile_text_begins_no_header_and_ends_none) {
  const Package package{{*message_of(attack_start(kHostile))}, 0};
  config::Alert alert = target("mail");
  alert.mail = {"ops@example.org", "root"};
  const std::string mail = mail_text(package, alert, "host.example", {});
  const std::size_t end = mail.find("\n\n");
  ASSERT_NE(end, std::string::npos);
  std::vector<std::string> names;
  std::size_t at = 0;
  for (std::string head = mail.substr(0, end) + "\n"; at < head.size();) {
    const std::string line = head.substr(at, head.find('\n', at) - at);
    at += line.size() + 1;
    if (!line.starts_with(' ')) names.push_back(line.substr(0, line.find(':')));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"From", "To", "Subject", "Date", "Message-ID",
                                             "Auto-Submitted", "MIME-Version", "Content-Type",
                                             "Content-Transfer-Encoding"}));
  EXPECT_EQ(mail.find('\r'), std::string::npos);
  EXPECT_EQ(mail.find('\x1b'), std::string::npos);
}

TEST(alert_mail, subject_that_is_no_ascii_is_in_encoded_words_that_are_whole) {
  Message message = numbered(1);
  for (int i = 0; i < 40; ++i) message.subject += "\u00e4";
  const std::string mail = mail_text({{message}, 0}, target("m"), "h", {});
  const std::size_t from = mail.find("Subject: ");
  const std::string subject = mail.substr(from, mail.find("\nDate:") - from);
  EXPECT_NE(subject.find("=?UTF-8?B?"), std::string::npos);
  for (const char c : subject) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
}

TEST(alert_mail, addresses_come_after_the_end_of_options) {
  config::Alert alert = target("m");
  alert.mail = {"a@example.org", "b@example.org"};
  EXPECT_EQ(mail_command(alert),
            (std::vector<std::string>{"/usr/sbin/sendmail", "-i", "-f", "floodwall", "--",
                                      "a@example.org", "b@example.org"}));
  for (const char* bad : {"-oQ/tmp@x", "a b@c", "a@b,c@d", "a@", "@b", "a\n@b", "<a@b>", ""})
    EXPECT_NE(config::check_mail({bad}), "") << bad;
  EXPECT_EQ(config::check_mail({"ops+night@example.org", "root"}), "");
}

TEST(alert_webhook, shapes_carry_hostile_text_as_text) {
  const Package package{{*message_of(attack_start(kHostile))}, 0};
  const auto slack = webhook_body(package, config::WebhookShape::slack, "h");
  const std::string text = Json::parse(slack.body)["text"];
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_NE(text.find("&lt;!channel&gt;"), std::string::npos);
  const auto discord = Json::parse(webhook_body(package, config::WebhookShape::discord, "h").body);
  EXPECT_EQ(discord["allowed_mentions"]["parse"], Json::array());
  EXPECT_LE(discord["content"].get<std::string>().size(), 2000U);
  const auto ntfy = webhook_body(package, config::WebhookShape::ntfy, "h");
  for (const std::string& header : ntfy.headers)
    for (const char c : header) EXPECT_TRUE(c >= ' ' && c <= '~') << header;
  const auto generic = Json::parse(webhook_body(package, config::WebhookShape::generic, "h").body);
  EXPECT_EQ(generic["host"], "h");
  EXPECT_EQ(generic["messages"][0]["kind"], "attack");
  EXPECT_EQ(generic["messages"][0]["event"]["event_type"], "AttackStart");
}

TEST(alert_webhook, url_is_nowhere_shown_whole) {
  const config::Secret secret{config::check_url};
  EXPECT_EQ(config::toml_text(secret, "https://hooks.example.org:8443/T0/B0/token?x=y", false),
            "\"https://hooks.example.org:8443/...\"");
  EXPECT_EQ(config::toml_text(secret, "http://user:pass@h/x@y", false), "\"http://h/...\"");
  EXPECT_EQ(config::toml_text(secret, "https://u:p@h?token=a@b", false), "\"https://h/...\"");
  EXPECT_EQ(config::check_url("https://hooks.example.org/T0"), "");
  for (const char* bad : {"ftp://h/x", "file:///etc/shadow", "https://", "https:///x", "h/x",
                          "https://h/a b", "https://h/\n", "https://u:p@/x"})
    EXPECT_NE(config::check_url(bad), "") << bad;
}

TEST(alert_message, long_texts_stay_bounded_and_whole) {
  const auto message = message_of(attack_start(std::string(100'000, 'x') + "\u00e4"));
  EXPECT_LE(message->subject.size(), kMaxSubjectBytes);
  EXPECT_LE(message->text.size(), kMaxTextBytes);
  EXPECT_LE(message->event.size(), 4 * kMaxTextBytes);
  EXPECT_EQ(shortened("a\u00e4\u00e4\u00e4", 6), "a\u00e4...");
  Package digest;
  for (int i = 0; i < 50; ++i) digest.messages.push_back(*message);
  EXPECT_LE(text_of(digest).size(), kMaxTextBytes + 50);
}

// ---- the queue

struct Queue {
  Outbox box;
  std::uint64_t now_ms = 1'000'000;

  explicit Queue(config::Alert alert = target("a")) { box.configure(std::vector{alert}); }
  void post(int from, int count) {
    for (int i = from; i < from + count; ++i) box.post(numbered(i));
  }
  std::vector<std::string> take() {
    const auto package = box.take("a", now_ms);
    return package ? subjects(*package) : std::vector<std::string>{};
  }
  void done(const std::string& error = "") { box.done("a", error, now_ms); }
};

using Texts = std::vector<std::string>;

TEST(alert_outbox, delivers_in_order_one_at_a_time_and_once) {
  Queue queue;
  queue.post(1, 2);
  EXPECT_EQ(queue.take(), Texts{"message 1"});
  EXPECT_EQ(queue.take(), Texts{}) << "it is under way";
  queue.done();
  EXPECT_EQ(queue.take(), Texts{"message 2"});
  queue.done();
  EXPECT_EQ(queue.take(), Texts{});
  EXPECT_EQ(queue.box.due_ms(), std::nullopt);
}

TEST(alert_outbox, failure_is_tried_again_ever_later_and_keeps_its_place) {
  Queue queue;
  queue.post(1, 2);
  std::vector<std::uint64_t> pauses;
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(queue.take(), Texts{"message 1"});
    queue.done("HTTP 500");
    EXPECT_EQ(queue.take(), Texts{}) << "not at once";
    pauses.push_back(*queue.box.due_ms() - queue.now_ms);
    queue.now_ms = *queue.box.due_ms();
  }
  EXPECT_EQ(pauses.front(), Outbox::kFirstRetryMs);
  EXPECT_EQ(pauses[1], 2 * Outbox::kFirstRetryMs);
  EXPECT_EQ(pauses.back(), Outbox::kLastRetryMs);
  EXPECT_EQ(queue.take(), Texts{"message 1"});
  queue.done();
  EXPECT_EQ(queue.take(), Texts{"message 2"});
  EXPECT_EQ(queue.box.targets().at("a").failures, 12U);
}

TEST(alert_outbox, oldest_is_dropped_when_full_and_the_next_delivery_says_how_many) {
  Queue queue;
  queue.post(1, 1);
  EXPECT_EQ(queue.take(), Texts{"message 1"});
  queue.post(2, Outbox::kMaxWaiting + 4);
  EXPECT_EQ(queue.box.targets().at("a").waiting.size(), Outbox::kMaxWaiting);
  queue.done();  // message 1 was under way and was not dropped
  const auto next = queue.box.take("a", queue.now_ms);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->messages.front().subject, "message 7");
  EXPECT_EQ(next->dropped, 5U);
  EXPECT_NE(text_of(*next).find("5 earlier messages"), std::string::npos);
  queue.done();
  EXPECT_EQ(queue.box.take("a", queue.now_ms)->dropped, 0U);
  EXPECT_EQ(queue.box.targets().at("a").dropped_in_all, 5U);
}

TEST(alert_outbox, flapping_is_told_in_a_digest) {
  Queue queue(target("a", 3));
  int deliveries = 0;
  std::size_t messages = 0;
  for (int second = 0; second < 60; second += 2, queue.now_ms += 2000) {
    queue.post(second, 1);
    const Texts taken = queue.take();
    if (taken.empty()) continue;
    ++deliveries;
    messages += taken.size();
    queue.done();
  }
  EXPECT_EQ(deliveries, 3);
  queue.now_ms += 1000;
  const Texts digest = queue.take();
  EXPECT_EQ(digest.size() + messages, 30U) << "none is lost, in one delivery";
  EXPECT_EQ(digest.back(), "message 58");
}

TEST(alert_outbox, goes_to_those_who_want_to_hear_of_it) {
  config::Alert one = target("one"), all = target("all");
  one.on = {"end"};
  Outbox box;
  box.configure(std::vector{one, all});
  box.post(numbered(1));
  EXPECT_TRUE(box.targets().at("one").waiting.empty());
  EXPECT_EQ(box.targets().at("all").waiting.size(), 1U);
  box.configure(std::vector{one});
  EXPECT_FALSE(box.targets().contains("all"));
  EXPECT_EQ(box.take("all", 5'000'000), std::nullopt);
  box.done("all", "", 5'000'000);
}

TEST(alert_outbox, what_waits_outlives_a_restart_in_order_with_its_ids) {
  Queue queue;
  queue.post(1, 3);
  EXPECT_EQ(queue.take(), Texts{"message 1"});  // under way when the daemon dies
  Queue next;
  const auto told = next.box.restore(queue.box.text({"a problem"}));
  ASSERT_TRUE(told);
  EXPECT_EQ(*told, std::set<std::string>{"a problem"});
  const auto again = next.box.take("a", next.now_ms);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->messages.front(), queue.box.targets().at("a").waiting.front());
  next.done();
  next.post(4, 1);
  EXPECT_EQ(next.box.targets().at("a").waiting.back().id, 4U) << "no id is used twice";
}

TEST(alert_outbox, damaged_file_is_an_error_that_changes_nothing) {
  Queue queue;
  queue.post(1, 2);
  const std::string good = queue.box.text({});
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[1]"), good.substr(0, good.size() / 2),
        std::string(R"({"version":1,"last_id":"x","told":[],"targets":{}})"),
        std::string(R"({"version":1,"last_id":9,"told":[],"targets":{"a":{"dropped":-1}}})")}) {
    Queue next;
    EXPECT_FALSE(next.box.restore(bad)) << bad;
    EXPECT_TRUE(next.box.targets().at("a").waiting.empty());
  }
}

// ---- degraded, and healthy again

using Seen = std::vector<ProblemWatch::Seen>;

TEST(alert_problems, tells_once_what_stays_and_not_what_passes) {
  ProblemWatch watch;
  EXPECT_EQ(watch.look(Seen{{"up0: gone"}}, 0), std::nullopt);
  EXPECT_EQ(watch.look(Seen{}, 1000), std::nullopt);
  EXPECT_EQ(watch.look(Seen{{"up0: gone"}}, 2000), std::nullopt);
  EXPECT_EQ(watch.look(Seen{{"up0: gone"}}, 4000), std::nullopt);
  EXPECT_EQ(watch.look(Seen{{"up0: gone"}}, 5000), Kind::degraded);
  EXPECT_EQ(watch.look(Seen{{"up0: gone"}}, 60'000), std::nullopt);
  EXPECT_EQ(watch.look(Seen{}, 61'000), std::nullopt);
  EXPECT_EQ(watch.look(Seen{}, 61'000 + ProblemWatch::kHealthyMs), Kind::healthy);
  EXPECT_EQ(watch.look(Seen{}, 90'000), std::nullopt);
}

TEST(alert_problems, number_that_changes_is_no_new_problem_and_another_one_is) {
  ProblemWatch watch;
  (void)watch.look(Seen{{"8,001 of 8,192 places"}}, 0);
  EXPECT_EQ(watch.look(Seen{{"8,002 of 8,192 places"}}, 3000), Kind::degraded);
  EXPECT_EQ(watch.look(Seen{{"912 of 8,192 places"}}, 9000), std::nullopt);
  const Seen both{{"9 of 8,192 places"}, {"deny.list is stale", true}};
  EXPECT_EQ(watch.look(both, 10'000), std::nullopt);
  EXPECT_EQ(watch.look(both, 13'000), Kind::lists);
}

TEST(alert_problems, what_was_told_before_a_restart_is_not_told_again) {
  ProblemWatch watch;
  (void)watch.look(Seen{{"up0: gone"}}, 0);
  EXPECT_EQ(watch.look(Seen{{"up0: gone"}}, 3000), Kind::degraded);
  ProblemWatch next;
  next.restore(watch.told());
  (void)next.look(Seen{{"up0: gone"}}, 0);
  EXPECT_EQ(next.look(Seen{{"up0: gone"}}, 9000), std::nullopt);
  (void)next.look(Seen{}, 10'000);
  EXPECT_EQ(next.look(Seen{}, 20'000), Kind::healthy);
}

}  // namespace
}  // namespace fw::alert
