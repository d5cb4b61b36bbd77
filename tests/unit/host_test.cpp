// SPDX-License-Identifier: MIT
// What host/ makes of text, of given facts and of files: no namespace, no root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/file.hpp"
#include "host/exemptions.hpp"
#include "host/file_watch.hpp"
#include "host/guarded_facts.hpp"
#include "host/ssh.hpp"
#include "host/time_namespace.hpp"

namespace fw::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Address at(std::string_view text) {
  return Address::parse(text).value();
}

std::vector<std::string> texts(const std::vector<Address>& addresses) {
  std::vector<std::string> all;
  all.reserve(addresses.size());
  for (const Address& address : addresses) all.push_back(address.text());
  return all;
}

// A folder of its own for each test, gone afterwards.
class HostFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "floodwall-host-XXXXXX").native();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = fs::canonical(name);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const fs::path& name, std::string_view text) const {
    fs::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(write_file(folder_ / name, text).has_value());
  }

  fs::path folder_;
};

constexpr std::string_view kNetworkdLease =
    "# This is private data. Do not parse.\n"
    "ADDRESS=192.168.7.20\nNETMASK=255.255.255.0\nROUTER=192.168.7.254\n"
    "SERVER_ADDRESS=192.168.7.1\nDNS=192.168.7.2\n";

constexpr std::string_view kDhclientLeases = R"(default-duid "\000\001";
lease {
  interface "eth0";
  fixed-address 10.0.0.9;
  option dhcp-server-identifier 10.0.0.1;
}
lease {
  interface "eth0";
  option dhcp-server-identifier 10.0.0.2;
  option domain-name "a; option dhcp-server-identifier 198.51.100.66; \" }";
  renew 3 2026/05/06 03:04:05;
}
lease { interface "wlan0"; option dhcp-server-identifier 10.1.0.1; }
)";

std::string bootp_reply() {
  std::string packet(240, '\0');
  packet[0] = 2;
  packet.replace(236, 4, "\x63\x82\x53\x63");
  packet += std::string("\x35\x01\x05\x00\x36\x04\x0a\x02\x00\x01\xff", 11);
  return packet;
}

TEST(ResolvConf, every_nameserver_counts_however_it_is_written) {
  EXPECT_THAT(texts(parse_resolv_conf("# nameserver 192.0.2.99\n"
                                      "search example.org\r\n"
                                      "  nameserver\t192.0.2.1  # first\r\n"
                                      "nameserver 2001:db8::53\n"
                                      "nameserver fe80::1%eth0\n"
                                      "nameserver ::ffff:192.0.2.1\n"
                                      "nameserver 192.0.2.2")),
              ElementsAre("192.0.2.1", "2001:db8::53", "fe80::1", "192.0.2.2"));
}

TEST(ResolvConf, broken_lines_yield_nothing) {
  EXPECT_THAT(parse_resolv_conf("nameserver\nnameserver 1.2.3\nnameserver 1.2.3.4.5\n"
                                "nameservers 192.0.2.1\nnameserver=192.0.2.1\n%\n"),
              IsEmpty());
  EXPECT_THAT(parse_resolv_conf(std::string_view("name\0server 1.2.3.4\n", 20)), IsEmpty());
}

TEST(ResolvConf, one_file_cannot_exempt_the_world) {
  std::string text;
  for (int i = 0; i < 200; i++) text += "nameserver 192.0.2." + std::to_string(i) + "\n";
  EXPECT_EQ(parse_resolv_conf(text).size(), 16U);
}

TEST(Leases, each_kind_names_its_server) {
  EXPECT_THAT(texts(parse_lease(kNetworkdLease)), ElementsAre("192.168.7.1"));
  EXPECT_THAT(texts(parse_lease(bootp_reply())), ElementsAre("10.2.0.1"));
}

TEST(Leases, of_an_interface_the_last_lease_counts_and_quoted_text_never) {
  EXPECT_THAT(texts(parse_lease(kDhclientLeases)), ElementsAre("10.0.0.2", "10.1.0.1"));
}

