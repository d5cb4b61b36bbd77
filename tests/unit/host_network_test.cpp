// SPDX-License-Identifier: MIT
// What host/ reads from the kernel. Each test runs in a thread with a network namespace of its own,
// so that it can make interfaces and sockets that nobody else sees; that needs root.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "host/exemptions.hpp"
#include "host/network_watch.hpp"
#include "host/ssh.hpp"

namespace fw::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

Address at(std::string_view text) {
  return Address::parse(text).value();
}

class HostNetwork : public testing::Test {
 protected:
  void SetUp() override {
    in_thread([this] { entered_ = ::unshare(CLONE_NEWNET) == 0 ? 0 : errno; });
    if (entered_ != 0)
      GTEST_SKIP() << "needs root for a network namespace: " << std::strerror(entered_);
    std::string name = (fs::temp_directory_path() / "floodwall-net-XXXXXX").native();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  // Runs `body` in a fresh namespace where only the loopback interface is up.
  static void in_namespace(const std::function<void()>& body) {
    in_thread([&body] {
      ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
      ip("link set lo up");
      body();
    });
  }

  // One or more lines for ip(8), in the namespace of the calling thread.
  static void ip(const std::string& lines) {
    const std::string command = "ip -batch - <<'END'\n" + lines + "\nEND\n";
    ASSERT_EQ(::system(command.c_str()), 0) << lines;
  }

  fs::path folder_;

 private:
  static void in_thread(const std::function<void()>& body) { std::thread(body).join(); }
  int entered_ = 0;
};

const Interface& interface_of(const Network& network, std::string_view name) {
  for (const Interface& interface : network.interfaces)
    if (interface.name == name) return interface;
  ADD_FAILURE() << "no interface " << name;
  static const Interface none;
  return none;
}

std::vector<std::string> addresses_of(const Interface& interface) {
  std::vector<std::string> texts;
  texts.reserve(interface.addresses.size());
  for (const InterfaceAddress& own : interface.addresses)
    texts.push_back(fmt::format("{} in /{}", own.address.text(), own.bits));
  return texts;
}

TEST_F(HostNetwork, snapshot_shows_links_addresses_and_default_routes) {
  in_namespace([] {
    ip("link add up0 mtu 1400 type veth peer name far0\n"
       "link add spare0 type bridge\n"
       "link set up0 addrgenmode none\n"
       "link set far0 up\nlink set up0 up\n"
       "addr add 192.0.2.5/24 dev up0\n"
       "addr add 192.0.2.6/24 dev up0\n"
       "addr add 2001:db8::5/64 dev up0 nodad\n"
       "addr add 10.9.0.1 peer 10.9.0.2 dev spare0\n"
       "route add default via 192.0.2.1\n"
       "route add default via 2001:db8::1 dev up0 metric 50");
    const auto network = read_network();
    ASSERT_TRUE(network.has_value()) << network.error().message;

    const Interface& uplink = interface_of(*network, "up0");
    EXPECT_TRUE(uplink.up && uplink.running);
    EXPECT_FALSE(uplink.loopback);
    EXPECT_EQ(uplink.mtu_bytes, 1400U);
    EXPECT_EQ(uplink.kind, "veth");
    EXPECT_EQ(uplink.driver, "veth");
    EXPECT_THAT(addresses_of(uplink),
                ElementsAre("192.0.2.5 in /120", "192.0.2.6 in /120", "2001:db8::5 in /64"));
    EXPECT_TRUE(interface_of(*network, "lo").loopback);
    EXPECT_FALSE(interface_of(*network, "spare0").up);
    EXPECT_THAT(addresses_of(interface_of(*network, "spare0")), ElementsAre("10.9.0.1 in /128"));

    ASSERT_EQ(network->default_routes.size(), 2U);
    EXPECT_EQ(network->default_routes[0].gateway, at("192.0.2.1"));
    EXPECT_FALSE(network->default_routes[0].ipv6);
    EXPECT_EQ(network->default_routes[1].gateway, at("2001:db8::1"));
    EXPECT_TRUE(network->default_routes[1].ipv6);
    EXPECT_EQ(network->default_routes[1].metric, 50U);
    EXPECT_THAT(uplinks(*network), ElementsAre("up0"));
  });
}

TEST_F(HostNetwork, every_next_hop_and_table_gives_its_gateway_but_only_the_main_table_uplinks) {
  in_namespace([] {
    ip("link add w1 type bridge\nlink set w1 up\naddr add 192.0.2.5/24 dev w1\n"
       "link add w2 type bridge\nlink set w2 up\naddr add 198.51.100.5/24 dev w2\n"
       "link add w3 type bridge\nlink set w3 up\naddr add 203.0.113.5/24 dev w3\n"
       "route add default nexthop via 192.0.2.1 dev w1 nexthop via 198.51.100.1 dev w2\n"
       "route add default via inet6 fe80::9 dev w2 metric 7\n"
       "route add default via 203.0.113.1 table 1000\n"
       "route add 10.0.0.0/8 via 203.0.113.77");
    const auto network = read_network();
    ASSERT_TRUE(network.has_value()) << network.error().message;
    std::vector<std::string> gateways;
    for (const DefaultRoute& route : network->default_routes)
      gateways.push_back(route.gateway.text() + " " + route.interface);
    EXPECT_THAT(gateways,
                ElementsAre("192.0.2.1 w1", "198.51.100.1 w2", "fe80::9 w2", "203.0.113.1 w3"));
    EXPECT_THAT(uplinks(*network), ElementsAre("w1", "w2"));
  });
}

TEST_F(HostNetwork, watch_tells_which_interfaces_come_and_go) {
  in_namespace([] {
    ip("link add d0 type bridge");
    auto watch = NetworkWatch::open();
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    EXPECT_FALSE(watch->drain().changed);

    ip("link add d1 type bridge");
    pollfd waiting{.fd = watch->fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&waiting, 1, 0), 1);
    NetworkChange change = watch->drain();
    EXPECT_TRUE(change.changed);
    EXPECT_THAT(change.appeared, ElementsAre("d1"));
    EXPECT_THAT(change.disappeared, IsEmpty());

    ip("link del d1\nlink add d1 type bridge\nlink set d0 name d9");
    change = watch->drain();
    EXPECT_THAT(change.appeared, ElementsAre("d1", "d9"));
    EXPECT_THAT(change.disappeared, ElementsAre("d0", "d1"));

    ip("link add brief type bridge\nlink del brief\nlink del d9");
    change = watch->drain();
    EXPECT_THAT(change.appeared, IsEmpty());
    EXPECT_THAT(change.disappeared, ElementsAre("d9"));
  });
}

