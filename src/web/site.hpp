// SPDX-License-Identifier: MIT
// What a request of a browser comes to: a file, a log-in, a question to the API, the stream. It
// knows no sockets and no clock, so that tests can call it. No threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "control/dispatch.hpp"
#include "web/sessions.hpp"
#include "web/tokens.hpp"

namespace fw::web {

struct Ask {
  std::string_view method, target, host, origin, content_type, cookie, authorization;
  std::string_view body;
  Address from;
};

using Text = std::shared_ptr<const std::string>;

struct Page {
  unsigned status = 200;
  std::string_view type = "application/json";
  Text body;
  std::string headers{};  // more of them, each with its line end
};
// To the API; the answer's body becomes the page.
struct Call {
  control::Request request;
  control::Peer peer;
  std::string key{};        // of answers that others may share for a second; empty: nobody
  bool is_metrics = false;  // the reply's member "text" is the page
};
// The stream, as long as this session lasts.
struct Stream {
  std::string secret;
};
using Turn = std::variant<Page, Call, Stream>;

class Site {
 public:
  // `names`: host names of this server. `tls`: the cookie is for TLS only.
  Site(Tokens tokens, std::vector<std::string> names, bool tls)
      : tokens_(std::move(tokens)), names_(std::move(names)), tls_(tls) {}

  [[nodiscard]] Turn take(const Ask& ask, std::uint64_t now_ns);
  // Whether the sender has logged in, so that more may be read of it.
  [[nodiscard]] std::optional<Role> role_of(std::string_view cookie_header, std::uint64_t now_ns);
  [[nodiscard]] bool is_open(const std::string& secret, std::uint64_t now_ns) {
    return sessions_.find(secret, now_ns).has_value();
  }
  // Whoever has logged in has to do it again.
  void set_tokens(Tokens tokens);

 private:
  [[nodiscard]] Turn log_in(const Ask& ask, std::uint64_t now_ns);
  [[nodiscard]] Turn metrics(const Ask& ask, std::uint64_t now_ns);
  [[nodiscard]] Turn api(const Ask& ask, Role role);
  [[nodiscard]] std::string_view secret_of(std::string_view cookie_header) const;
  [[nodiscard]] std::string set_cookie(std::string_view secret, std::uint64_t seconds) const;

  Tokens tokens_;
  std::vector<std::string> names_;
  bool tls_;
  Sessions sessions_;
  FailedTries tries_;
};

// A page of an error in the form of the API's.
[[nodiscard]] Page error_page(unsigned status, ErrorKind kind, std::string message);

}  // namespace fw::web
