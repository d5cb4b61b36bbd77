// SPDX-License-Identifier: MIT
#include "daemon/web_page.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "base/file.hpp"

namespace fw::daemon {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kAgainNs = 5 * kSecond;  // judgement
constexpr std::uint64_t kTokensBytes = 4096;
constexpr std::string_view kNone = "none";

std::string path_or_nothing(const std::string& text) {
  return text == kNone ? "" : text;
}

}  // namespace

Result<web::Tokens> WebPage::read_tokens() const {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return web::Tokens();
  const auto text = read_file(file_, kTokensBytes);
  if (!text) return std::unexpected(text.error());
  auto tokens = web::Tokens::parse(*text);
  if (!tokens)
    return fail(fmt::format("{}: {}: floodwall web token makes it anew", file_.native(),
                            tokens.error().message));
  return tokens;
}

Result<void> WebPage::open() {
  const auto listen = Endpoint::parse(wanted_.listen);
  if (!listen) return std::unexpected(listen.error());
  auto tokens = read_tokens();
  if (!tokens) return std::unexpected(std::move(tokens).error());
  // What the page's thread asks is answered in the loop.
  const auto ask = [this](const control::Request& request, const control::Peer& peer,
                          control::Reply reply) {
    boost::asio::post(context_, [this, request, peer, reply = std::move(reply)] {
      try {
        service_(request, peer, reply);
      } catch (const std::exception& error) {
        reply(fail(std::string(request.verb->name) + ": " + error.what()));
      }
    });
  };
  auto server = web::Server::open({.listen = *listen,
                                   .certificate = path_or_nothing(wanted_.certificate),
                                   .key = path_or_nothing(wanted_.key),
                                   .names = wanted_.names},
                                  std::move(*tokens), ask, read_clocks);
  if (!server) return std::unexpected(std::move(server).error());
  server_ = std::move(*server);
  return {};
}

void WebPage::configure(const config::Web& wanted) {
  Result<void> done;
  if (server_ && wanted == wanted_) {
    done = server_->renew_certificate();
  } else {
    wanted_ = wanted;
    server_.reset();
    if (wanted_.listen != "off") done = open();
  }
  problem_ = done ? "" : "the web page: " + done.error().message;
}

void WebPage::tick(const Now& now) {
  if (problem_.empty() || now.mono_ns < again_ns_) return;
  again_ns_ = now.mono_ns + kAgainNs;
  configure(config::Web(wanted_));
}

std::string WebPage::where() const {
  if (!server_)
    return problem_.empty() ? "the page is off: set listen = \"127.0.0.1:8870\" under [web] in "
                              "floodwall.toml, then: floodwall apply"
                            : problem_;
  const bool tls = wanted_.certificate != kNone;
  const Endpoint at = *Endpoint::parse(wanted_.listen);
  std::string text = fmt::format("the page is at {}://{}/", tls ? "https" : "http", wanted_.listen);
  if (at.is_loopback())
    text += fmt::format("; from elsewhere: ssh -L {}:{} this host, then http://localhost:{}/",
                        at.port, wanted_.listen, at.port);
  return text;
}

Result<Json> WebPage::order(const control::Request& request) {
  if (request.arguments.empty()) {
    if (request.flag("read")) return fail(ErrorKind::usage, "--read is for floodwall web token");
    const auto tokens = read_tokens();
    if (!tokens) return std::unexpected(tokens.error());
    const bool any = tokens->has(web::Role::change) || tokens->has(web::Role::read);
    return Json{{"message", where() + (any ? "" : "\nno token yet: floodwall web token")},
                {"on", server_ != nullptr}};
  }
  const web::Role role = request.flag("read") ? web::Role::read : web::Role::change;
  web::Tokens tokens = read_tokens().value_or(web::Tokens());
  const auto token = tokens.renew(role);
  if (!token) return std::unexpected(token.error());
  if (auto written = write_file(file_, tokens.text(), 0600); !written)
    return std::unexpected(written.error());
  if (server_) server_->set_tokens(tokens);
  return Json{
      {"message", fmt::format("{}\nThis token is shown once, and {}; the former one is good "
                              "no more, and who had logged in must do so again.\n{}",
                              *token,
                              role == web::Role::change ? "may change what passes"
                                                        : "may look and change nothing",
                              where())},
      {"token", *token},
      {"on", server_ != nullptr}};
}

}  // namespace fw::daemon
