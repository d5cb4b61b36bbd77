// SPDX-License-Identifier: MIT
// The body of a webhook in the shape that its receiver wants. What came from outside is no markup
// and mentions nobody there.
#pragma once

#include <string>
#include <vector>

#include "alert/message.hpp"
#include "config/config.hpp"

namespace fw::alert {

struct WebhookBody {
  std::vector<std::string> headers;  // "Name: value", printable ASCII
  std::string body;
};

// generic: json_of(). slack: {"text"}. discord: {"content", "allowed_mentions"}. ntfy: the text,
// with the subject as the header Title.
[[nodiscard]] WebhookBody webhook_body(const Package& package, config::WebhookShape shape,
                                       const std::string& host);

}  // namespace fw::alert
