// SPDX-License-Identifier: MIT
// Connections of the API: read a request, let the service answer it, write the answer, again. What
// is large is parsed and printed in a second thread, one at a time, so that it delays no other
// caller. The only file besides client.cpp that sees Boost.Beast, which takes long to compile.
#include "control/server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cassert>
#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>  // a Handler can only be moved where its reply is known
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "base/version.hpp"

namespace fw::control {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;

namespace {

constexpr std::uint32_t kHeaderLimit = 16U << 10;
constexpr std::uint64_t kBodyLimit = 8ULL << 20;      // 100,000 addresses need 5 MB at most
constexpr std::uint64_t kForeignLimit = 64ULL << 10;  // of who may not use the API: for the refusal
// Longer bodies, and replies with more rows, are the second thread's: judgement, under 1 ms of
// work.
constexpr std::size_t kSmallBody = 32U << 10;
constexpr std::size_t kFewRows = 500;
// All bodies together that are longer and not parsed yet. Root is not held to it.
constexpr std::uint64_t kLargeTogether = 4 * kBodyLimit;
constexpr std::size_t kMostConnections = 64;
constexpr std::size_t kForRoot = 8;  // more, for root alone: others cannot shut it out
// Likewise who may only read cannot shut out who may change something.
constexpr std::size_t kOfReaders = kMostConnections / 2;
constexpr std::uint64_t kLargeOfReaders = kLargeTogether / 2;
constexpr std::chrono::seconds kIdle{30};
constexpr std::chrono::milliseconds kAcceptAgain{100};

class Connection;

struct Listening {
  dev_t device = 0;
  ino_t inode = 0;
};

// Identifies the file at `path`, so that the socket of the next daemon is not removed.
Listening identity(const std::filesystem::path& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

}  // namespace

struct Server::State {
  State(asio::io_context& context, UniqueFd fd, const Groups& admitted, Service called)
      : acceptor(context, Local(), fd.get()),
        pause(context),
        groups(admitted),
        service(std::move(called)) {
    static_cast<void>(fd.release());  // now owned by the acceptor
  }

  Local::acceptor acceptor;
  asio::steady_timer pause;
  Groups groups;
  std::string problem;  // of the readers
  Service service;
  std::filesystem::path path;
  Listening file;
  std::set<Connection*> connections;  // each is kept alive by its own pending operations
  std::size_t served = 0;             // of them; the others are turned away
  std::uint64_t large_bytes = 0;      // of bodies that are announced or read, and not parsed yet
  bool closed = false;
  asio::thread_pool second{1};

  void let_readers_in() {
    const auto admitted = admit_readers(path, groups);
    problem = admitted ? "" : "members of api.read_group cannot ask: " + admitted.error().message;
  }
};

namespace {

using Parser = http::request_parser<http::string_body>;
using Response = http::response<http::string_body>;

bool is_large(const Result<nlohmann::json>& reply) {
  return reply && std::any_of(reply->begin(), reply->end(),
                              [](const nlohmann::json& value) { return value.size() > kFewRows; });
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Local::socket socket, std::shared_ptr<Server::State> state)
      : peer_(peer_of(socket.native_handle(), state->groups)),
        stream_(std::move(socket)),
        state_(std::move(state)) {
    state_->connections.insert(this);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    release();
    if (is_served_) --state_->served;
    state_->connections.erase(this);
  }

  [[nodiscard]] bool is_root() const { return peer_.uid == 0; }
  // How many connections there may be before this one.
  [[nodiscard]] std::size_t most() const {
    if (peer_.read_only) return kOfReaders;
    return kMostConnections + (is_root() ? kForRoot : 0);
  }
  void start() {
    is_served_ = true;
    ++state_->served;
    read_header();
  }
  void close() { stream_.close(); }

  // Answers with the reason and closes, without reading the request.
  void refuse() {
    answer(error_answer({ErrorKind::not_running,
                         "too many connections to the API: close some, or try again"}),
           false);
  }

 private:
  void read_header() {
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(peer_.allowed ? kBodyLimit : kForeignLimit);
    stream_.expires_after(kIdle);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                              self->on_header(error);
                            });
  }

