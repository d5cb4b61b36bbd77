// SPDX-License-Identifier: MIT
// What setup chooses, says and writes, on made-up machines; and docs/configuration.md, whose
// examples must be valid.
#include "setup/setup.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.hpp"
#include "setup/difference.hpp"
#include "setup/explain.hpp"
#include "setup/kinds.hpp"

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

fw::host::Socket listener(const char* address, std::uint16_t port, std::uint8_t proto) {
  return {.local = *Address::parse(address), .local_port = port, .proto = proto};
}

fw::host::Socket connection(unsigned peer, std::uint16_t port) {
  return {.local = Address::v4(0xc6336407),
          .remote = Address::v4(0xcb007100 + peer),
          .local_port = port,
          .proto = IPPROTO_TCP};
}

std::vector<std::string> offered(const fw::setup::Evidence& evidence) {
  std::vector<std::string> names;
  for (const auto& one : fw::setup::offers(evidence))
    if (!one.why.empty()) names.push_back(one.name);
  return names;
}

TEST(setup_kinds, follow_from_ports_that_listen_to_others_than_this_host) {
  fw::setup::Evidence evidence;
  EXPECT_TRUE(offered(evidence).empty());
  evidence.listeners = {listener("0.0.0.0", 27016, IPPROTO_UDP),
                        listener("127.0.0.53", 53, IPPROTO_UDP), listener("::1", 25, IPPROTO_TCP),
                        listener("0.0.0.0", 514, IPPROTO_TCP)};
  EXPECT_EQ(offered(evidence), std::vector<std::string>{"game server"});
  evidence.listeners.push_back(listener("::", 443, IPPROTO_TCP));
  EXPECT_EQ(offered(evidence), (std::vector<std::string>{"web server", "game server"}));
  evidence.proxies = {{.proxy = "192.0.2.0/24", .where = "/etc/nginx/nginx.conf:3"}};
  EXPECT_EQ(offered(evidence),
            (std::vector<std::string>{"web server behind a proxy or CDN", "game server"}));
}

TEST(setup_kinds, every_kind_alone_and_all_together_make_a_valid_configuration) {
  const auto all = fw::setup::offers({});
  ASSERT_EQ(all.size(), fw::setup::kKinds);
  const std::string start = fw::config::starter_text({"auto"}, Mode::enforce);
  for (const auto& one : all) {
    const std::string text = fw::setup::kinds_text(std::span(&one, 1));
    const auto parsed = fw::config::parse(start + text, "all");
    EXPECT_TRUE(parsed) << parsed.error().message << "\n" << text;
    EXPECT_EQ(parsed->services.size(), one.name == "Docker host" ? 0U : 1U);
    EXPECT_TRUE(std::filesystem::exists(path(FLOODWALL_SOURCE) / one.guide)) << one.guide;
  }
  const std::string most = fw::setup::kinds_text(std::span(all).subspan(1));
  const auto parsed = fw::config::parse(start + most, "most");
  EXPECT_TRUE(parsed) << parsed.error().message << "\n" << most;
}

TEST(setup_kinds, answers_that_are_no_choice_are_refused_in_words) {
  auto all = fw::setup::offers({});
  all[2].why = "it listens";
  EXPECT_EQ(*fw::setup::chosen("", all), std::vector<std::size_t>{2});
  EXPECT_EQ(*fw::setup::chosen(" ,\t", all), std::vector<std::size_t>{2});
  EXPECT_TRUE(fw::setup::chosen("0", all)->empty());
  EXPECT_EQ(*fw::setup::chosen("4,3 3", all), (std::vector<std::size_t>{2, 3}));
  for (const char* bad : {"9", "-1", "1 2", "0 3", "game", "3;rm", "\x1b[2J", "1e9",
                          "99999999999999999999999999", "3.0", "3x"}) {
    const auto refused = fw::setup::chosen(bad, all);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().message.find('\x1b'), std::string::npos);
  }
}

TEST(setup_kinds, a_proxy_is_sure_by_configuration_and_a_guess_by_connections) {
  fw::setup::Evidence evidence;
  evidence.listeners = {connection(0, 443)};
  for (int i = 0; i < 60; ++i) evidence.connections.push_back(connection(i % 3, 443));
  EXPECT_NE(fw::setup::in_front(evidence).find("Perhaps"), std::string::npos);
  EXPECT_NE(fw::setup::in_front(evidence).find("3 addresses"), std::string::npos);
  for (auto& one : evidence.connections) one.local_port = 5432;
  EXPECT_EQ(fw::setup::in_front(evidence), "");
  evidence.connections.clear();
  for (int i = 0; i < 60; ++i) evidence.connections.push_back(connection(i, 443));
  EXPECT_EQ(fw::setup::in_front(evidence), "");
  evidence.proxies = {{.proxy = "192.0.2.0/24", .where = "/etc/nginx/nginx.conf:3"}};
  EXPECT_NE(fw::setup::in_front(evidence).find("/etc/nginx/nginx.conf:3"), std::string::npos);
}

TEST(setup_kinds, trusted_proxies_are_read_from_a_web_servers_files) {
  const Folder folder;
  ASSERT_TRUE(fw::write_file(folder.at("a.conf"),
                             "# set_real_ip_from 198.51.100.0/24;\n"
                             "set_real_ip_from 127.0.0.1; # itself\n"
                             "  set_real_ip_from   192.0.2.0/24;\nset_real_ip_from_not x;\n"));
  ASSERT_TRUE(
      fw::write_file(folder.at("b.conf"), "RemoteIPTrustedProxy 2001:db8::/32 203.0.113.4\n"));
  const std::vector<path> folders{folder.at(""), folder.at("missing")};
  const auto found = fw::host::trusted_proxies(folders);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].proxy, "192.0.2.0/24");
  EXPECT_TRUE(found[0].where.ends_with("a.conf:3")) << found[0].where;
  EXPECT_EQ(found[2].proxy, "203.0.113.4");
}

TEST(setup_kinds, difference_marks_what_goes_and_what_comes) {
  EXPECT_EQ(fw::setup::difference("a\nb\nc\n", "a\nc\nd\n"), "  a\n- b\n  c\n+ d\n");
  EXPECT_EQ(fw::setup::difference("", "x\n"), "+ x\n");
  EXPECT_EQ(fw::setup::difference("\x1b[2J\n", ""), "- \\x1b[2J\n");
  const std::string many(5000, '\n');
  EXPECT_EQ(fw::setup::difference(many, "x\n"), "5000 lines become 1 lines\n");
}

}  // namespace
