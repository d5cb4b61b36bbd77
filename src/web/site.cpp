// SPDX-License-Identifier: MIT
#include "web/site.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/endpoint.hpp"
#include "web/assets.hpp"
#include "web/origin.hpp"

namespace fw::web {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBearer = "Bearer ";

Page json_page(const Json& body) {
  return {.body = std::make_shared<const std::string>(body.dump() + "\n")};
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

Page asset_page(const Asset& asset) {
  return {.type = asset.type, .body = std::make_shared<const std::string>(asset.text)};
}

Page wrong_method(std::string_view right) {
  Page page = error_page(405, ErrorKind::usage, fmt::format("use {}", right));
  page.headers = fmt::format("Allow: {}\r\n", right);
  return page;
}

std::string_view word(Role role) {
  return role == Role::change ? "change" : "read";
}

}  // namespace

Page error_page(unsigned status, ErrorKind kind, std::string message) {
  return {.status = status,
          .body = std::make_shared<const std::string>(
              control::error_answer({kind, std::move(message)}).body)};
}

std::string_view Site::secret_of(std::string_view cookie_header) const {
  return cookie(cookie_header, tls_ ? "__Host-floodwall" : "floodwall");
}

std::string Site::set_cookie(std::string_view secret, std::uint64_t seconds) const {
  return fmt::format("Set-Cookie: {}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}\r\n",
                     tls_ ? "__Host-floodwall" : "floodwall", secret, seconds,
                     tls_ ? "; Secure" : "");
}

std::optional<Role> Site::role_of(std::string_view cookie_header, std::uint64_t now_ns) {
  const std::string_view secret = secret_of(cookie_header);
  return secret.empty() ? std::nullopt : sessions_.find(secret, now_ns);
}

void Site::set_tokens(Tokens tokens) {
  tokens_ = std::move(tokens);
  sessions_.close_all();
}

Turn Site::take(const Ask& ask, std::uint64_t now_ns) {
  if (!is_own_host(ask.host, names_))
    return error_page(421, ErrorKind::not_permitted,
                      "this name is not known here: add it to web.names in floodwall.toml");
  const bool get = ask.method == "GET", post = ask.method == "POST";
  if (!get && !post) return wrong_method("GET, POST");
  if (!ask.origin.empty() && !is_own_origin(ask.origin, ask.host))
    return error_page(403, ErrorKind::not_permitted, "the request comes from another page");
  // What a form of a foreign page can send has neither this type nor this origin.
  if (post && (ask.origin.empty() || !ask.content_type.starts_with("application/json")))
    return error_page(403, ErrorKind::not_permitted,
                      "a POST needs the page's Origin, and Content-Type: application/json");
  const std::string_view path = path_of(ask.target);
  if (path == "/metrics") return get ? metrics(ask, now_ns) : Turn(wrong_method("GET"));
  if (path == "/login") return post ? log_in(ask, now_ns) : Turn(wrong_method("POST"));
  if (const Asset* asset = find_asset(path))
    return get ? Turn(asset_page(*asset)) : Turn(wrong_method("GET"));
  const auto role = role_of(ask.cookie, now_ns);
  if (!role)
    return error_page(401, ErrorKind::not_permitted,
                      "log in first: POST /login with the token of floodwall web token");
  if (path == "/logout" && post) {
    sessions_.close(secret_of(ask.cookie));
    Page page = json_page(Json::object());
    page.headers = set_cookie("", 0);
    return page;
  }
  if (path == "/session" && get) return json_page({{"role", word(*role)}});
  if (path == "/stream" && get) return Stream{std::string(secret_of(ask.cookie))};
  return api(ask, *role);
}

Turn Site::log_in(const Ask& ask, std::uint64_t now_ns) {
  if (!tries_.may_try(ask.from, now_ns)) {
    Page page = error_page(429, ErrorKind::refused, "too many wrong tokens: wait a minute");
    page.headers = "Retry-After: 60\r\n";
    return page;
  }
  const Json body = Json::parse(ask.body, nullptr, false);
  const auto token = body.is_object() ? body.find("token") : body.end();
  const bool has_token = body.is_object() && token != body.end() && token->is_string();
  const auto role =
      has_token ? tokens_.role_of(token->get_ref<const std::string&>()) : std::nullopt;
  if (!role) {
    tries_.failed(ask.from, now_ns);
    return error_page(403, ErrorKind::not_permitted,
                      "wrong token: floodwall web token makes a new one");
  }
  const auto secret = sessions_.open(*role, now_ns);
  if (!secret) return error_page(500, ErrorKind::failed, secret.error().message);
  Page page = json_page({{"role", word(*role)}});
  page.headers = set_cookie(*secret, kLongestNs / kSecond);
  return page;
}

Turn Site::metrics(const Ask& ask, std::uint64_t now_ns) {
  const control::Verb* verb = control::find_verb("metrics");
  if (verb == nullptr) return error_page(404, ErrorKind::usage, "this version has no metrics");
  if (!is_loopback(ask.from) || !ask.authorization.empty()) {
    if (!tries_.may_try(ask.from, now_ns))
      return error_page(429, ErrorKind::refused, "too many wrong tokens: wait a minute");
    const bool bearer = ask.authorization.starts_with(kBearer);
    if (!bearer || !tokens_.role_of(ask.authorization.substr(kBearer.size()))) {
      if (bearer) tries_.failed(ask.from, now_ns);
      return error_page(401, ErrorKind::not_permitted,
                        "give the token of floodwall web token --read as Authorization: Bearer");
    }
  }
  return Call{.request = {.verb = verb, .arguments = {}, .options = {}},
              .peer = {.web = ask.from.text(), .allowed = true},
              .key = "/metrics",
              .is_metrics = true};
}

Turn Site::api(const Ask& ask, Role role) {
  control::Peer peer{.uid = static_cast<uid_t>(-1),
                     .gid = static_cast<gid_t>(-1),
                     .web = ask.from.text(),
                     .allowed = true,
                     .read_only = role != Role::change};
  auto read = control::read_ask({ask.method, ask.target, ask.body}, peer);
  if (control::Answer* said = std::get_if<control::Answer>(&read)) {
    Page page{.status = said->status,
              .body = std::make_shared<const std::string>(std::move(said->body))};
    if (!said->allow.empty()) page.headers = fmt::format("Allow: {}\r\n", said->allow);
    return page;
  }
  control::Request& request = std::get<control::Request>(read);
  // Who holds a session must not make one that outlives it.
  if (request.verb->name == "web")
    return error_page(403, ErrorKind::not_permitted, "tokens are made on the host: floodwall web");
  if (request.verb->access == control::Access::change && role != Role::change)
    return error_page(403, ErrorKind::not_permitted,
                      "this token may only look: log in with that of floodwall web token");
  return Call{.request = std::move(request),
              .peer = std::move(peer),
              .key = ask.method == "GET" ? std::string(ask.target) : std::string()};
}

}  // namespace fw::web
