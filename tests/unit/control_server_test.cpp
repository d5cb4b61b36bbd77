// SPDX-License-Identifier: MIT
// The API's server and client over a real socket, and who may use it.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/fd.hpp"
#include "control/client.hpp"
#include "control/server.hpp"
#include "control_echo.hpp"

namespace {

using fw::ErrorKind;
using fw::control::find_verb;
using fw::control::Peer;
using fw::control::Request;
using fw::test::echo;
using nlohmann::json;

class Api : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fw-api-XXXXXX").native();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ASSERT_EQ(::chmod(name.c_str(), 0755), 0);
    path_ = folder_ / "run" / "floodwall.sock";
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(folder_);
  }
  void serve(fw::control::Handler handler = echo, const std::string& group = "no-such-group") {
    auto opened = fw::control::Server::open(context_, {path_, group},
                                            fw::control::at_once(std::move(handler)));
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(*opened);
    thread_ = std::thread([this] { context_.run(); });
  }
  // In the server's thread, as the daemon does.
  [[nodiscard]] fw::Result<void> set_groups(const std::string& all, const std::string& reading) {
    std::promise<fw::Result<void>> done;
    boost::asio::post(context_, [&] { done.set_value(server_->set_groups(all, reading)); });
    return done.get_future().get();
  }
  void stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  [[nodiscard]] unsigned mode() const {
    struct stat found{};
    return ::stat(path_.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
  }
  // Connected, or -1.
  [[nodiscard]] fw::UniqueFd connect() const {
    fw::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.native().size());
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      return {};
    return fd;
  }
  // What comes back until the server closes.
  static std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(fd, part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<std::size_t>(n));
    return text;
  }
  [[nodiscard]] std::string raw(const std::string& request) const {
    const fw::UniqueFd fd = connect();
    // The server may close before it has read all of it.
    EXPECT_GT(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
    return read_all(fd.get());
  }

  std::filesystem::path folder_, path_;
  boost::asio::io_context context_;
  std::unique_ptr<fw::control::Server> server_;
  std::thread thread_;
};

TEST_F(Api, carries_a_call_and_its_reply) {
  serve();
  const auto reply = fw::control::call(path_, "ban", {{"address", {"203.0.113.7"}}});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->at("verb"), "ban");
  EXPECT_EQ(reply->at("request").at("address").at(0), "203.0.113.7");
}

TEST_F(Api, gives_errors_back_as_they_were) {
  serve([](const Request&) -> fw::Result<json> {
    return fw::fail(ErrorKind::refused, "203.0.113.1 is your gateway");
  });
  const auto reply = fw::control::call(path_, "ban", {{"address", {"203.0.113.1"}}});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::refused);
  EXPECT_EQ(reply.error().message, "203.0.113.1 is your gateway");
}

TEST_F(Api, says_that_the_daemon_is_not_running) {
  auto reply = fw::control::call(path_, "status", json::object());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::not_running);
  EXPECT_NE(reply.error().message.find("sudo ./quickstart"), std::string::npos);
  reply = fw::control::call(std::string(200, 'x'), "status", json::object());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::usage);
}

TEST_F(Api, takes_100000_addresses_in_one_call) {
  std::size_t seen = 0;
  serve([&](const Request& request) -> fw::Result<json> {
    seen = request.arguments.size();
    json results = json::array();
    for (const std::string& address : request.arguments)
      results.push_back({{"address", address}, {"changed", true}, {"message", "banned"}});
    return json{{"results", std::move(results)}};
  });
#ifdef __SANITIZE_THREAD__
  constexpr unsigned kAddresses = 10'000;  // a caller waits 4.5 s, and this is ten times slower
#else
  constexpr unsigned kAddresses = 100'000;
#endif
  json addresses = json::array();
  for (unsigned i = 0; i < kAddresses; ++i)
    addresses.push_back("203." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) +
                        "." + std::to_string(i % 256));
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = fw::control::call(path_, "ban", {{"address", addresses}});
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(seen, kAddresses);
  EXPECT_EQ(reply->at("results").size(), kAddresses);
  std::cout << kAddresses << " addresses there and back: " << took.count() << " ms\n";
}