  void on_header(beast::error_code error) {
    if (error) return on_bad_request(error);
    if (!reserve()) {
      const Error busy{ErrorKind::not_running,
                       "the API is busy with other long requests: try again in a second"};
      return answer(error_answer(busy), false);
    }
    if (!beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body();
    // curl waits for "100 Continue" before it sends a long body.
    go_on_.emplace(http::status::continue_, 11);
    http::async_write(stream_, *go_on_,
                      [self = shared_from_this()](beast::error_code failed, std::size_t) {
                        if (!failed) self->read_body();
                      });
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       self->on_request(error);
                     });
  }

  // A body of unknown length may become as long as any.
  bool reserve() {
    const auto length = parser_->content_length();
    const std::uint64_t bytes = length ? *length : parser_->chunked() ? kBodyLimit : 0;
    if (bytes <= kSmallBody || !peer_.allowed) return true;
    const std::uint64_t together = peer_.read_only ? kLargeOfReaders : kLargeTogether;
    if (!is_root() && state_->large_bytes + bytes > together) return false;
    reserved_ = bytes;
    state_->large_bytes += bytes;
    return true;
  }
  void release() { state_->large_bytes -= std::exchange(reserved_, 0); }

  void on_request(beast::error_code error) {
    if (error) return on_bad_request(error);
    if (state_->closed) return;
    if (parser_->get().body().size() <= kSmallBody) return take(read_request());
    // The connection waits for nothing else meanwhile, so that nobody else touches it.
    asio::post(state_->second, [self = shared_from_this()]() mutable {
      auto read = self->read_request();
      const auto executor = self->stream_.get_executor();
      asio::post(executor, [self = std::move(self), read = std::move(read)]() mutable {
        self->take(std::move(read));
      });
    });
  }

  std::variant<Request, Answer> read_request() {
    auto& request = parser_->get();
    auto read =
        read_ask({.method = {request.method_string().data(), request.method_string().size()},
                  .target = {request.target().data(), request.target().size()},
                  .body = request.body()},
                 peer_);
    request.body() = {};  // its memory
    return read;
  }

  void take(std::variant<Request, Answer> read) {
    release();
    if (state_->closed) return;
    if (Answer* said = std::get_if<Answer>(&read)) return answer(std::move(*said), keep_alive());
    const Request& request = std::get<Request>(read);
    const Reply reply = [self = shared_from_this()](Result<nlohmann::json> result) {
      self->reply(std::move(result));
    };
    try {
      state_->service(request, peer_, reply);
    } catch (const std::exception& error) {
      reply(fail(std::string(request.verb->name) + ": " + error.what()));
    }
  }

  void reply(Result<nlohmann::json> result) {
    if (state_->closed) return;
    if (!is_large(result)) return answer(answer_of(result), keep_alive());
    asio::post(state_->second, [self = shared_from_this(), result = std::move(result)]() mutable {
      Answer said = answer_of(result);
      result = nlohmann::json();
      const auto executor = self->stream_.get_executor();
      asio::post(executor, [self = std::move(self), said = std::move(said)]() mutable {
        if (!self->state_->closed) self->answer(std::move(said), self->keep_alive());
      });
    });
  }

  [[nodiscard]] bool keep_alive() const { return parser_->get().keep_alive(); }

  // A timeout or a broken or closed connection ends it silently. A request that is not HTTP or too
  // long gets an answer.
  void on_bad_request(beast::error_code error) {
    static const auto& http_errors = beast::error_code(http::error::bad_method).category();
    if (state_->closed || error.category() != http_errors || error == http::error::end_of_stream ||
        error == http::error::partial_message)
      return;
    Answer said = error_answer({ErrorKind::usage, "not an HTTP request: " + error.message()});
    if (error == http::error::body_limit) {
      said = error_answer({ErrorKind::usage, "the request is too long: at most 8 MiB"});
      said.status = 413;
    } else if (error == http::error::header_limit) {
      said = error_answer({ErrorKind::usage, "the request's header is too long: at most 16 KiB"});
      said.status = 431;
    }
    answer(std::move(said), false);
  }

  void answer(Answer said, bool keep_alive) {
    response_ = std::make_unique<Response>(static_cast<http::status>(said.status), 11);
    Response& response = *response_;
    response.set(http::field::server, "floodwall/" + std::string(kVersion));
    response.set(http::field::content_type, "application/json");
    if (!said.allow.empty())
      response.set(http::field::allow, beast::string_view(said.allow.data(), said.allow.size()));
    response.keep_alive(keep_alive);
    response.body() = std::move(said.body);
    response.prepare_payload();
    stream_.expires_after(kIdle);
    http::async_write(stream_, response,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error && self->response_->keep_alive()) self->read_header();
                      });
  }

  Peer peer_;
  beast::basic_stream<Local> stream_;
  beast::flat_buffer buffer_;
  std::unique_ptr<Parser> parser_;  // one per request
  std::unique_ptr<Response> response_;
  std::optional<http::response<http::empty_body>> go_on_;
  std::shared_ptr<Server::State> state_;
  std::uint64_t reserved_ = 0;  // of state_->large_bytes
  bool is_served_ = false;
};

