// SPDX-License-Identifier: MIT
// What was put is there for the next process. A damaged or unwritable file is an error, and stays.
#include "store/store.hpp"

#include <gtest/gtest.h>

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

TEST(store, what_was_put_is_there_after_it_was_closed) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "new" / "state.db";
  {
    auto store = Store::open(file);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(store->get("a").value(), std::nullopt);
    ASSERT_TRUE(store->put("a", "1"));
    ASSERT_TRUE(store->put("a", "it's\nmore"));
    ASSERT_TRUE(store->put("b", ""));
  }
  auto store = Store::open(file);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->get("a").value(), "it's\nmore");
  EXPECT_EQ(store->get("b").value(), "");
}

TEST(store, file_that_is_no_database_is_told_and_left_alone) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  const std::string text(5000, 'x');
  std::ofstream(file) << text;
  const auto store = Store::open(file);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("remove the file"), std::string::npos)
      << store.error().message;
  EXPECT_EQ(contents(file), text);
}

TEST(store, database_damaged_inside_is_told) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  {
    auto store = Store::open(file);
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->put("a", std::string(100'000, 'y')));
  }
  std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(4096)
      << std::string(60'000, 'z');
  auto store = Store::open(file);
  const bool failed = !store || !store->get("a");
  EXPECT_TRUE(failed);
}

TEST(store, folder_that_cannot_be_made_is_told) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const auto store = Store::open(folder.path() / "file" / "state.db");
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("file"), std::string::npos);
}

}  // namespace
}  // namespace fw::test
