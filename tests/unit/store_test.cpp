// SPDX-License-Identifier: MIT
// What was written is there for the next process. A damaged file is set aside, never lost.
#include "store/store.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/temporary_folder.hpp"

namespace fw::test {
namespace {

using store::Store;

std::string contents(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

KeptRows sorted(KeptRows rows) {
  std::ranges::sort(rows, {}, &KeptRow::name);
  return rows;
}

TEST(store, what_was_written_is_there_after_it_was_closed) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "new" / "state.db";
  {
    auto opened = Store::open(file);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(opened->is_new);
    EXPECT_TRUE(opened->rows.empty());
    ASSERT_TRUE(opened->store.write(KeptRows{{"a", "1"}, {"b", ""}, {"c", "3"}}));
    ASSERT_TRUE(opened->store.write(KeptRows{{"a", "it's\nmore"}, {"c", {}}, {"never", {}}}));
  }
  auto opened = Store::open(file);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->is_new);
  EXPECT_EQ(sorted(opened->rows), (KeptRows{{"a", "it's\nmore"}, {"b", ""}}));
}

TEST(store, batch_is_written_whole_or_not_at_all) {
  const TemporaryFolder folder;
  auto opened = Store::open(folder.path() / "state.db");
  ASSERT_TRUE(opened);
  ASSERT_TRUE(opened->store.write(KeptRows{{"a", "1"}}));
  // A disk that is full in the middle of the batch.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const rlimit small{.rlim_cur = 100'000, .rlim_max = old.rlim_max};
  (void)std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_FALSE(opened->store.write(KeptRows{{"a", "2"}, {"b", std::string(200'000, 'x')}}));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  EXPECT_TRUE(opened->store.write(KeptRows{{"c", "3"}})) << "the next one is not hindered";
  auto again = Store::open(folder.path() / "state.db");
  ASSERT_TRUE(again);
  EXPECT_EQ(sorted(again->rows), (KeptRows{{"a", "1"}, {"c", "3"}}));
}

TEST(store, file_that_is_no_database_is_set_aside_whole) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  const std::string text(5000, 'x');
  for (int i = 0; i < 2; ++i) {  // twice in a second: neither takes the other's place
    std::ofstream(file) << text;
    auto opened = Store::open(file);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(opened->is_new);
    EXPECT_EQ(contents(opened->set_aside), text);
    ASSERT_TRUE(opened->store.write(KeptRows{{"a", "1"}}));
  }
}

TEST(store, database_damaged_inside_is_set_aside) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  {
    auto opened = Store::open(file);
    ASSERT_TRUE(opened);
    ASSERT_TRUE(opened->store.write(KeptRows{{"a", std::string(100'000, 'y')}, {"b", "1"}}));
  }
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(4096)
      << std::string(60'000, 'z');
  auto opened = Store::open(file);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(opened->set_aside.empty());
  EXPECT_TRUE(opened->rows.empty());
}

TEST(store, folder_that_cannot_be_made_is_told) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const auto opened = Store::open(folder.path() / "file" / "state.db");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("file"), std::string::npos);
}

}  // namespace
}  // namespace fw::test