void accept(const std::shared_ptr<Server::State>& state) {
  state->acceptor.async_accept([state](beast::error_code error, Local::socket socket) {
    // Aborted: another socket took this one's place (Server::keep_socket).
    if (state->closed || error == asio::error::operation_aborted) return;
    if (!error) {
      const auto connection = std::make_shared<Connection>(std::move(socket), state);
      state->served >= connection->most() ? connection->refuse() : connection->start();
      return accept(state);
    }
    // Out of descriptors or memory: try again later instead of spinning.
    state->pause.expires_after(kAcceptAgain);
    state->pause.async_wait([state](beast::error_code stopped) {
      if (!stopped && !state->closed) accept(state);
    });
  });
}

}  // namespace

Result<std::unique_ptr<Server>> Server::open(asio::io_context& context,
                                             const SocketOptions& options, Service service) {
  const Groups groups{.all = find_group(options.group), .reading = find_group(options.read_group)};
  auto fd = listen_on(options.path, groups.all);
  if (!fd) return std::unexpected(std::move(fd).error());
  try {
    auto state = std::make_shared<State>(context, std::move(*fd), groups, std::move(service));
    state->path = options.path;
    state->let_readers_in();
    state->file = identity(options.path);
    accept(state);
    return std::unique_ptr<Server>(new Server(std::move(state)));
  } catch (const std::exception& error) {
    return fail("cannot serve " + options.path.native() + ": " + error.what());
  }
}

Service at_once(Handler handler) {
  return
      [handler = std::move(handler)](const Request& request, const Peer& peer, const Reply& reply) {
        const auto permitted = permit(request, peer);
        reply(permitted ? handler(request) : std::unexpected(permitted.error()));
      };
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<void> Server::set_groups(const std::string& group, const std::string& read_group) {
  const Groups found{.all = find_group(group), .reading = find_group(read_group)};
  state_->groups = {};
  state_->problem.clear();
  if (auto admitted = admit_group(state_->path, found.all); !admitted) return admitted;
  state_->groups = found;
  state_->let_readers_in();
  return {};
}

const std::string& Server::problem() const {
  return state_->problem;
}

Result<void> Server::keep_socket() {
  const Listening now = identity(state_->path);
  if (now.device == state_->file.device && now.inode == state_->file.inode) return {};
  auto fd = listen_on(state_->path, state_->groups.all);
  if (!fd) return std::unexpected(std::move(fd).error());
  try {
    state_->pause.cancel();
    state_->acceptor.close();
    state_->acceptor.assign(Local(), fd->get());
    static_cast<void>(fd->release());
  } catch (const std::exception& error) {
    return fail("cannot serve " + state_->path.native() + ": " + error.what());
  }
  state_->file = identity(state_->path);
  state_->let_readers_in();
  accept(state_);
  return {};
}

Server::~Server() {
  state_->closed = true;
  try {
    state_->second.stop();
    state_->second.join();
    beast::error_code ignored;
    ignored = state_->acceptor.close(ignored);
    state_->pause.cancel();
    for (Connection* connection : state_->connections) connection->close();
  } catch (const std::exception&) {
    // Operations that could not be cancelled find `closed` set when they end.
    assert(state_->closed);
  }
  const Listening now = identity(state_->path);
  if (now.device == state_->file.device && now.inode == state_->file.inode)
    static_cast<void>(::unlink(state_->path.c_str()));
}

}  // namespace fw::control