TEST_F(Api, takes_100000_addresses_a_line_each_and_options_with_any_letters) {
  Request seen;
  serve([&](const Request& request) -> fw::Result<json> {
    seen = request;
    return json::object();
  });
  const std::string reason = "50 % & more = caf\xc3\xa9";
  Request request{.verb = find_verb("ban"), .arguments = {}, .options = {{"reason", reason}}};
  for (unsigned i = 0; i < 100'000; ++i)
    request.arguments.push_back("2001:db8::" + std::to_string(i % 9999));
  request.options.emplace_back("force", "");
  ASSERT_TRUE(fw::control::call_list(path_, request));
  EXPECT_EQ(seen.arguments, request.arguments);
  EXPECT_EQ(seen.option("reason"), reason);
  EXPECT_TRUE(seen.flag("force"));

  request.arguments.emplace_back("192.0.2.1");
  const auto refused = fw::control::call_list(path_, request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
}

TEST_F(Api, refuses_bodies_and_headers_that_are_too_long) {
  serve();
  std::string answer = raw("POST /v1/ban HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n{");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_NE(answer.find("at most 8 MiB"), std::string::npos);
  answer = raw("GET /v1 HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 431 ")) << answer;
}

TEST_F(Api, answers_what_is_not_http) {
  serve();
  const std::string answer = raw("Hellooooo from client!\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find(R"("kind":"usage")"), std::string::npos);
}

TEST_F(Api, keeps_a_connection_for_the_next_request) {
  serve();
  const std::string answer =
      raw("GET /v1/list?what=deny HTTP/1.1\r\n\r\n"
          "PUT /v1/list HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
          "GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::size_t first = answer.find("HTTP/1.1 200 OK");
  const std::size_t second = answer.find("HTTP/1.1 405 ", first + 1);
  EXPECT_EQ(first, 0U);
  ASSERT_NE(second, std::string::npos) << answer;
  EXPECT_NE(answer.find("Allow: GET, POST", second), std::string::npos);
  EXPECT_NE(answer.find(R"("verb":"status")", second), std::string::npos);
}

TEST_F(Api, tells_a_client_that_asks_first_to_go_on) {
  serve();
  const fw::UniqueFd fd = connect();
  const std::string_view header =
      "POST /v1/unban HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\n"
      "Content-Length: 12\r\n\r\n";
  ASSERT_EQ(::send(fd.get(), header.data(), header.size(), 0), std::ssize(header));
  std::array<char, 25> go_on{};  // blocks until it is said
  ASSERT_EQ(::recv(fd.get(), go_on.data(), go_on.size(), MSG_WAITALL), std::ssize(go_on));
  EXPECT_EQ(std::string_view(go_on.data(), go_on.size()), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_EQ(::send(fd.get(), "{\"all\":true}", 12, 0), 12);
  EXPECT_NE(read_all(fd.get()).find(R"("request":{"all":true})"), std::string::npos);
}

TEST_F(Api, turns_away_the_65th_connection_and_serves_again_when_one_leaves) {
  serve();
  const int most = ::geteuid() == 0 ? 72 : 64;  // some are kept for root
  // One request each: answered, so all of them are counted.
  std::vector<fw::UniqueFd> held;
  for (int i = 0; i < most; ++i) {
    held.push_back(connect());
    ASSERT_EQ(::send(held.back().get(), "GET /v1/status HTTP/1.1\r\n\r\n", 27, 0), 27);
    char first = 0;
    ASSERT_EQ(::recv(held.back().get(), &first, 1, 0), 1);
  }
  const auto refused = fw::control::call(path_, "status", json::object());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("too many connections"), std::string::npos)
      << refused.error().message;
  held.clear();
  // The server sees the ends one by one: ask until it has.
  bool served = false;
  for (int i = 0; i < 1000 && !served; ++i)
    served = fw::control::call(path_, "status", json::object()).has_value();
  EXPECT_TRUE(served);
}

// Root is not held to what others are. While this exists, the thread that made it connects as a
// member of `group` (the system call is of one thread, the function of libc of all).
class AsMember {
 public:
  explicit AsMember(gid_t group) : was_root_(::geteuid() == 0) {
    if (!was_root_) return;
    EXPECT_EQ(::syscall(SYS_setresgid, -1, group, -1), 0);
    EXPECT_EQ(::syscall(SYS_setresuid, -1, 65534, -1), 0);
  }
  AsMember(const AsMember&) = delete;
  AsMember& operator=(const AsMember&) = delete;
  ~AsMember() {
    if (!was_root_) return;
    EXPECT_EQ(::syscall(SYS_setresuid, -1, 0, -1), 0);
    EXPECT_EQ(::syscall(SYS_setresgid, -1, 0, -1), 0);
  }

 private:
  bool was_root_;
};

TEST_F(Api, turns_away_long_requests_beyond_what_it_holds_at_a_time) {
  serve(echo, "daemon");
  const AsMember member(fw::control::find_group("daemon").value_or(0));
  std::vector<fw::UniqueFd> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect());
    const std::string_view text = "POST /v1/ban HTTP/1.1\r\nContent-Length: 8388608\r\n\r\n{";
    ASSERT_EQ(::send(held.back().get(), text.data(), text.size(), 0), std::ssize(text));
  }
  const auto is_busy = [&] {
    return raw("POST /v1/ban HTTP/1.1\r\nContent-Length: 8388608\r\n\r\n{").find("busy") !=
           std::string::npos;
  };
  EXPECT_TRUE(is_busy());
  EXPECT_TRUE(fw::control::call(path_, "status", json::object()));
}

TEST_F(Api, answers_short_requests_while_a_long_one_is_parsed) {
  serve();
  std::string body = R"({"address":[")" + std::string(7'000'000, ' ');
  for (std::size_t i = 13; i + 2 < body.size(); i += 2) body[i] = '[';  // nesting is refused late
  const fw::UniqueFd fd = connect();
  const std::string request = "POST /v1/ban HTTP/1.1\r\nConnection: close\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  std::size_t sent = 0;
  while (sent < request.size()) {
    const ssize_t n = ::send(fd.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    ASSERT_GT(n, 0);
    sent += static_cast<std::size_t>(n);
  }
  EXPECT_TRUE(fw::control::call(path_, "status", json::object()));
  EXPECT_NE(read_all(fd.get()).find("not JSON"), std::string::npos);
}

TEST_F(Api, makes_its_socket_again_when_it_was_deleted) {
  serve();
  ASSERT_TRUE(fw::control::call(path_, "status", json::object()));
  std::filesystem::remove_all(path_.parent_path());
  std::promise<bool> kept;
  boost::asio::post(context_, [&] { kept.set_value(server_->keep_socket().has_value()); });
  ASSERT_TRUE(kept.get_future().get());
  EXPECT_TRUE(fw::control::call(path_, "status", json::object()));
  stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Api, names_a_daemon_that_hangs_within_five_seconds) {
  std::filesystem::create_directories(path_.parent_path());
  const auto silent = fw::control::listen_on(path_, std::nullopt);
  ASSERT_TRUE(silent);
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = fw::control::call(path_, "status", json::object());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_FALSE(reply);
  const std::string pid = std::to_string(::getpid());
  EXPECT_NE(reply.error().message.find("(process " + pid + ") hangs"), std::string::npos)
      << reply.error().message;
  EXPECT_NE(reply.error().message.find("kill -9 " + pid), std::string::npos);
}

TEST_F(Api, does_not_wait_for_a_full_queue_of_callers) {
  std::filesystem::create_directories(path_.parent_path());
  const auto silent = fw::control::listen_on(path_, std::nullopt);
  ASSERT_TRUE(silent);
  std::vector<fw::UniqueFd> held;
  for (int i = 0; i < 300; ++i) {
    fw::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.native().size());
    (void)::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    held.push_back(std::move(fd));
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = fw::control::call(path_, "status", json::object());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("hangs"), std::string::npos) << reply.error().message;
}

