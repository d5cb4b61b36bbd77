// SPDX-License-Identifier: MIT
// What setup chooses, says and writes, on made-up machines; and docs/configuration.md, whose
// examples must be valid.
#include "setup/setup.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.hpp"
#include "setup/explain.hpp"

namespace {

using fw::Address;
using fw::config::Mode;
using fw::setup::choose;
using std::filesystem::path;

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "floodwall-setup-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  [[nodiscard]] path at(const char* name) const { return path_ / name; }

 private:
  path path_;
};

fw::host::HostFacts machine() {
  fw::host::HostFacts facts;
  facts.network.interfaces = {
      {.name = "lo", .index = 1, .up = true, .running = true, .loopback = true},
      {.name = "eth0",
       .index = 2,
       .up = true,
       .running = true,
       .driver = "virtio_net",
       .addresses = {{.address = Address::v4(0xc6336407), .bits = 120}}},
      {.name = "eth1", .index = 3},
  };
  facts.network.default_routes = {
      {.has_gateway = true, .gateway = Address::v4(0xc6336401), .interface = "eth0", .table = 254}};
  facts.operators = {Address::v4(0xcb00714d)};
  return facts;
}

std::string text_of(const path& file) {
  return fw::read_file(file).value_or("");
}

TEST(setup, uplink_is_chosen_and_written_as_auto) {
  const auto selection = choose(machine(), {});
  ASSERT_TRUE(selection) << selection.error().message;
  EXPECT_EQ(selection->interfaces, std::vector<std::string>{"eth0"});
  EXPECT_EQ(selection->written, std::vector<std::string>{"auto"});
}

TEST(setup, interface_that_is_asked_for_is_written_by_name) {
  const auto selection = choose(machine(), {"eth1"});
  ASSERT_TRUE(selection) << selection.error().message;
  EXPECT_EQ(selection->written, std::vector<std::string>{"eth1"});
}

TEST(setup, unknown_interface_loopback_and_machine_without_uplink_are_refused) {
  const auto unknown = choose(machine(), {"eth7"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, fw::ErrorKind::usage);
  EXPECT_NE(unknown.error().message.find("eth0, eth1"), std::string::npos);
  EXPECT_FALSE(choose(machine(), {"lo"}));
  fw::host::HostFacts alone = machine();
  alone.network.default_routes.clear();
  const auto none = choose(alone, {});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("--interface"), std::string::npos);
}

TEST(setup, explanation_names_interface_and_everybody_exempt) {
  const auto facts = machine();
  const auto selection = choose(facts, {});
  ASSERT_TRUE(selection);
  const std::string text = explain(facts, *selection, Mode::enforce);
  for (const char* word :
       {"eth0 (virtio_net, 198.51.100.7)", "198.51.100.1 ", "gateway", "203.0.113.77", "enforce"})
    EXPECT_NE(text.find(word), std::string::npos) << word << "\n" << text;
  EXPECT_NE(explain(facts, *selection, Mode::observe).find("drops nothing"), std::string::npos);
  EXPECT_EQ(explain_json(facts, *selection, Mode::observe)["mode"], "observe");
  EXPECT_EQ(explain_json(facts, *selection, Mode::enforce)["exempt"].size(), 3U);
}

TEST(setup, files_are_written_once_and_never_overwritten) {
  const Folder folder;
  const path file = folder.at("floodwall.toml");
  const auto first = fw::setup::write_configuration(file, "mode = \"observe\"\n");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->made.size(), 3U);
  EXPECT_EQ(text_of(file), "mode = \"observe\"\n");
  ASSERT_TRUE(fw::write_file(folder.at("deny.list"), "192.0.2.1\n"));
  const auto second = fw::setup::write_configuration(file, "mode = \"enforce\"\n");
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->kept.size(), 3U);
  EXPECT_TRUE(second->made.empty());
  EXPECT_EQ(text_of(file), "mode = \"observe\"\n");
  EXPECT_EQ(text_of(folder.at("deny.list")), "192.0.2.1\n");
}

TEST(setup, nothing_is_written_for_an_interface_that_is_not_there) {
  const Folder folder;
  std::istringstream no("n\n");
  std::ostringstream out;
  const auto done = fw::setup::run(
      {.interfaces = {"lo0x"}, .config = folder.at("f.toml"), .interactive = true}, no, out);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fw::ErrorKind::usage);
  EXPECT_NE(done.error().message.find("lo0x"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder.at("f.toml")));
}

// The text between ```toml and ```, each.
std::vector<std::string> toml_blocks(const std::string& document) {
  std::vector<std::string> blocks;
  std::istringstream in(document);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```toml";
      if (inside) blocks.emplace_back();
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

TEST(setup, every_example_of_the_documentation_is_a_valid_configuration) {
  const auto document = fw::read_file(path(FLOODWALL_SOURCE) / "docs/configuration.md");
  ASSERT_TRUE(document) << document.error().message;
  const auto blocks = toml_blocks(*document);
  EXPECT_GE(blocks.size(), 3U);
  for (const std::string& block : blocks) {
    const auto parsed = fw::config::parse(block, "docs/configuration.md");
    EXPECT_TRUE(parsed) << parsed.error().message << "\n" << block;
  }
}

}  // namespace
