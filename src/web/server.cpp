// SPDX-License-Identifier: MIT
// Connections of browsers. Each has one request at a time; a stream is written only when its last
// write is done, so a slow reader misses snapshots, costs one, and is dropped after a while.
#include "web/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "web/history.hpp"
#include "web/site.hpp"

namespace fw::web {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Json = nlohmann::json;
using Tcp = asio::ip::tcp;

namespace {

// All judgement.
constexpr std::size_t kMostConnections = 256;
constexpr std::size_t kMostStrangers = 64;  // of them; one more ends the oldest of them
constexpr std::size_t kMostShared = 32;     // answers that are kept for a second
constexpr std::uint64_t kSharedNs = kSecond;
constexpr std::uint32_t kHeaderLimit = 8U << 10;
constexpr std::uint64_t kBodyLimit = 1U << 20, kStrangersLimit = 1U << 10;
constexpr int kSendBuffer = 64 << 10;
constexpr std::chrono::seconds kRequestTime{10}, kWriteTime{10}, kIdle{30};
constexpr std::chrono::seconds kEvery{1};
constexpr std::chrono::milliseconds kAcceptPause{20};  // after each: at most 50 a second

constexpr std::string_view kHeaders =
    "Content-Security-Policy: default-src 'self'; script-src 'self'; style-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-store\r\n";

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Address address_of(const Tcp::endpoint& endpoint) {
  const auto parsed = Address::parse(endpoint.address().to_string());
  return parsed ? *parsed : Address{};
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  virtual void close() = 0;
  virtual void answer(Page page) = 0;
  // To a stream; it is left out if the one before is still on its way.
  virtual void push(const Text& text) = 0;

  std::uint64_t id = 0;
  bool is_stranger = true;  // nobody has logged in by it
  std::string stream{};     // the session's secret; empty: it is no stream
};

using Tls = std::shared_ptr<asio::ssl::context>;

Result<Tls> read_certificate(const ServerOptions& options) {
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(tls->native_handle(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(tls->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  beast::error_code error;
  error = tls->use_certificate_chain_file(options.certificate, error);
  if (error)
    return fail(fmt::format("web.certificate = \"{}\": {}", options.certificate, error.message()));
  error = tls->use_private_key_file(options.key, asio::ssl::context::pem, error);
  if (error) return fail(fmt::format("web.key = \"{}\": {}", options.key, error.message()));
  return tls;
}

}  // namespace

struct Server::State {
  State(ServerOptions given, Tokens tokens, control::Service called, std::function<Now()> time)
      : options(std::move(given)),
        service(std::move(called)),
        clock(std::move(time)),
        site(std::move(tokens), options.names, !options.certificate.empty()) {}

  struct Shared {
    std::uint64_t at_ns = 0;
    Page page;                           // no body: it is not here yet
    std::vector<std::uint64_t> waiting;  // connections
  };

  ServerOptions options;
  control::Service service;
  std::function<Now()> clock;
  Site site;
  History history;
  std::map<std::string, Shared> shared;
  std::uint64_t last_id = 0, last_event = 0;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections;  // by age
  unsigned asked = 0;  // of a snapshot, what has not been answered
  Json snapshot = Json::object();
  Text last_snapshot;
  Tls tls;
  asio::io_context context{1};
  Tcp::acceptor acceptor{context};
  asio::steady_timer second{context}, pause{context};
  std::weak_ptr<State> self;
  std::thread thread;

  void accept();
  void admit(Tcp::socket socket);
  void wait();
  void ask_snapshot();
  void ask_part(const char* verb, std::vector<std::string> arguments,
                std::vector<std::pair<std::string_view, std::string>> asked_options,
                std::function<void(Json)> then);
  void part_done();
  void publish();
  void take(Connection& connection, Turn turn);
  void call(std::uint64_t id, Call call);
  void answer(std::uint64_t id, const Page& page);
  void run();
  void answered(std::uint64_t id, const std::string& key, bool is_metrics, bool changes,
                const Result<Json>& reply);
  // `then` in the server's thread with the reply, from any thread.
  control::Reply reply_to(std::function<void(State&, Result<Json>)> then);
};

namespace {

template <typename Socket>
class TypedConnection final : public Connection {
  static constexpr bool kTls = !std::is_same_v<Socket, beast::tcp_stream>;

 public:
  template <typename... Arguments>
  TypedConnection(Server::State& state, const Address& from, Arguments&&... arguments)
      : state_(state), from_(from), socket_(std::forward<Arguments>(arguments)...) {}

  void start() override {
    if constexpr (kTls) {
      lowest().expires_after(kRequestTime);
      socket_.async_handshake(
          asio::ssl::stream_base::server,
          [self = shared_from_this(), this](beast::error_code error) { error ? end() : read(); });
    } else {
      read();
    }
  }

  void close() override { lowest().close(); }

  void answer(Page page) override {
    const bool keep = !is_bad_ && parser_->get().keep_alive();
    page_ = std::move(page);
    head_ = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}{}{}\r\n", page_.status,
        view(http::obsolete_reason(static_cast<http::status>(page_.status))), page_.type,
        page_.body->size(), kHeaders, kTls ? "Strict-Transport-Security: max-age=31536000\r\n" : "",
        page_.headers, keep ? "" : "Connection: close\r\n");
    write([this, keep](beast::error_code error) { error || !keep ? end() : read(); });
  }

  void push(const Text& text) override {
    if (std::exchange(writing_, true)) return;
    page_.body = text;
    head_.clear();
    write([this](beast::error_code error) {
      writing_ = false;
      if (error) end();
    });
  }

 private:
  beast::tcp_stream& lowest() {
    if constexpr (kTls)
      return socket_.next_layer();
    else
      return socket_;
  }

  void end() {
    lowest().close();
    state_.connections.erase(id);
  }

  template <typename Then>
  void write(Then then) {
    lowest().expires_after(kWriteTime);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head_), asio::buffer(*page_.body)};
    asio::async_write(
        socket_, parts,
        [self = shared_from_this(), then](beast::error_code error, std::size_t) { then(error); });
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(kStrangersLimit);
    lowest().expires_after(is_stranger ? kRequestTime : kIdle);
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this(), this](beast::error_code error, std::size_t) {
          error ? bad(error) : read_body();
        });
  }

  void read_body() {
    const auto& header = parser_->get();
    const auto role =
        state_.site.role_of(view(header[http::field::cookie]), state_.clock().mono_ns);
    is_stranger = !role;
    if (role) parser_->body_limit(kBodyLimit);
    // Beast compares the announced length with the limit of before.
    if (!role && parser_->content_length().value_or(0) > kStrangersLimit)
      return bad(http::error::body_limit);
    lowest().expires_after(kRequestTime);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this(), this](beast::error_code error, std::size_t) {
                       error ? bad(error) : serve();
                     });
  }

  void serve() {
    const auto& request = parser_->get();
    Turn turn = state_.site.take({.method = view(request.method_string()),
                                  .target = view(request.target()),
                                  .host = view(request[http::field::host]),
                                  .origin = view(request[http::field::origin]),
                                  .content_type = view(request[http::field::content_type]),
                                  .cookie = view(request[http::field::cookie]),
                                  .authorization = view(request[http::field::authorization]),
                                  .body = request.body(),
                                  .from = from_},
                                 state_.clock().mono_ns);
    if (auto* opened = std::get_if<Stream>(&turn)) return begin_stream(std::move(opened->secret));
    state_.take(*this, std::move(turn));
  }

  void begin_stream(std::string secret) {
    stream = std::move(secret);
    lowest().expires_never();
    // Nothing comes but the end.
    socket_.async_read_some(asio::buffer(scrap_), [self = shared_from_this(), this](
                                                      beast::error_code, std::size_t) { end(); });
    writing_ = true;
    std::string first = "event: history\ndata: " + text_of(state_.history.points()) + "\n\n";
    if (state_.last_snapshot) first += *state_.last_snapshot;
    page_.body = std::make_shared<const std::string>(std::move(first));
    head_ = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{}Connection: close\r\n\r\n",
        kHeaders);
    write([this](beast::error_code error) {
      writing_ = false;
      if (error) end();
    });
  }

  // The rest of the request is not read: the connection ends with the answer.
  void bad(beast::error_code error) {
    is_bad_ = true;
    if (error == http::error::header_limit)
      return answer(error_page(431, ErrorKind::usage, "the request's header is too long"));
    if (error == http::error::body_limit)
      return answer(error_page(413, ErrorKind::usage, "the request is too long"));
    end();
  }

  Server::State& state_;
  Address from_;
  Socket socket_;
  beast::flat_buffer buffer_{64U << 10};
  std::optional<http::request_parser<http::string_body>> parser_;
  Page page_;
  std::string head_;
  std::array<char, 1> scrap_{};
  bool writing_ = false, is_bad_ = false;
};

}  // namespace