TEST_F(HostNetwork, an_interface_that_comes_back_with_its_index_was_away) {
  in_namespace([] {
    ip("link add d0 index 77 type bridge");
    auto watch = NetworkWatch::open();
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    ip("link del d0\nlink add d0 index 77 type bridge");
    const NetworkChange change = watch->drain();
    EXPECT_THAT(change.appeared, ElementsAre("d0"));
    EXPECT_THAT(change.disappeared, ElementsAre("d0"));
  });
}

TEST_F(HostNetwork, leaving_a_bridge_is_no_end_of_an_interface) {
  in_namespace([] {
    ip("link add br0 type bridge\nlink add d0 type veth peer name d1\nlink set d0 master br0");
    auto watch = NetworkWatch::open();
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    ip("link set d0 nomaster");
    const NetworkChange change = watch->drain();
    EXPECT_TRUE(change.changed);
    EXPECT_THAT(change.appeared, IsEmpty());
    EXPECT_THAT(change.disappeared, IsEmpty());
  });
}

// Whether a change is reported. The kernel reports an IPv6 address some time after ip(8) has
// returned.
bool reports_a_change(NetworkWatch& watch) {
  pollfd waiting{.fd = watch.fd(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 5000) > 0)
    if (watch.drain().changed) return true;
  return false;
}

