// SPDX-License-Identifier: MIT
// One HTTP exchange over the API's socket, with a limit on how long it may take.
#include "control/client.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "base/pid_file.hpp"
#include "base/version.hpp"
#include "control/dispatch.hpp"

namespace fw::control {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using nlohmann::json;

constexpr std::chrono::seconds kPatience{120};  // judgement: lists of millions take half a minute
// A daemon that is silent for so long is asked something that it always answers at once. All in
// all nobody waits for a daemon that hangs for more than five seconds.
constexpr std::chrono::milliseconds kSilence{2500};
constexpr std::chrono::milliseconds kProbe{2000};
constexpr std::chrono::milliseconds kConnect{2000};  // while its queue of callers is full
constexpr std::chrono::milliseconds kConnectAgain{20};
constexpr std::uint64_t kReplyLimit = 1ULL << 30;  // judgement: far above any list of the daemon's

std::unexpected<Error> hangs(const std::filesystem::path& socket, const std::string& pid) {
  return fail(ErrorKind::not_running,
              fmt::format("floodwalld (process {0}) hangs: it listens on {1} and does not answer. "
                          "What it attached goes on filtering. To take that off: sudo floodwalld "
                          "--remove. To end it: sudo kill -9 {0}, and start it again",
                          pid, socket.native()));
}

std::unexpected<Error> cannot_connect(const std::filesystem::path& socket,
                                      beast::error_code error) {
  const auto pid = running_daemon(socket.parent_path());
  if (error == beast::errc::resource_unavailable_try_again)
    return hangs(socket, pid.value_or("unknown"));
  const bool nobody =
      error == beast::errc::no_such_file_or_directory || error == beast::errc::connection_refused;
  if (nobody && pid)
    return fail(ErrorKind::not_running,
                fmt::format("floodwalld (process {0}) runs, and nobody listens on {1}: it is "
                            "starting, or makes the socket again within two seconds. If it does "
                            "not, it hangs. To take off what it attached: sudo floodwalld "
                            "--remove. To end it: sudo kill -9 {0}",
                            *pid, socket.native()));
  if (nobody)
    return fail(ErrorKind::not_running,
                fmt::format("the daemon is not running (nobody listens on {}); start it: sudo "
                            "systemctl start floodwall, or sudo ./quickstart",
                            socket.native()));
  if (error == beast::errc::permission_denied)
    return fail(ErrorKind::not_permitted,
                fmt::format("you may not use {}: run with sudo, or join group floodwall "
                            "(floodwall-read: to look only)",
                            socket.native()));
  return fail(fmt::format("cannot connect to {}: {}", socket.native(), error.message()));
}

std::unexpected<Error> broken(beast::error_code error) {
  if (error == beast::error::timeout)
    return fail(fmt::format("the daemon did not answer within {} s", kPatience.count()));
  return fail(fmt::format("the daemon broke off: {}", error.message()));
}

Result<json> read_reply(unsigned status, const std::string& body) {
  json reply = json::parse(body, nullptr, false);
  if (!reply.is_object())
    return fail(fmt::format("the daemon's reply is not a JSON object (HTTP status {})", status));
  if (status < 400) return reply;
  const json error = reply.value("error", json::object());
  return fail(kind_of_word(error.value("kind", "failed")),
              error.value("message", fmt::format("the daemon answered with status {}", status)));
}

// A full queue of callers is no reason to wait for ever, as a blocking connect() does.
beast::error_code connect(Local::socket& socket, const std::filesystem::path& path) {
  const auto end = std::chrono::steady_clock::now() + kConnect;
  beast::error_code error;
  if (error = socket.open(Local(), error); error) return error;
  if (error = socket.non_blocking(true, error); error) return error;
  const Local::endpoint endpoint(path.native());
  while (true) {
    if (::connect(socket.native_handle(), endpoint.data(),
                  static_cast<socklen_t>(endpoint.size())) == 0)
      return {};
    error = {errno, boost::system::system_category()};
    if (error != beast::errc::resource_unavailable_try_again ||
        std::chrono::steady_clock::now() > end)
      return error;
    std::this_thread::sleep_for(kConnectAgain);
  }
}

// The process that listens; the socket is connected.
std::string listener(Local::socket& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return "unknown";
  return fmt::format("{}", credentials.pid);
}

// Whether the daemon says anything at all.
bool is_alive(const std::filesystem::path& path) {
  asio::io_context context;
  beast::basic_stream<Local> stream(context);
  if (connect(stream.socket(), path)) return false;
  http::request<http::empty_body> request(http::verb::get, "/v1", 11);
  request.set(http::field::host, "floodwall");
  beast::error_code ended = asio::error::would_block;
  beast::flat_buffer buffer;
  http::response<http::string_body> reply;
  stream.expires_after(kProbe);
  http::async_write(stream, request, [&](beast::error_code error, std::size_t) {
    if (error) return;
    http::async_read(stream, buffer, reply,
                     [&](beast::error_code failed, std::size_t) { ended = failed; });
  });
  context.run();
  return !ended;
}

// Writes the request and reads the reply; the stream's timer covers both.
Result<json> exchange(asio::io_context& context, beast::basic_stream<Local>& stream,
                      http::request<http::string_body>& request,
                      const std::filesystem::path& path) {
  beast::error_code wrote, read = asio::error::would_block;
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kReplyLimit);
  stream.expires_after(kPatience);
  http::async_write(stream, request, [&](beast::error_code error, std::size_t) {
    // A server that refuses the request (too long, too many connections) answers and closes before
    // all of it was written: read the answer even if writing failed.
    wrote = error;
    http::async_read(stream, buffer, parser,
                     [&](beast::error_code ended, std::size_t) { read = ended; });
  });
  context.run_for(kSilence);
  if (!context.stopped() && !is_alive(path)) return hangs(path, listener(stream.socket()));
  context.run();
  if (read) return broken(wrote ? wrote : read);
  return read_reply(parser.get().result_int(), parser.get().body());
}