void Server::State::accept() {
  acceptor.async_accept([this](beast::error_code error, Tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) admit(std::move(socket));
    pause.expires_after(kAcceptPause);
    pause.async_wait([this](beast::error_code stopped) {
      if (!stopped) accept();
    });
  });
}

// Strangers displace each other, and never who has logged in.
void Server::State::admit(Tcp::socket socket) {
  const auto is_stranger = [](const auto& each) { return each.second->is_stranger; };
  const bool full =
      connections.size() >= kMostConnections || std::ranges::count_if(connections, is_stranger) >=
                                                    static_cast<std::ptrdiff_t>(kMostStrangers);
  if (full) {
    const auto oldest = std::ranges::find_if(connections, is_stranger);
    if (oldest == connections.end()) return;  // closes the new one
    oldest->second->close();
    connections.erase(oldest);
  }
  beast::error_code error;
  const Tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;
  // What a slow reader may leave in the kernel.
  error = socket.set_option(asio::socket_base::send_buffer_size(kSendBuffer), error);
  if (error) return;
  std::shared_ptr<Connection> connection;
  if (tls)
    connection = std::make_shared<TypedConnection<beast::ssl_stream<beast::tcp_stream>>>(
        *this, address_of(peer), beast::tcp_stream(std::move(socket)), *tls);
  else
    connection = std::make_shared<TypedConnection<beast::tcp_stream>>(*this, address_of(peer),
                                                                      std::move(socket));
  connection->id = ++last_id;
  connections.emplace(connection->id, connection);
  connection->start();
}

