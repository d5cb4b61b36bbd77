// SPDX-License-Identifier: MIT
// The daemon's parts that need no kernel: command line, lock, log files, watched files,
// what was learned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/datagram.hpp"
#include "daemon/lock.hpp"
#include "daemon/log_files.hpp"
#include "daemon/options.hpp"
#include "daemon/rotating_file.hpp"
#include "daemon/watched_files.hpp"
#include "datapath/address_key.hpp"
#include "harness/engine_lab.hpp"

namespace {

using namespace fw;
using namespace fw::daemon;
using testing::HasSubstr;

// ------------------------------------------------------------------- command line

Result<Options> parse(std::vector<std::string> arguments) {
  return parse_options(arguments);
}

TEST(Options, defaults_are_the_documented_places) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->task, Task::run);
  EXPECT_EQ(options->config, "/etc/floodwall/floodwall.toml");
  EXPECT_EQ(options->socket, "/run/floodwall/floodwall.sock");
  EXPECT_EQ(options->pins, "/sys/fs/bpf/floodwall");
  EXPECT_EQ(options->state, "/var/lib/floodwall");
}

TEST(Options, relative_paths_are_made_absolute) {
  const auto options = parse({"--config", "a/../b.toml"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->config, std::filesystem::current_path() / "b.toml");
}

TEST(Options, each_task_has_its_option) {
  EXPECT_EQ(parse({"--check"})->task, Task::check);
  EXPECT_EQ(parse({"--remove"})->task, Task::remove);
  EXPECT_EQ(parse({"--version"})->task, Task::print);
  EXPECT_THAT(parse({"--version"})->text, testing::StartsWith("floodwalld "));
  EXPECT_THAT(parse({"--help"})->text, HasSubstr("--config"));
}

TEST(Options, what_is_not_understood_is_a_usage_error) {
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--nonsense"}, {"extra"}, {"--config"}, {"--check", "--remove"}}) {
    const auto options = parse_options(wrong);
    ASSERT_FALSE(options) << wrong.front();
    EXPECT_EQ(options.error().kind, ErrorKind::usage);
  }
}

// ------------------------------------------------------------------- files

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/daemonXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] config::Log log_settings() const {
    config::Log settings;
    settings.folder = folder_ / "log";
    settings.journal = false;
    return settings;
  }

  std::filesystem::path folder_;
};

using LockTest = Folder;

TEST_F(LockTest, second_daemon_is_told_which_process_runs) {
  {
    const auto first = Lock::take(folder_ / "run");
    ASSERT_TRUE(first);
    const auto second = Lock::take(folder_ / "run");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("running already"));
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(::getpid())));
  }
  EXPECT_TRUE(Lock::take(folder_ / "run")) << "the lock ends with its holder";
}

TEST_F(LockTest, folder_is_open_for_the_callers_of_the_api) {
  const mode_t before = ::umask(0077);
  const auto lock = Lock::take(folder_ / "run");
  (void)::umask(before);
  ASSERT_TRUE(lock);
  EXPECT_EQ(std::filesystem::status(folder_ / "run").permissions(),
            static_cast<std::filesystem::perms>(0755));
}

using RotatingFileTest = Folder;

TEST_F(RotatingFileTest, former_files_are_kept_in_order_and_in_bounds) {
  RotatingFile file(folder_ / "log", {.rotate_bytes = 10, .keep = 2});
  for (const char* line : {"first", "second", "third", "fourth"}) ASSERT_TRUE(file.append(line));
  EXPECT_EQ(read("log"), "fourth\n");
  EXPECT_EQ(read("log.1"), "third\n");
  EXPECT_EQ(read("log.2"), "second\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "log.3"));
}

TEST_F(RotatingFileTest, with_none_to_keep_the_file_begins_anew) {
  RotatingFile file(folder_ / "log", {.rotate_bytes = 10, .keep = 0});
  for (const char* line : {"first", "second"}) ASSERT_TRUE(file.append(line));
  EXPECT_EQ(read("log"), "second\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "log.1"));
}

TEST_F(RotatingFileTest, what_is_there_is_appended_to_and_counts) {
  std::ofstream(folder_ / "log") << "12345678\n";
  RotatingFile file(folder_ / "log", {.rotate_bytes = 10, .keep = 1});
  ASSERT_TRUE(file.append("new"));
  EXPECT_EQ(read("log"), "new\n");
  EXPECT_EQ(read("log.1"), "12345678\n");
}

TEST_F(RotatingFileTest, deleted_file_is_made_again_and_others_may_not_read_it) {
  RotatingFile file(folder_ / "log", {.rotate_bytes = 1000, .keep = 1});
  ASSERT_TRUE(file.append("lost"));
  std::filesystem::remove(folder_ / "log");
  ASSERT_TRUE(file.append("kept"));
  EXPECT_EQ(read("log"), "kept\n");
  EXPECT_EQ(
      std::filesystem::status(folder_ / "log").permissions() & std::filesystem::perms::others_all,
      std::filesystem::perms::none);
}

TEST_F(RotatingFileTest, moved_file_is_left_alone_after_reopen) {
  RotatingFile file(folder_ / "log", {.rotate_bytes = 1000, .keep = 1});
  ASSERT_TRUE(file.append("old"));
  std::filesystem::rename(folder_ / "log", folder_ / "moved");
  file.reopen();
  ASSERT_TRUE(file.append("new"));
  EXPECT_EQ(read("moved"), "old\n");
  EXPECT_EQ(read("log"), "new\n");
}

TEST_F(RotatingFileTest, neither_links_nor_pipes_are_followed) {
  std::filesystem::create_symlink(folder_ / "elsewhere", folder_ / "link");
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "pipe"}) {
    RotatingFile file(folder_ / name, {.rotate_bytes = 1000, .keep = 1});
    const auto written = file.append("line");
    ASSERT_FALSE(written) << name;
    EXPECT_THAT(written.error().message, HasSubstr(name));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "elsewhere"));
}

