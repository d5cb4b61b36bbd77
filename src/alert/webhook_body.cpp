// SPDX-License-Identifier: MIT
#include "alert/webhook_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fw::alert {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kJsonHeader = "Content-Type: application/json";
constexpr std::size_t kDiscordBytes = 1990;  // its limit is 2,000 characters

std::string text_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// docs.slack.dev, "Formatting message text": these three begin everything that is no text.
std::string for_slack(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

// A header is a line of ASCII.
std::string for_header(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

bool is_urgent(const Package& package) {
  return std::ranges::any_of(package.messages, [](const Message& message) {
    return message.kind == Kind::attack || message.kind == Kind::degraded;
  });
}

}  // namespace

WebhookBody webhook_body(const Package& package, config::WebhookShape shape,
                         const std::string& host) {
  const std::string subject = subject_of(package, host), text = text_of(package);
  switch (shape) {
    case config::WebhookShape::slack:
      return {{std::string(kJsonHeader)},
              text_json({{"text", for_slack(subject) + "\n" + for_slack(text)}})};
    case config::WebhookShape::discord:
      return {{std::string(kJsonHeader)},
              text_json({{"content", shortened(subject + "\n" + text, kDiscordBytes)},
                         {"allowed_mentions", {{"parse", Json::array()}}}})};
    case config::WebhookShape::ntfy:
      return {{"Content-Type: text/plain; charset=utf-8", "Title: " + for_header(subject),
               fmt::format("Priority: {}", is_urgent(package) ? "high" : "default")},
              text};
    case config::WebhookShape::generic:
      break;
  }
  return {{std::string(kJsonHeader)}, text_json(json_of(package, host))};
}

}  // namespace fw::alert