TEST_F(Api, replaces_a_socket_that_nobody_listens_on) {
  serve();
  const auto aside = folder_ / "aside";
  std::filesystem::rename(path_, aside);  // so that closing cannot remove it
  stop();
  std::filesystem::rename(aside, path_);
  EXPECT_EQ(fw::control::call(path_, "status", json::object()).error().kind,
            ErrorKind::not_running);
  context_.restart();
  serve();
  EXPECT_TRUE(fw::control::call(path_, "status", json::object()));
}

TEST_F(Api, leaves_a_running_daemon_alone) {
  serve();
  const auto second =
      fw::control::Server::open(context_, {path_, "no-such-group"}, fw::control::at_once(echo));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("already running"), std::string::npos);
  EXPECT_TRUE(fw::control::call(path_, "status", json::object()));
}

TEST_F(Api, leaves_a_file_that_is_no_socket_alone) {
  std::filesystem::create_directories(path_.parent_path());
  const fw::UniqueFd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto opened =
      fw::control::Server::open(context_, {path_, "no-such-group"}, fw::control::at_once(echo));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("not a socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

TEST_F(Api, removes_its_socket_when_it_ends) {
  serve();
  EXPECT_TRUE(std::filesystem::exists(path_));
  stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Api, is_root_only_without_its_group) {
  serve();
  EXPECT_EQ(mode(), 0600U);
}

// A process that becomes another user once it is told to and then calls; it is made before the
// server's thread is, since a fork takes only one thread along.
class OtherUser {
 public:
  OtherUser(gid_t group, std::vector<gid_t> more, std::filesystem::path socket,
            std::string_view verb = "status") {
    std::array<int, 2> go{}, said{};
    if (::pipe(go.data()) != 0 || ::pipe(said.data()) != 0) std::abort();
    child_ = ::fork();
    if (child_ == 0) {
      ::close(go[1]);
      char start = 0;
      const bool ok = ::read(go[0], &start, 1) == 1 && ::setgroups(more.size(), more.data()) == 0 &&
                      ::setgid(group) == 0 && ::setuid(65534) == 0;
      if (!ok) ::_exit(100);
      const auto reply = fw::control::call(socket, verb, json::object());
      const std::string text = reply ? "" : reply.error().message;
      const ssize_t wrote = ::write(said[1], text.data(), text.size());
      ::_exit(wrote < 0 ? 101 : (reply ? 0 : static_cast<int>(reply.error().kind)));
    }
    ::close(go[0]);
    ::close(said[1]);
    go_ = fw::UniqueFd(go[1]);
    said_ = fw::UniqueFd(said[0]);
  }
  // The exit status: 0 or the kind of the error.
  int call() {
    EXPECT_EQ(::write(go_.get(), "g", 1), 1);
    std::array<char, 1000> text{};
    const ssize_t length = ::read(said_.get(), text.data(), text.size());
    message = std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(0, length)));
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string message;

 private:
  pid_t child_ = -1;
  fw::UniqueFd go_, said_;
};

class Permission : public Api {
 protected:
  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    Api::SetUp();
    group_ = fw::control::find_group("daemon").value_or(0);
    ASSERT_NE(group_, 0U);
  }
  gid_t group_ = 0;
};