// A disk that has room for only so much of a file.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    (void)std::signal(SIGXFSZ, SIG_IGN);
    (void)::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limited{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    (void)::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FullDisk() { (void)::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

TEST_F(RotatingFileTest, full_disk_loses_whole_lines_only) {
  RotatingFile file(folder_ / "log", {.rotate_bytes = 1000, .keep = 1});
  ASSERT_TRUE(file.append("whole"));
  {
    const FullDisk full(10);  // the next line fits by half
    const auto written = file.append("does not fit");
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().message, HasSubstr((folder_ / "log").native()));
    EXPECT_EQ(read("log"), "whole\n");
  }
  ASSERT_TRUE(file.append("room again"));
  EXPECT_EQ(read("log"), "whole\nroom again\n");
}

// ------------------------------------------------------------------- the log

engine::Event event_about(const std::string& address) {
  return {.id = 7,
          .time = std::chrono::system_clock::time_point{},
          .type = engine::EventType::ban,
          .address = address,
          .fields = {engine::Field::text("reason", "said\nso")}};
}

using LogFilesTest = Folder;

TEST_F(LogFilesTest, an_event_is_a_line_of_text_and_a_line_of_json) {
  LogFiles log(log_settings());
  log.write(event_about("192.0.2.7"));
  EXPECT_EQ(read("log/floodwall.log"),
            "1970-01-01T00:00:00.000Z NOTICE Ban 192.0.2.7 reason=\"said\\nso\"\n");
  EXPECT_THAT(read("log/events.json"), HasSubstr("\"src_ip\":\"192.0.2.7\""));
  EXPECT_EQ(std::ranges::count(read("log/events.json"), '\n'), 1);
  EXPECT_EQ(log.problem(), std::nullopt);
}

TEST_F(LogFilesTest, what_a_full_disk_loses_is_counted_until_there_is_room) {
  LogFiles log(log_settings());
  {
    const FullDisk full(0);
    log.write(event_about("192.0.2.7"));
    log.write(event_about("192.0.2.8"));
    ASSERT_TRUE(log.problem());
    EXPECT_THAT(*log.problem(), HasSubstr("2 events lost"));
  }
  log.write(event_about("192.0.2.9"));
  EXPECT_EQ(log.problem(), std::nullopt);
  EXPECT_THAT(read("log/floodwall.log"), HasSubstr("192.0.2.9"));
}

TEST_F(LogFilesTest, another_folder_is_taken_over) {
  LogFiles log(log_settings());
  config::Log other = log_settings();
  other.folder = folder_ / "other";
  log.configure(other);
  log.write(event_about("192.0.2.7"));
  EXPECT_THAT(read("other/floodwall.log"), HasSubstr("192.0.2.7"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "log"));
}

TEST(JournalEntry, has_the_level_and_leaves_the_time_to_the_journal) {
  EXPECT_EQ(journal_entry(event_about("192.0.2.7")),
            "MESSAGE=NOTICE Ban 192.0.2.7 reason=\"said\\nso\"\nPRIORITY=5\n"
            "SYSLOG_IDENTIFIER=floodwalld\n");
}

using DatagramTest = Folder;

TEST_F(DatagramTest, reaches_who_listens_and_never_waits) {
  const std::string path = folder_ / "socket";
  Datagram datagram(path);
  EXPECT_FALSE(datagram.send("nobody there"));

  const UniqueFd listener(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(datagram.send("READY=1"));
  std::string got(100, '\0');
  const ssize_t size = ::recv(listener.get(), got.data(), got.size(), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(got.substr(0, static_cast<std::size_t>(size)), "READY=1");

  int taken = 0;
  while (taken < 100'000 && datagram.send("nobody reads")) ++taken;
  EXPECT_LT(taken, 100'000) << "a full queue refuses and does not block";
}

// ------------------------------------------------------------------- watched files

using WatchedTest = Folder;

TEST_F(WatchedTest, patterns_are_watched_by_their_folder_and_files_by_themselves) {
  std::filesystem::create_directory(folder_ / "feeds");
  std::ofstream(folder_ / "feeds/one.netset") << "\n";
  config::Lists lists;
  lists.allow = {"allow.list"};
  lists.deny = {"feeds/*.netset", "/elsewhere/deny.list"};
  EXPECT_THAT(watched_lists(lists, folder_),
              testing::UnorderedElementsAre(folder_ / "allow.list", folder_ / "feeds",
                                            folder_ / "feeds/one.netset", "/elsewhere/deny.list"));
}

}  // namespace