void Server::State::wait() {
  second.expires_after(kEvery);
  second.async_wait([this](beast::error_code error) {
    if (error) return;
    ask_snapshot();
    wait();
  });
}

control::Reply Server::State::reply_to(std::function<void(State&, Result<Json>)> then) {
  return [weak = self, then = std::move(then)](Result<Json> reply) {
    const auto state = weak.lock();
    if (!state) return;
    asio::post(state->context, [raw = state.get(), then, reply = std::move(reply)]() mutable {
      then(*raw, std::move(reply));
    });
  };
}

void Server::State::ask_part(const char* verb, std::vector<std::string> arguments,
                             std::vector<std::pair<std::string_view, std::string>> asked_options,
                             std::function<void(Json)> then) {
  ++asked;
  service({.verb = control::find_verb(verb),
           .arguments = std::move(arguments),
           .options = std::move(asked_options)},
          {.web = "page", .allowed = true},
          reply_to([then = std::move(then)](State& state, Result<Json> reply) {
            if (reply) then(std::move(*reply));
            state.part_done();
          }));
}

// Once a second, however many look on. Without anybody only the charts' point is taken.
void Server::State::ask_snapshot() {
  if (asked != 0) return;
  const bool watched = std::ranges::any_of(
      connections, [](const auto& each) { return !each.second->stream.empty(); });
  ask_part("status", {}, {}, [this](Json status) {
    status.erase("exempt");  // thousands, where a host has so many addresses
    snapshot["point"] = history.add(status, clock());
    snapshot["status"] = std::move(status);
  });
  if (!watched) return;
  ask_part("list", {"sources"}, {{"by", "dropped"}},
           [this](Json sources) { snapshot["heavy"] = std::move(sources); });
  ask_part("events", {}, {{"after", std::to_string(last_event)}, {"limit", "50"}},
           [this](Json events) {
             last_event = events.value("next", std::uint64_t{0});
             snapshot["events"] = std::move(events["events"]);
           });
}

void Server::State::part_done() {
  if (--asked == 0) publish();
}

void Server::State::publish() {
  const std::uint64_t now_ns = clock().mono_ns;
  Text text;
  for (const auto& [id, connection] : std::map(connections)) {
    if (connection->stream.empty()) continue;
    if (!site.is_open(connection->stream, now_ns)) {
      connection->close();
      connections.erase(id);
      continue;
    }
    if (!text)
      text = std::make_shared<const std::string>("event: snapshot\ndata: " + text_of(snapshot) +
                                                 "\n\n");
    connection->push(text);
  }
  last_snapshot = text;
  snapshot = Json::object();
  std::erase_if(shared, [&](const auto& each) {
    return each.second.page.body && now_ns - each.second.at_ns > kSharedNs;
  });
}