TEST_F(HostNetwork, watch_sees_addresses_and_default_routes) {
  in_namespace([] {
    ip("link add d0 type bridge\nlink set d0 up");
    for (const char* line : {"addr add 192.0.2.5/24 dev d0", "addr add 2001:db8::5/64 dev d0 nodad",
                             "route add default via 192.0.2.1", "route add default via 2001:db8::1",
                             "route del default", "addr del 192.0.2.5/24 dev d0"}) {
      auto watch = NetworkWatch::open();
      ASSERT_TRUE(watch.has_value()) << watch.error().message;
      ip(line);
      EXPECT_TRUE(reports_a_change(*watch)) << line;
    }
  });
}

// Where nothing but lo is up: the kernel is still telling of an interface (its carrier, its
// link-local address) a while after ip(8) has returned.
TEST_F(HostNetwork, watch_sees_no_route_but_default_ones) {
  in_namespace([] {
    auto watch = NetworkWatch::open();
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    ip("route add 10.0.0.0/8 dev lo\nroute add blackhole 10.1.0.0/16");
    EXPECT_FALSE(watch->drain().changed);
  });
}

TEST_F(HostNetwork, an_overrun_loses_no_interface) {
  in_namespace([] {
    ip("link add old0 type bridge");
    auto watch = NetworkWatch::open();
    ASSERT_TRUE(watch.has_value()) << watch.error().message;
    const int tiny = 1;
    ASSERT_EQ(::setsockopt(watch->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny), 0);
    std::string lines;
    for (int i = 0; i < 40; i++) lines += fmt::format("link add n{} type bridge\n", i);
    ip(lines + "link del old0");
    const NetworkChange change = watch->drain();
    EXPECT_TRUE(change.changed);
    EXPECT_EQ(change.appeared.size(), 40U);
    EXPECT_THAT(change.disappeared, ElementsAre("old0"));
  });
}

// An IPv6 socket bound to `address`, which may be a mapped one.
UniqueFd bound_socket(int type, std::string_view address, std::uint16_t port = 0) {
  UniqueFd fd(::socket(AF_INET6, type | SOCK_CLOEXEC, 0));
  const int off = 0;
  EXPECT_EQ(::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  at(address).to_bytes(name.sin6_addr.s6_addr);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0) << address;
  return fd;
}

void connect_to(const UniqueFd& from, const UniqueFd& to) {
  sockaddr_in6 name{};
  socklen_t length = sizeof name;
  ASSERT_EQ(::getsockname(to.get(), reinterpret_cast<sockaddr*>(&name), &length), 0);
  // An IPv6 address that was just added has no route for a moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  int connected = 0;
  do {
    connected = ::connect(from.get(), reinterpret_cast<sockaddr*>(&name), length);
  } while (connected != 0 && errno == ENETUNREACH && std::chrono::steady_clock::now() < deadline);
  ASSERT_EQ(connected, 0) << std::strerror(errno);
}

std::uint64_t inode_of(const UniqueFd& fd) {
  struct stat info{};
  EXPECT_EQ(::fstat(fd.get(), &info), 0);
  return info.st_ino;
}

// A server with one client, both on addresses of this host.
struct Connection {
  UniqueFd listener, client, accepted;

  Connection(std::string_view server, std::uint16_t port, std::string_view from)
      : listener(bound_socket(SOCK_STREAM, server, port)), client(bound_socket(SOCK_STREAM, from)) {
    EXPECT_EQ(::listen(listener.get(), 4), 0);
    connect_to(client, listener);
    if (testing::Test::HasFatalFailure()) return;  // nobody would come
    accepted = UniqueFd(::accept(listener.get(), nullptr, nullptr));
    EXPECT_TRUE(accepted.valid());
  }
};

// As seen from the side that `fd` is.
std::string conversation_of(const std::vector<Socket>& sockets, const UniqueFd& fd) {
  for (const Socket& s : sockets)
    if (s.inode == inode_of(fd))
      return fmt::format("{} {} {} from {}", s.proto, s.local.text(), s.local_port,
                         s.remote.text());
  return "none";
}

