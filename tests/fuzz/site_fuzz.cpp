// SPDX-License-Identifier: MIT
// Any bytes as a request of a browser: fields with a NUL between them (method, target, Host,
// Origin, Content-Type, Cookie, Authorization, body). The first byte chooses who asks: a stranger
// from elsewhere, or one who has logged in to look. Neither gets an order through, and the stranger
// nothing but files.
#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include "fuzz/check.hpp"
#include "web/site.hpp"

using fw::test::check;

namespace {

struct Seen {
  fw::web::Site site;
  std::string cookie;
};

// A site with both tokens, and the cookie of a session that may look.
Seen& seen() {
  static Seen one = [] {
    fw::web::Tokens tokens;
    (void)tokens.renew(fw::web::Role::change);
    const std::string token = tokens.renew(fw::web::Role::read).value();
    Seen made{{tokens, {"fw.example.org"}, false}, {}};
    const std::string body = "{\"token\":\"" + token + "\"}";
    const fw::web::Turn turn = made.site.take({.method = "POST",
                                               .target = "/login",
                                               .host = "127.0.0.1:8870",
                                               .origin = "http://127.0.0.1:8870",
                                               .content_type = "application/json",
                                               .cookie = {},
                                               .authorization = {},
                                               .body = body,
                                               .from = fw::Address::v4(0x7f000001)},
                                              1);
    const std::string& headers = std::get<fw::web::Page>(turn).headers;
    const std::size_t at = headers.find("floodwall=");
    check(at != std::string::npos);
    made.cookie = headers.substr(at, headers.find(';', at) - at);
    return made;
  }();
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool logged_in = (data[0] & 1) != 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto next = [&] {
    const std::string_view field = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), field.size() + 1));
    return field;
  };
  fw::web::Ask ask{.method = next(),
                   .target = next(),
                   .host = next(),
                   .origin = next(),
                   .content_type = next(),
                   .cookie = next(),
                   .authorization = next(),
                   .body = {},
                   .from = fw::Address::v4(0xcb007107)};
  ask.body = rest;
  if (logged_in) ask.cookie = seen().cookie;
  static std::uint64_t now_ns = 1;
  now_ns += fw::web::kTriesNs;  // wrong tokens are forgotten, or nothing else would be reached
  if (logged_in) now_ns = 2;    // its session lasts
  const fw::web::Turn turn = seen().site.take(ask, now_ns);
  if (const auto* page = std::get_if<fw::web::Page>(&turn)) {
    check(page->body != nullptr && page->status >= 200 && page->status < 500);
    // No line of a request becomes a header of the answer.
    check(page->headers.find(ask.target.size() > 8 ? ask.target : "\n\n") == std::string::npos);
    if (page->status == 200 && ask.target.starts_with("/v1")) check(logged_in);
    return 0;
  }
  check(logged_in);
  if (const auto* call = std::get_if<fw::web::Call>(&turn))
    check(call->request.verb->access != fw::control::Access::change && call->peer.read_only);
  return 0;
}