void Server::State::take(Connection& connection, Turn turn) {
  if (Page* page = std::get_if<Page>(&turn)) return connection.answer(std::move(*page));
  if (Call* asked_for = std::get_if<Call>(&turn)) call(connection.id, std::move(*asked_for));
}

void Server::State::call(std::uint64_t id, Call asked_for) {
  if (!asked_for.key.empty()) {
    const auto found = shared.find(asked_for.key);
    if (found != shared.end() && !found->second.page.body) {
      found->second.waiting.push_back(id);
      return;
    }
    if (found != shared.end() && clock().mono_ns - found->second.at_ns <= kSharedNs)
      return answer(id, found->second.page);
    if (shared.size() < kMostShared || found != shared.end())
      shared[asked_for.key] = {.at_ns = 0, .page = {}, .waiting = {id}};
    else
      asked_for.key.clear();
  }
  const bool changes = asked_for.request.verb->access == control::Access::change;
  service(asked_for.request, asked_for.peer,
          reply_to([id, key = asked_for.key, metrics = asked_for.is_metrics, changes](
                       State& state, const Result<Json>& reply) {
            state.answered(id, key, metrics, changes, reply);
          }));
}

void Server::State::answered(std::uint64_t id, const std::string& key, bool is_metrics,
                             bool changes, const Result<Json>& reply) {
  Page page;
  if (is_metrics && reply) {
    page.type = "text/plain; version=0.0.4; charset=utf-8";
    page.body = std::make_shared<const std::string>(reply->value("text", std::string()));
  } else {
    control::Answer said = control::answer_of(reply);
    page.status = said.status;
    page.body = std::make_shared<const std::string>(std::move(said.body));
  }
  std::vector<std::uint64_t> waiting{id};
  // What was read before a change is not shown after it.
  if (changes)
    std::erase_if(shared, [](const auto& each) { return each.second.page.body != nullptr; });
  if (const auto found = shared.find(key); found != shared.end()) {
    waiting = std::exchange(found->second.waiting, {});
    found->second.at_ns = clock().mono_ns;
    found->second.page = page;
  }
  for (const std::uint64_t each : waiting) answer(each, page);
}

// Who asked may be gone.
void Server::State::answer(std::uint64_t id, const Page& page) {
  if (const auto found = connections.find(id); found != connections.end())
    std::shared_ptr(found->second)->answer(page);
}

// What throws where memory is short must not end the daemon.
void Server::State::run() {
  for (;;) try {
      context.run();
      return;
    } catch (const std::exception& error) {
      fmt::print(stderr, "floodwalld: the web page: {}\n", error.what());
    }
}

Result<std::unique_ptr<Server>> Server::open(const ServerOptions& options, Tokens tokens,
                                             control::Service service, std::function<Now()> clock) {
  auto state =
      std::make_shared<State>(options, std::move(tokens), std::move(service), std::move(clock));
  state->self = state;
  if (!options.certificate.empty()) {
    auto tls = read_certificate(options);
    if (!tls) return std::unexpected(std::move(tls).error());
    state->tls = std::move(*tls);
  }
  beast::error_code error;
  const Tcp::endpoint at(asio::ip::make_address(options.listen.address.text()),
                         options.listen.port);
  error = state->acceptor.open(at.protocol(), error);
  if (!error) error = state->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) error = state->acceptor.bind(at, error);
  if (!error) error = state->acceptor.listen(static_cast<int>(kMostStrangers), error);
  if (error)
    return fail(fmt::format("web.listen = \"{}\": {}", options.listen.text(), error.message()));
  state->accept();
  state->wait();
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

void Server::set_tokens(Tokens tokens) {
  asio::post(state_->context, [raw = state_.get(), tokens] { raw->site.set_tokens(tokens); });
}

Result<void> Server::renew_certificate() {
  if (state_->options.certificate.empty()) return {};
  auto tls = read_certificate(state_->options);
  if (!tls) return std::unexpected(std::move(tls).error());
  asio::post(state_->context, [raw = state_.get(), tls = std::move(*tls)] { raw->tls = tls; });
  return {};
}

Server::~Server() {
  state_->context.stop();
  state_->thread.join();
  state_->connections.clear();  // before the context that they belong to
}

}  // namespace fw::web