TEST_F(Permission, is_denied_by_the_socket_to_who_is_no_member) {
  OtherUser nobody(65534, {}, path_);
  serve(echo, "daemon");
  EXPECT_EQ(mode(), 0660U);
  EXPECT_EQ(nobody.call(), static_cast<int>(ErrorKind::not_permitted));
  EXPECT_NE(nobody.message.find("join group floodwall"), std::string::npos) << nobody.message;
}

TEST_F(Permission, is_denied_by_the_server_even_if_the_socket_is_open_to_all) {
  OtherUser nobody(65534, {1, 65533}, path_ = folder_ / "s");
  serve(echo, "bin");  // number 2
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  EXPECT_EQ(nobody.call(), static_cast<int>(ErrorKind::not_permitted));
  EXPECT_NE(nobody.message.find("user 65534"), std::string::npos) << nobody.message;
}

TEST_F(Permission, is_given_to_members_by_their_first_group_and_by_their_others) {
  OtherUser primary(group_, {}, path_);
  OtherUser supplementary(65534, {65533, group_}, path_);
  serve(echo, "daemon");
  EXPECT_EQ(primary.call(), 0) << primary.message;
  EXPECT_EQ(supplementary.call(), 0) << supplementary.message;
}

TEST_F(Permission, follows_a_change_of_the_group) {
  OtherUser former(2, {}, path_);
  OtherUser member(group_, {}, path_);
  serve(echo, "bin");  // number 2
  ASSERT_TRUE(set_groups("daemon", ""));
  EXPECT_EQ(mode(), 0660U);
  EXPECT_EQ(former.call(), static_cast<int>(ErrorKind::not_permitted)) << former.message;
  EXPECT_EQ(member.call(), 0) << member.message;
  ASSERT_TRUE(set_groups("no-such-group", ""));
  EXPECT_EQ(mode(), 0600U);
}

TEST_F(Permission, to_read_is_given_to_a_second_group_and_taken_again) {
  OtherUser reader(65534, {2}, path_);  // of bin, number 2
  OtherUser ordering(2, {65534}, path_, "confirm");
  OtherUser later(65534, {2}, path_);
  OtherUser both(2, {group_}, path_, "confirm");
  serve(echo, "daemon");
  ASSERT_TRUE(set_groups("daemon", "bin"));
  EXPECT_EQ(server_->problem(), "");
  EXPECT_EQ(reader.call(), 0) << reader.message;
  EXPECT_EQ(ordering.call(), static_cast<int>(ErrorKind::not_permitted));
  EXPECT_NE(ordering.message.find("may look"), std::string::npos) << ordering.message;
  EXPECT_EQ(both.call(), 0) << both.message;
  ASSERT_TRUE(set_groups("daemon", ""));
  EXPECT_EQ(later.call(), static_cast<int>(ErrorKind::not_permitted));
  EXPECT_NE(later.message.find("you may not use"), std::string::npos) << later.message;
}

}  // namespace