Result<json> post(const std::filesystem::path& socket, std::string_view target,
                  std::string_view content_type, std::string body) {
  if (socket.native().empty() || socket.native().size() >= sizeof(sockaddr_un::sun_path))
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" cannot be a socket: its path must have 1 to {} bytes",
                            socket.native(), sizeof(sockaddr_un::sun_path) - 1));
  try {
    asio::io_context context;
    beast::basic_stream<Local> stream(context);
    beast::error_code error;
    error = connect(stream.socket(), socket);
    if (error) return cannot_connect(socket, error);
    http::request<http::string_body> message(http::verb::post,
                                             beast::string_view(target.data(), target.size()), 11);
    message.set(http::field::host, "floodwall");
    message.set(http::field::user_agent, fmt::format("floodwall/{}", kVersion));
    message.set(http::field::content_type,
                beast::string_view(content_type.data(), content_type.size()));
    message.keep_alive(false);
    message.body() = std::move(body);
    message.prepare_payload();
    return exchange(context, stream, message, socket);
  } catch (const std::exception& error) {
    return fail(fmt::format("cannot ask the daemon: {}", error.what()));
  }
}

// RFC 3986, section 2: all but the unreserved characters.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

Result<json> call(const std::filesystem::path& socket, std::string_view verb, const json& request) {
  return post(socket, fmt::format("/v1/{}", verb), "application/json",
              request.dump(-1, ' ', false, json::error_handler_t::replace));
}

Result<json> call_list(const std::filesystem::path& socket, const Request& request) {
  std::string target = fmt::format("/v1/{}?lines", request.verb->name);
  for (const auto& [name, value] : request.options)
    target += fmt::format("&{}={}", name, escaped(value));
  return post(socket, target, "text/plain; charset=utf-8",
              fmt::format("{}\n", fmt::join(request.arguments, "\n")));
}

}  // namespace fw::control