TEST(Leases, cut_off_anywhere_they_yield_less_and_never_something_else) {
  for (const std::string& whole :
       {std::string(kNetworkdLease), std::string(kDhclientLeases), bootp_reply()}) {
    const auto all = texts(parse_lease(whole));
    ASSERT_FALSE(all.empty());
    for (std::size_t length = 0; length < whole.size(); length++) {
      // From a copy of exactly this size, so that a read past its end is found.
      const std::vector<char> part(whole.begin(), whole.begin() + static_cast<long>(length));
      EXPECT_LE(parse_lease({part.data(), part.size()}).size(), all.size()) << length;
    }
  }
  EXPECT_THAT(parse_lease(bootp_reply().substr(0, 249)), IsEmpty());
}

TEST_F(HostFiles, servers_come_from_all_lease_folders) {
  write("netif/3", kNetworkdLease);
  write("dhcp/dhclient.eth0.leases", kDhclientLeases);
  write("nm/internal-1-eth1.lease", "SERVER_ADDRESS=10.3.0.1\n");
  write("nm/secret_key", "SERVER_ADDRESS=198.51.100.1\n");
  write("dhcpcd/eth2.lease", bootp_reply());
  fs::create_directories(folder_ / "dhcpcd/folder.lease");
  const ResolverPaths paths{
      .resolv_conf = folder_ / "none",
      .resolved_conf = folder_ / "none",
      .lease_folders = {folder_ / "netif", folder_ / "missing", folder_ / "dhcp", folder_ / "nm",
                        folder_ / "dhcpcd"}};
  std::vector<std::string> found;
  for (const NetworkServer& server : dhcp_servers(paths)) found.push_back(server.address.text());
  EXPECT_THAT(found, ElementsAre("192.168.7.1", "10.0.0.2", "10.1.0.1", "10.3.0.1", "10.2.0.1"));
  EXPECT_THAT(dns_servers(paths), IsEmpty());
}

TEST_F(HostFiles, a_stub_resolver_on_this_host_leads_to_its_upstream_servers) {
  write("resolv.conf", "nameserver 127.0.0.53\n");
  write("upstream.conf", "nameserver 192.0.2.53\n");
  const ResolverPaths paths{.resolv_conf = folder_ / "resolv.conf",
                            .resolved_conf = folder_ / "upstream.conf",
                            .lease_folders = {}};
  auto servers = dns_servers(paths);
  ASSERT_EQ(servers.size(), 2U);
  EXPECT_EQ(servers[1].address, at("192.0.2.53"));
  EXPECT_EQ(servers[1].source, folder_ / "upstream.conf");

  write("resolv.conf", "nameserver 192.0.2.1\n");
  servers = dns_servers(paths);
  ASSERT_EQ(servers.size(), 1U);
  EXPECT_EQ(servers[0].address, at("192.0.2.1"));
}

