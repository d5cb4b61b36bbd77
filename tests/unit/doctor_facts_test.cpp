// SPDX-License-Identifier: MIT
// What is read of a machine, from files below a folder, and from made-up sockets and replies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "doctor/facts.hpp"
#include "harness/capture.hpp"
#include "host/machine.hpp"
#include "host/proxies.hpp"

namespace {

using fw::Address;
using fw::doctor::DaemonFacts;
using fw::host::ProxyInFront;
using fw::host::Socket;
using nlohmann::json;
using std::filesystem::path;
using testing::ElementsAre;

class Machine : public testing::Test {
 protected:
  fw::test::TemporaryFolder folder_;

  [[nodiscard]] path root() const { return folder_.path(); }
  void file(const path& name, const std::string& text) const {
    std::filesystem::create_directories((root() / name).parent_path());
    std::ofstream(root() / name) << text;
  }
  void link(const path& name, const path& target) const {
    std::filesystem::create_directories((root() / name).parent_path());
    std::filesystem::create_symlink(target, root() / name);
  }
};

TEST_F(Machine, kernel_settings_and_clock_are_read) {
  file("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  file("proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
  file("boot/config-6.1.0-18-amd64",
       "# comment\nCONFIG_BPF_JIT=y\n# CONFIG_SYN_COOKIES is not set\nCONFIG_NET_CLS_BPF=m\n");
  file("proc/sys/net/ipv4/tcp_syncookies", "0\n");
  file("sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm\n");
  file("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc acpi_pm \n");
  const auto facts = fw::host::read_machine(root(), {});
  EXPECT_EQ(facts.kernel.release, "6.1.0-18-amd64");
  EXPECT_TRUE(facts.kernel.bpf);
  EXPECT_FALSE(facts.kernel.btf);
  EXPECT_EQ(facts.kernel.config.at("CONFIG_BPF_JIT"), "y");
  EXPECT_EQ(facts.kernel.config.at("CONFIG_SYN_COOKIES"), "n");
  EXPECT_EQ(facts.kernel.config.at("CONFIG_NET_CLS_BPF"), "m");
  EXPECT_EQ(facts.sysctls.at("net.ipv4.tcp_syncookies"), "0");
  EXPECT_FALSE(facts.sysctls.contains("net.core.somaxconn"));
  EXPECT_EQ(facts.clock_source, "acpi_pm");
  EXPECT_THAT(facts.clock_sources, ElementsAre("acpi_pm", "tsc"));
}

TEST_F(Machine, service_is_absent_enabled_or_masked) {
  EXPECT_FALSE(fw::host::read_machine(root(), {}).service.systemd);
  std::filesystem::create_directories(root() / "run/systemd/system");
  file("lib/systemd/system/floodwall.service", "[Unit]\n");
  auto service = fw::host::read_machine(root(), {}).service;
  EXPECT_TRUE(service.systemd && service.installed && !service.enabled && !service.masked);
  link("etc/systemd/system/multi-user.target.wants/floodwall.service",
       "/lib/systemd/system/floodwall.service");
  EXPECT_TRUE(fw::host::read_machine(root(), {}).service.enabled);
  link("etc/systemd/system/floodwall.service", "/dev/null");
  EXPECT_TRUE(fw::host::read_machine(root(), {}).service.masked);
}

TEST_F(Machine, firewalls_and_their_processes_are_found) {
  file("etc/ufw/ufw.conf", "# ENABLED=no\nENABLED=yes\n");
  file("proc/net/ip_tables_names", "nat\nfilter\n");
  file("proc/17/comm", "fail2ban-server\n");
  file("proc/18/comm", "bash\n");
  file("proc/self/comm", "dockerd\n");
  const auto found = fw::host::read_machine(root(), {}).firewall;
  EXPECT_TRUE(found.ufw);
  EXPECT_THAT(found.iptables, ElementsAre("nat", "filter"));
  EXPECT_THAT(found.processes, ElementsAre("fail2ban-server"));
}

TEST_F(Machine, virtual_machine_made_from_an_image_is_no_container) {
  file(".dockerenv", "");
  EXPECT_EQ(fw::host::read_machine(root(), {}).container, "docker");
  link("proc/self/ns/pid", "pid:[4026531836]");
  EXPECT_EQ(fw::host::read_machine(root(), {}).container, "");
}

TEST_F(Machine, disk_of_a_folder_that_is_not_there_is_that_of_its_parent) {
  const auto disks = fw::host::read_machine(root(), {"/var/log/floodwall"}).disks;
  ASSERT_EQ(disks.size(), 1U);
  EXPECT_EQ(disks[0].folder, "/var/log/floodwall");
  EXPECT_GT(disks[0].size_bytes, 0U);
}

// ------------------------------------------------------------ a proxy in front

std::vector<Socket> web(unsigned count, const std::string& from, std::uint16_t port = 443) {
  std::vector<Socket> sockets;
  const auto first = *Address::parse(from);
  for (unsigned i = 0; i < count; i++)
    sockets.push_back({.remote = {first.hi, first.lo + i}, .local_port = port, .proto = 6});
  return sockets;
}
std::vector<Socket> operator+(std::vector<Socket> one, const std::vector<Socket>& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}
const std::vector<Socket> kListens{{.local_port = 443, .proto = 6}};

TEST(proxy, cloudflare_is_named_by_its_prefixes) {
  const auto found = proxy_in_front(web(40, "172.68.1.1") + web(5, "2606:4700::1"), kListens);
  EXPECT_EQ(found.certainty, ProxyInFront::Certainty::sure);
  EXPECT_EQ(found.name, "Cloudflare");
  EXPECT_EQ(found.connections, 45U);
  ASSERT_EQ(found.prefixes.size(), 2U);
}

TEST(proxy, some_through_it_and_most_not_is_perhaps) {
  const auto found = proxy_in_front(web(20, "172.68.1.1") + web(40, "198.51.100.1"), kListens);
  EXPECT_EQ(found.certainty, ProxyInFront::Certainty::perhaps);
}

TEST(proxy, users_few_connections_and_other_ports_are_none) {
  using Certainty = ProxyInFront::Certainty;
  EXPECT_EQ(proxy_in_front(web(200, "198.51.100.1"), kListens).certainty, Certainty::none);
  EXPECT_EQ(proxy_in_front(web(19, "172.68.1.1"), kListens).certainty, Certainty::none);
  EXPECT_EQ(proxy_in_front(web(90, "172.68.1.1", 22), kListens).certainty, Certainty::none);
  // This host's own requests to a CDN: nobody listens on the port here.
  EXPECT_EQ(proxy_in_front(web(90, "172.68.1.1"), {}).certainty, Certainty::none);
}

TEST(proxy, server_behind_another_on_the_same_host_has_none_in_front) {
  for (const char* address : {"127.0.0.1", "::1", "198.51.100.1"}) {
    const auto self = *Address::parse(address);
    const std::vector<Socket> own(90,
                                  {.local = self, .remote = self, .local_port = 443, .proto = 6});
    EXPECT_EQ(proxy_in_front(own, kListens).certainty, ProxyInFront::Certainty::none) << address;
  }
  const std::vector<Socket> local(90, {.local = *Address::parse("127.0.1.1"),
                                       .remote = *Address::parse("127.0.0.1"),
                                       .local_port = 443,
                                       .proto = 6});
  EXPECT_EQ(proxy_in_front(local, kListens).certainty, ProxyInFront::Certainty::none);
}

TEST(proxy, few_addresses_with_many_connections_are_perhaps_one) {
  std::vector<Socket> sockets;
  for (int i = 0; i < 30; i++) sockets = sockets + web(2, "10.0.0.5");
  const auto found = proxy_in_front(sockets, kListens);
  EXPECT_EQ(found.certainty, ProxyInFront::Certainty::perhaps);
  EXPECT_EQ(found.name, "");
  EXPECT_EQ(found.prefixes.size(), 2U);
}

// ------------------------------------------------------- what the daemon says

TEST(daemon_facts, interfaces_problems_are_theirs_and_others_stay) {
  const auto facts = fw::doctor::daemon_facts(
      json{{"mode", "enforce"},
           {"syn_cookies", "on"},
           {"problems", {"eth0: slow", "deny.list is gone"}},
           {"interfaces", {{{"name", "eth0"}, {"attachment", "generic"}, {"problem", "slow"}}}},
           {"tables", {{"bans", {{"capacity", 100U}, {"used", 7U}}}}}});
  EXPECT_EQ(facts.state, DaemonFacts::State::answers);
  EXPECT_THAT(facts.problems, ElementsAre("deny.list is gone"));
  EXPECT_EQ(facts.interfaces.at(0).attachment, "generic");
  EXPECT_EQ(facts.bans_used, 7U);
}

TEST(daemon_facts, reply_of_another_form_reads_as_empty) {
  for (const json& reply :
       {json::object(), json{{"problems", 3}, {"interfaces", {1, "x"}}},
        json{{"tables", {{"bans", {{"used", -1}}}}}, {"mode", json::array()}}}) {
    const auto facts = fw::doctor::daemon_facts(reply);
    EXPECT_TRUE(facts.mode.empty() && facts.problems.empty() && facts.bans_used == 0);
  }
}

TEST(daemon_facts, silence_is_told_apart) {
  using fw::ErrorKind;
  using State = DaemonFacts::State;
  const auto state = [](ErrorKind kind, const char* message) {
    return fw::doctor::daemon_facts(fw::fail(kind, message)).state;
  };
  EXPECT_EQ(state(ErrorKind::not_running, "the daemon is not running (nobody listens)"),
            State::down);
  EXPECT_EQ(state(ErrorKind::not_running, "floodwalld (process 4) hangs"), State::hangs);
  EXPECT_EQ(state(ErrorKind::not_permitted, "you may not use it"), State::forbidden);
}

}  // namespace