TEST_F(HostNetwork, conversations_of_both_families_are_seen_canonically) {
  in_namespace([] {
    ip("addr add 192.0.2.5/32 dev lo\naddr add 192.0.2.7/32 dev lo\n"
       "addr add 2001:db8::5/128 dev lo nodad\naddr add 2001:db8::7/128 dev lo nodad");
    const Connection mapped("192.0.2.5", 2200, "192.0.2.7");
    const Connection six("2001:db8::5", 2201, "2001:db8::7");
    const UniqueFd udp_server = bound_socket(SOCK_DGRAM, "192.0.2.5", 53);
    const UniqueFd udp_client = bound_socket(SOCK_DGRAM, "192.0.2.7", 5353);
    connect_to(udp_client, udp_server);
    const int waiting = 65'536;
    ASSERT_EQ(::setsockopt(udp_server.get(), SOL_SOCKET, SO_RCVBUF, &waiting, sizeof waiting), 0);

    const auto sockets = connected_sockets();
    ASSERT_TRUE(sockets.has_value()) << sockets.error().message;
    EXPECT_EQ(conversation_of(*sockets, mapped.accepted), "6 192.0.2.5 2200 from 192.0.2.7");
    EXPECT_EQ(conversation_of(*sockets, six.accepted), "6 2001:db8::5 2201 from 2001:db8::7");
    EXPECT_EQ(conversation_of(*sockets, udp_client), "17 192.0.2.7 5353 from 192.0.2.5");
    EXPECT_EQ(conversation_of(*sockets, udp_server), "none");
    EXPECT_EQ(conversation_of(*sockets, mapped.listener), "none");
    EXPECT_EQ(sockets->size(), 5U);

    const auto listeners = tcp_listeners();
    ASSERT_TRUE(listeners.has_value()) << listeners.error().message;
    EXPECT_EQ(listeners->size(), 2U);

    const auto all = fw::host::listeners();
    ASSERT_TRUE(all.has_value()) << all.error().message;
    EXPECT_EQ(all->size(), 3U);
    EXPECT_EQ(conversation_of(*all, udp_server), "17 192.0.2.5 53 from ::") << "nobody";
    EXPECT_EQ(conversation_of(*all, udp_client), "none");
    EXPECT_EQ(conversation_of(*all, mapped.listener), "6 192.0.2.5 2200 from ::");
    EXPECT_EQ(all->back().receive_bytes, 2U * 65'536) << "the kernel doubles what is asked for";
  });
}

TEST_F(HostNetwork, a_half_closed_connection_is_still_a_conversation) {
  in_namespace([] {
    const Connection connection("127.0.0.1", 2200, "127.0.0.1");
    ASSERT_EQ(::shutdown(connection.client.get(), SHUT_WR), 0);
    const auto sockets = connected_sockets();
    ASSERT_TRUE(sockets.has_value()) << sockets.error().message;
    EXPECT_EQ(sockets->size(), 2U);
  });
}

// A process in a folder that looks like /proc.
struct FakeProcess {
  std::string pid, comm, title{};
  int parent = 1, user = 0;
  std::vector<std::uint64_t> inodes{};
  std::string environment{};

  void write_under(const fs::path& proc) const {
    const fs::path folder = proc / pid;
    fs::remove_all(folder);
    fs::create_directories(folder / "fd");
    const auto put = [&folder](const char* name, const std::string& text) {
      ASSERT_TRUE(write_file(folder / name, text).has_value());
    };
    put("comm", comm + "\n");
    put("cmdline", title + '\0');
    put("status", fmt::format("Name:\t{}\nUmask:\t0022\nPPid:\t{}\nUid:\t{}\t{}\t0\t0\n", comm,
                              parent, user, user));
    put("environ", environment);
    int fd = 3;
    for (const std::uint64_t inode : inodes)
      fs::create_symlink(fmt::format("socket:[{}]", inode), folder / "fd" / std::to_string(fd++));
  }
};

TEST_F(HostNetwork, an_ssh_peer_counts_once_its_user_has_logged_in) {
  in_namespace([this] {
    ip("addr add 192.0.2.5/32 dev lo\naddr add 198.51.100.7/32 dev lo");
    const Connection ssh("192.0.2.5", 2222, "198.51.100.7");
    FakeProcess{.pid = "100",
                .comm = "sshd",
                .title = "sshd: /usr/sbin/sshd -D [listener] 1 of 10-100 startups",
                .inodes = {inode_of(ssh.listener)}}
        .write_under(folder_);
    FakeProcess session{.pid = "200",
                        .comm = "sshd",
                        .title = "sshd: root [priv]",
                        .parent = 100,
                        .inodes = {inode_of(ssh.accepted)}};
    for (const char* before : {"/usr/sbin/sshd -D -R", "sshd: [accepted]", "sshd: root [priv]",
                               "sshd: unknown [net]", "sshd: [preauth]"}) {
      session.title = before;
      session.write_under(folder_);
      EXPECT_THAT(read_ssh(folder_).operators(), IsEmpty()) << before;
    }
    for (const char* after : {"sshd: root@pts/0", "sshd: admin@notty", "sshd: admin"}) {
      session.title = after;
      session.write_under(folder_);
      EXPECT_THAT(read_ssh(folder_).operators(), ElementsAre(at("198.51.100.7"))) << after;
    }
    // The same without a server of root is just a program with that name.
    FakeProcess{.pid = "100", .comm = "sshd", .user = 1000, .inodes = {inode_of(ssh.listener)}}
        .write_under(folder_);
    session.user = 1000;
    session.write_under(folder_);
    EXPECT_THAT(read_ssh(folder_).operators(), IsEmpty());
  });
}

TEST_F(HostNetwork, ssh_connection_counts_only_while_that_connection_stands) {
  in_namespace([this] {
    ip("addr add 192.0.2.5/32 dev lo\naddr add 198.51.100.7/32 dev lo");
    const Connection ssh("192.0.2.5", 2222, "198.51.100.7");
    const auto sockets = connected_sockets();
    ASSERT_TRUE(sockets.has_value());
    std::uint16_t port = 0;
    for (const Socket& s : *sockets)
      if (s.inode == inode_of(ssh.accepted)) port = s.remote_port;
    FakeProcess{.pid = "self", .comm = "floodwall", .parent = 300}.write_under(folder_);
    FakeProcess shell{.pid = "300", .comm = "bash"};
    for (const auto& [told_port, count] : {std::pair(int{port}, 1U), std::pair(port + 1, 0U)}) {
      shell.environment = fmt::format(
          "TERM=xterm{0}SSH_CONNECTION=198.51.100.7 {1} 192.0.2.5 2222"
          "{0}HOME=/root{0}",
          '\0', told_port);
      shell.write_under(folder_);
      EXPECT_EQ(read_ssh(folder_).operators().size(), count);
    }
  });
}

TEST_F(HostNetwork, facts_are_gathered_from_everywhere) {
  in_namespace([this] {
    ip("link add up0 type bridge\nlink set up0 addrgenmode none\nlink set up0 up\n"
       "addr add 192.0.2.5/24 dev up0\n"
       "route add default via 192.0.2.1");
    ASSERT_TRUE(write_file(folder_ / "resolv.conf", "nameserver 192.0.2.1\n").has_value());
    ASSERT_TRUE(write_file(folder_ / "2", "SERVER_ADDRESS=192.0.2.2\n").has_value());
    const HostFactPaths paths{.resolvers = {.resolv_conf = folder_ / "resolv.conf",
                                            .resolved_conf = folder_ / "none",
                                            .lease_folders = {folder_}},
                              .proc_root = folder_ / "proc"};
    const auto facts = read_facts(paths);
    ASSERT_TRUE(facts.has_value()) << facts.error().message;
    EXPECT_THAT(
        exemptions(*facts, {}),
        ElementsAre(ExemptAddress{at("192.0.2.1"), fmt::format("default gateway, DNS server ({})",
                                                               (folder_ / "resolv.conf").native())},
                    ExemptAddress{at("192.0.2.2"), "DHCP server"},
                    ExemptAddress{at("192.0.2.5"), "this host's own address (up0)", true}));
  });
}

}  // namespace
}  // namespace fw::host