TEST(GuardedFacts, are_the_same_after_their_way_through_the_socket) {
  GuardedFacts facts;
  facts.ssh.sessions = {{.local = at("192.0.2.1"),
                         .remote = at("198.51.100.7"),
                         .local_port = 22,
                         .remote_port = 50'000},
                        {.local = at("2001:db8::1"),
                         .remote = at("2001:db8::7"),
                         .local_port = 2222,
                         .remote_port = 1}};
  facts.ssh.ports = {22, 2222};
  facts.dhcp = {{at("10.0.0.2"), "/var/lib/dhcp/a name.leases"}};
  const auto again = parse_guarded_facts(guarded_facts_text(facts));
  ASSERT_TRUE(again.has_value());
  ASSERT_EQ(again->ssh.sessions.size(), 2U);
  EXPECT_EQ(again->ssh.sessions[1].remote, at("2001:db8::7"));
  EXPECT_EQ(again->ssh.sessions[1].local_port, 2222);
  EXPECT_EQ(again->ssh.sessions[0].remote_port, 50'000);
  EXPECT_EQ(again->ssh.ports, facts.ssh.ports);
  ASSERT_EQ(again->dhcp.size(), 1U);
  EXPECT_EQ(again->dhcp[0].source, facts.dhcp[0].source);
}

TEST(GuardedFacts, what_is_no_answer_is_none) {
  EXPECT_TRUE(parse_guarded_facts("end\n").has_value());
  for (const char* text :
       {"", "end", "port 22\n", "port 99999\nend\n", "port\nend\n", "session 1.2.3.4 22\nend\n",
        "session a 1 b 2\nend\n", "dhcp 10.0.0.1\nend\n", "other 1.2.3.4 1 1.2.3.4 1\nend\n"})
    EXPECT_FALSE(parse_guarded_facts(text).has_value()) << text;
}

// Exits with 0 if the process answered, else with 1. In a process of its own, for there is one
// reader.
[[noreturn]] void exit_as_the_reader_does(bool may_begin) {
  (void)start_reader(
      [may_begin] { return may_begin ? Result<void>{} : Result<void>(fail("no rights")); });
  const HostFactPaths nothing{.resolvers = {.lease_folders = {}}, .proc_root = "/nowhere"};
  (void)guarded_facts(nothing);
  std::exit(reader_problem().empty() ? 0 : 1);
}

TEST(GuardedFacts, come_from_a_process_and_its_end_is_a_problem) {
  EXPECT_EXIT(exit_as_the_reader_does(true), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_as_the_reader_does(false), testing::ExitedWithCode(1), "");
}

HostFacts some_facts() {
  HostFacts facts;
  facts.network.interfaces = {
      {.name = "lo", .index = 1, .addresses = {{at("127.0.0.1"), 104}, {at("::1"), 128}}},
      {.name = "eth0", .index = 2, .addresses = {{at("203.0.113.5"), 120}, {at("fe80::5"), 64}}}};
  facts.network.default_routes = {
      {.has_gateway = true, .gateway = at("203.0.113.1"), .interface = "eth0"},
      {.ipv6 = true, .has_gateway = true, .gateway = at("fe80::1"), .interface = "eth0"},
      {.has_gateway = false, .interface = "ppp0"}};
  facts.dns = {{at("127.0.0.53"), "/etc/resolv.conf"}, {at("192.0.2.53"), "/etc/resolv.conf"}};
  facts.dhcp = {
      {at("203.0.113.1"), "/a"}, {at("203.0.113.1"), "/b"}, {at("255.255.255.255"), "/c"}};
  facts.operators = {at("198.51.100.7"), at("ff02::1"), at("0.0.0.0"), at("::")};
  return facts;
}

TEST(Exemptions, say_why_in_words_and_join_several_reasons) {
  EXPECT_THAT(exemptions(some_facts(), {}),
              ElementsAre(ExemptAddress{at("192.0.2.53"), "DNS server (/etc/resolv.conf)"},
                          ExemptAddress{at("198.51.100.7"), "SSH session of the operator"},
                          ExemptAddress{at("203.0.113.1"), "default gateway, DHCP server"},
                          ExemptAddress{at("203.0.113.5"), "this host's own address (eth0)", true},
                          ExemptAddress{at("fe80::1"), "default gateway"},
                          ExemptAddress{at("fe80::5"), "this host's own address (eth0)", true}));
}

TEST(Exemptions, each_kind_can_be_switched_off) {
  struct Case {
    bool ExemptKinds::* kind;
    std::size_t left;
  };
  for (const auto& [kind, left] : {Case{&ExemptKinds::own_addresses, 4},
                                   Case{&ExemptKinds::gateway, 5},  // still the DHCP server
                                   Case{&ExemptKinds::dns, 5}, Case{&ExemptKinds::dhcp, 6},
                                   Case{&ExemptKinds::operator_sessions, 5}}) {
    ExemptKinds kinds;
    kinds.*kind = false;
    EXPECT_EQ(exemptions(some_facts(), kinds).size(), left);
  }
  EXPECT_THAT(exemptions(some_facts(), {false, false, false, false, false}), IsEmpty());
}

TEST(Uplinks, are_the_default_routes_of_the_main_table_each_once) {
  Network network;
  network.default_routes = {{.interface = "eth1", .metric = 10, .table = 254},
                            {.interface = "eth0", .metric = 20, .table = 254},
                            {.ipv6 = true, .interface = "eth1", .table = 254},
                            {.interface = "wg0", .table = 51820}};
  EXPECT_THAT(uplinks(network), ElementsAre("eth1", "eth0"));
}

TEST(Uplinks, are_of_every_table_that_a_rule_of_the_family_looks_up) {
  Network network;
  network.default_routes = {{.interface = "eth0", .table = 254},
                            {.interface = "eth1", .table = 100},
                            {.ipv6 = true, .interface = "eth2", .table = 100},
                            {.ipv6 = true, .interface = "eth3", .table = 300}};
  network.tables_v4 = {254, 100};
  network.tables_v6 = {254, 300};
  EXPECT_THAT(uplinks(network), ElementsAre("eth0", "eth1", "eth3"));
}

TEST(TimeNamespace, is_a_problem_if_its_monotonic_clock_differs) {
  EXPECT_EQ(time_namespace_problem(""), "");
  EXPECT_EQ(time_namespace_problem("monotonic           0         0\nboottime 0 0\n"), "");
  EXPECT_EQ(time_namespace_problem("monotonic 0 0\nboottime 5 0\n"), "");
  EXPECT_THAT(time_namespace_problem("monotonic  86400  0\nboottime  7 0\n"), HasSubstr("86400 s"));
  EXPECT_NE(time_namespace_problem("monotonic  0  5\n"), "");
}

TEST(SshConnection, is_four_words_and_nothing_else) {
  const auto connection = parse_ssh_connection("::ffff:192.0.2.7 51234 198.51.100.1 22");
  const Socket found = connection.value_or(Socket{});
  EXPECT_EQ(found.remote, at("192.0.2.7"));
  EXPECT_EQ(found.remote_port, 51234);
  EXPECT_EQ(found.local, at("198.51.100.1"));
  EXPECT_EQ(found.local_port, 22);
  EXPECT_TRUE(parse_ssh_connection("fe80::7%eth0 51234 fe80::1%eth0 22").has_value());
  for (const char* bad : {"", "192.0.2.7", "192.0.2.7 1 198.51.100.1", "a 1 198.51.100.1 22",
                          "192.0.2.7 1 198.51.100.1 22 x", "192.0.2.7 1 198.51.100.1 65536",
                          "UNKNOWN 65535 UNKNOWN 65535", "192.0.2.7  1 198.51.100.1 22"})
    EXPECT_FALSE(parse_ssh_connection(bad).has_value()) << bad;
}

TEST(SshPorts, are_those_of_servers_and_not_those_a_session_forwards) {
  const std::vector<Socket> listeners{{.local_port = 22, .inode = 1},
                                      {.local_port = 8080, .inode = 2},
                                      {.local_port = 443, .inode = 3}};
  const std::vector<Socket> connections{{.local_port = 22, .inode = 10},
                                        {.local_port = 8080, .inode = 11},
                                        {.local_port = 40000, .inode = 12}};
  const SshProcess server{.root = true, .inodes = {1}};
  const SshProcess busy_server{.root = true, .inodes = {1, 10}};
  const SshProcess session{.root = true, .session = true, .inodes = {2, 10, 11, 12}};
  // Started by systemd for one connection: no sshd is its parent, and the port is systemd's.
  const SshProcess lone_session{.root = true, .inodes = {2, 10, 11, 12}};
  const SshProcess pretender{.root = false, .inodes = {3}};
  using Ports = std::set<std::uint16_t>;
  const auto ports = [&](std::vector<SshProcess> processes) {
    return ssh_ports(processes, listeners, connections);
  };
  EXPECT_EQ(ports({server}), Ports{22});
  EXPECT_EQ(ports({busy_server}), Ports{22});
  EXPECT_EQ(ports({server, session}), Ports{22});
  EXPECT_EQ(ports({lone_session}), Ports{22});
  EXPECT_EQ(ports({pretender}), Ports{});
  EXPECT_EQ(ports({}), Ports{});
}

class FileWatching : public HostFiles {
 protected:
  void SetUp() override {
    HostFiles::SetUp();
    auto watch = FileWatch::open();
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    watch_ = std::make_unique<FileWatch>(std::move(*watch));
  }
  void follow(const std::vector<std::string>& names) {
    std::vector<fs::path> paths;
    paths.reserve(names.size());
    for (const std::string& name : names) paths.push_back(folder_ / name);
    const auto done = watch_->watch(paths);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  // The changed names, relative to the folder.
  std::set<std::string> changed() {
    std::set<std::string> names;
    for (const fs::path& path : watch_->drain())
      names.insert(path.lexically_relative(folder_).native());
    return names;
  }
  bool readable() const {
    pollfd waiting{.fd = watch_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

  std::unique_ptr<FileWatch> watch_;
};
using Names = std::set<std::string>;

TEST_F(FileWatching, a_file_replaced_by_rename_is_seen_every_time) {
  write("allow.list", "1");
  write("deny.list", "1");
  follow({"allow.list", "deny.list"});
  EXPECT_FALSE(readable());
  for (int i = 0; i < 3; i++) {
    write("deny.list", "2");  // write_file() replaces
    EXPECT_TRUE(readable());
    EXPECT_EQ(changed(), Names{"deny.list"});
    EXPECT_FALSE(readable());
  }
}

TEST_F(FileWatching, other_files_in_the_folder_are_nobodys_business) {
  write("deny.list", "1");
  follow({"deny.list"});
  write("other", "1");
  EXPECT_EQ(changed(), Names{});
}

TEST_F(FileWatching, deleting_and_creating_are_changes) {
  write("deny.list", "1");
  follow({"deny.list"});
  fs::remove(folder_ / "deny.list");
  EXPECT_EQ(changed(), Names{"deny.list"});
  write("deny.list", "2");
  EXPECT_EQ(changed(), Names{"deny.list"});
}

TEST_F(FileWatching, a_file_in_a_folder_that_does_not_exist_yet_is_seen_when_it_comes) {
  follow({"a/b/conf"});
  fs::create_directory(folder_ / "a");
  (void)changed();
  fs::create_directory(folder_ / "a/b");
  (void)changed();
  EXPECT_EQ(changed(), Names{});
  write("a/b/conf", "1");
  EXPECT_EQ(changed(), Names{"a/b/conf"});
}

TEST_F(FileWatching, a_folder_that_comes_with_its_file_between_two_looks_is_seen) {
  follow({"a/b/conf"});
  write("a/b/conf", "1");
  EXPECT_EQ(changed(), Names{"a/b/conf"});
  write("a/b/conf", "2");
  EXPECT_EQ(changed(), Names{"a/b/conf"});
}

TEST_F(FileWatching, a_folder_tells_of_its_entries) {
  fs::create_directory(folder_ / "conf.d");
  follow({"conf.d"});
  write("conf.d/10.toml", "1");
  EXPECT_EQ(changed(), Names{"conf.d"});
  fs::remove(folder_ / "conf.d/10.toml");
  EXPECT_EQ(changed(), Names{"conf.d"});
}

TEST_F(FileWatching, a_folder_that_is_swapped_stays_watched) {
  write("conf.d/10.toml", "1");
  write("new/10.toml", "2");
  follow({"conf.d", "conf.d/10.toml"});
  fs::rename(folder_ / "conf.d", folder_ / "old");
  fs::rename(folder_ / "new", folder_ / "conf.d");
  EXPECT_EQ(changed(), (Names{"conf.d", "conf.d/10.toml"}));
  write("old/10.toml", "3");
  EXPECT_EQ(changed(), Names{});
  write("conf.d/10.toml", "4");
  EXPECT_EQ(changed(), (Names{"conf.d", "conf.d/10.toml"}));
}

TEST_F(FileWatching, what_a_link_leads_to_is_watched_and_so_is_the_link) {
  fs::create_directory(folder_ / "run");
  fs::create_symlink("run/stub.conf", folder_ / "resolv.conf");  // leads nowhere yet
  follow({"resolv.conf"});
  write("run/stub.conf", "1");
  EXPECT_EQ(changed(), Names{"resolv.conf"});
  write("run/stub.conf", "2");
  EXPECT_EQ(changed(), Names{"resolv.conf"});
  write("run/real.conf", "3");
  EXPECT_EQ(changed(), Names{});
  fs::create_symlink("run/real.conf", folder_ / "new");
  fs::rename(folder_ / "new", folder_ / "resolv.conf");
  EXPECT_EQ(changed(), Names{"resolv.conf"});
  write("run/real.conf", "4");
  EXPECT_EQ(changed(), Names{"resolv.conf"});
}

TEST_F(FileWatching, a_link_that_is_turned_halfway_is_seen) {
  write("v1/deny.list", "1");
  write("v2/deny.list", "2");
  fs::create_symlink("v1", folder_ / "data");
  fs::create_symlink("data/deny.list", folder_ / "deny.list");
  follow({"deny.list"});
  fs::create_symlink("v2", folder_ / "new");
  fs::rename(folder_ / "new", folder_ / "data");
  EXPECT_EQ(changed(), Names{"deny.list"});
  write("v2/deny.list", "3");
  EXPECT_EQ(changed(), Names{"deny.list"});
}

TEST_F(FileWatching, a_new_set_of_paths_replaces_the_old_one) {
  follow({"a"});
  follow({"b"});
  write("a", "1");
  EXPECT_EQ(changed(), Names{});
  write("b", "1");
  EXPECT_EQ(changed(), Names{"b"});
}

}  // namespace
}  // namespace fw::host
