// SPDX-License-Identifier: MIT
// What `floodwall doctor` says of hosts: ordinary ones, which must not be alarmed, and one fault
// each.
#include "doctor/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "doctor/checks.hpp"

namespace {

using namespace fw::doctor;
using fw::host::BpfProgram;
using Hook = BpfProgram::Hook;
using State = DaemonFacts::State;
using testing::HasSubstr;

// A virtual server with Debian 12 and a virtio card, protected.
Facts server() {
  Facts facts;
  facts.root = true;
  facts.machine = {.kernel = {.release = "6.1.0-18-amd64",
                              .bpf = true,
                              .btf = true,
                              .config = {{"CONFIG_NET_CLS_BPF", "m"}, {"CONFIG_SYN_COOKIES", "y"}}},
                   .sysctls = {{"net.core.bpf_jit_enable", "1"},
                               {"net.core.bpf_jit_harden", "0"},
                               {"net.core.netdev_budget", "300"},
                               {"net.core.netdev_budget_usecs", "8000"},
                               {"net.core.netdev_max_backlog", "1000"},
                               {"net.core.rmem_max", "212992"},
                               {"net.core.somaxconn", "4096"},
                               {"net.ipv4.conf.all.rp_filter", "0"},
                               {"net.ipv4.tcp_max_syn_backlog", "256"},
                               {"net.ipv4.tcp_syncookies", "1"},
                               {"net.netfilter.nf_conntrack_count", "812"},
                               {"net.netfilter.nf_conntrack_max", "65536"},
                               {"net.netfilter.nf_conntrack_tcp_loose", "1"}},
                   .clock_source = "kvm-clock",
                   .clock_sources = {"kvm-clock", "tsc", "acpi_pm"},
                   .cpus = 2,
                   .service = {.systemd = true, .installed = true, .enabled = true},
                   .firewall = {.processes = {"systemd-timesy"}, .iptables_seen = true},
                   .disks = {{.folder = "/var/log/floodwall",
                              .free_bytes = 10ULL << 30,
                              .size_bytes = 20ULL << 30,
                              .free_inodes = 1'000'000,
                              .inodes = 1'200'000}}};
  facts.uplinks = {{.name = "eth0",
                    .driver = "virtio_net",
                    .mtu_bytes = 1500,
                    .card = {.features = {{"rx-lro", false}, {"rx-gro-hw", true}},
                             .changeable = {{"rx-lro", false}, {"rx-gro-hw", true}},
                             .queues = 2,
                             .most_queues = 2,
                             .combined = true,
                             .ring = 256,
                             .most_ring = 256,
                             .strict_path = "2"}}};
  facts.programs = {{{.interface = "eth0", .id = 7, .name = "floodwall_xdp", .link = 3}}};
  facts.nft_tables.emplace();
  facts.forwards_ports = false;
  facts.daemon = {.state = State::answers,
                  .mode = "enforce",
                  .datapath = "xdp",
                  .syn_cookies = "on",
                  .interfaces = {{.name = "eth0", .attachment = "native"}},
                  .bans_used = 12,
                  .bans_capacity = 262'144};
  facts.config = {.file = "/etc/floodwall/floodwall.toml", .there = true, .log_bytes = 96ULL << 20};
  return facts;
}

Findings worse_than_ok(const Facts& facts) {
  Findings found = examine(facts);
  std::erase_if(found, [](const Finding& one) { return one.severity == Severity::ok; });
  return found;
}

std::string told(const Findings& findings) {
  return render(findings, {}, true, {});
}

struct Fault {
  std::string_view check;
  Severity severity;
  std::string_view says, command;
  std::function<void(Facts&)> break_it;
};

std::vector<Fault> faults() {
  const auto set = [](const char* name, const char* value) {
    return [=](Facts& facts) { facts.machine.sysctls[name] = value; };
  };
  return {
      {"daemon", Severity::problem, "does not run", "sudo systemctl start floodwall",
       [](Facts& facts) { facts.daemon = {.state = State::down}; }},
      {"daemon", Severity::problem, "hangs", "sudo systemctl restart floodwall",
       [](Facts& facts) {
         facts.daemon = {.state = State::hangs, .why = "floodwalld (process 7) hangs"};
       }},
      {"service", Severity::warning, "not enabled", "sudo systemctl enable floodwall",
       [](Facts& facts) { facts.machine.service.enabled = false; }},
      {"service", Severity::warning, "not installed", "sudo ./quickstart",
       [](Facts& facts) { facts.machine.service.installed = false; }},
      {"service", Severity::warning, "masked", "sudo systemctl unmask floodwall",
       [](Facts& facts) { facts.machine.service.masked = true; }},
      {"service", Severity::note, "systemd does not run", "",
       [](Facts& facts) { facts.machine.service = {}; }},
      {"config", Severity::problem, "floodwall.toml:3: no such key",
       "floodwall check /etc/floodwall/floodwall.toml",
       [](Facts& facts) { facts.config.problem = "floodwall.toml:3: no such key"; }},
      {"mode", Severity::problem, "off", "sudo floodwall mode enforce",
       [](Facts& facts) { facts.daemon.mode = "off"; }},
      {"mode", Severity::note, "observe", "sudo floodwall mode enforce",
       [](Facts& facts) { facts.daemon.mode = "observe"; }},
      {"mode", Severity::note, "enforce, configured: observe", "",
       [](Facts& facts) { facts.config.mode = "observe"; }},
      {"degraded", Severity::problem, "deny.list is gone", "",
       [](Facts& facts) { facts.daemon.problems = {"deny.list is gone"}; }},
      {"degraded", Severity::problem, "went away", "",
       [](Facts& facts) {
         facts.daemon.interfaces.push_back(
             {.name = "eth9", .attachment = "none", .problem = "the interface went away"});
       }},
      {"uplinks", Severity::problem, "not protected", "sudo floodwall apply",
       [](Facts& facts) { facts.daemon.interfaces.clear(); }},
      {"uplinks", Severity::problem, "`interface` names others",
       "printf 'interface = [\"eth1\", \"eth0\"]\\n' | sudo tee /etc/floodwall/conf.d/",
       [](Facts& facts) {
         facts.daemon.interfaces.clear();
         facts.daemon.problems = {"eth0 has a default route and is not protected: name it"};
         facts.config.interfaces = {"eth1"};
       }},
      {"uplinks", Severity::note, "`interface` names others", "wg0",
       [](Facts& facts) {
         facts.uplinks.push_back({.name = "wg0", .kind = "wireguard", .ethernet = false});
         facts.config.interfaces = {"eth0"};
       }},
      {"xdp", Severity::warning, "merges packets (rx-lro)",
       "sudo floodwall mode off; sudo ethtool -K eth0 lro off; sudo floodwall mode enforce",
       [](Facts& facts) {
         facts.daemon.interfaces[0].attachment = "generic";
         facts.uplinks[0].card.features["rx-lro"] = true;
         facts.uplinks[0].card.changeable["rx-lro"] = true;
       }},
      {"xdp", Severity::warning, "an MTU of 9000",
       "sudo floodwall mode off; sudo ip link set dev eth0 mtu 3498; sudo floodwall mode enforce",
       [](Facts& facts) {
         facts.daemon.interfaces[0].attachment = "generic";
         facts.uplinks[0].card = {};
         facts.uplinks[0].mtu_bytes = 9000;
       }},
      {"xdp", Severity::note, "the hypervisor merges packets", "",
       [](Facts& facts) {
         facts.daemon.interfaces[0].attachment = "generic";
         facts.uplinks[0].card.changeable["rx-gro-hw"] = false;
       }},
      {"xdp", Severity::note, "bcmgenet takes no native XDP", "",
       [](Facts& facts) {
         facts.daemon.interfaces[0].attachment = "generic";
         facts.uplinks[0].card = {};
         facts.uplinks[0].driver = "bcmgenet";
       }},
      {"xdp", Severity::note, "no Ethernet header", "",
       [](Facts& facts) {
         facts.daemon.interfaces[0].attachment = "generic";
         facts.uplinks[0].ethernet = false;
       }},
      {"xdp", Severity::note, "nfqueue", "",
       [](Facts& facts) { facts.daemon.interfaces[0].attachment = "queue"; }},
      {"vlan", Severity::warning, "strips VLAN tags", "sudo ethtool -K eth0 rxvlan off",
       [](Facts& facts) {
         facts.uplinks[0].has_vlans = true;
         facts.uplinks[0].card.features["rx-vlan-hw-parse"] = true;
       }},
      {"queues", Severity::warning, "1 receive queue of 2",
       "sudo floodwall mode off; sudo ethtool -L eth0 combined 2; sudo floodwall mode enforce",
       [](Facts& facts) { facts.uplinks[0].card.queues = 1; }},
      {"queues", Severity::warning, "RSS uses one", "sudo ethtool -X eth0 equal 2",
       [](Facts& facts) { facts.uplinks[0].card.spread = {1, 1, 1, 1}; }},
      {"queues", Severity::note, "2 receive queues of 8", "sudo ethtool -L eth0 combined 4",
       [](Facts& facts) {
         facts.machine.cpus = 4;
         facts.uplinks[0].card.most_queues = 8;
       }},
      {"queues", Severity::note, "the card has no more", "",
       [](Facts& facts) { facts.uplinks[0].card.queues = facts.uplinks[0].card.most_queues = 1; }},
      {"ring", Severity::note, "256 packets, of 4096", "sudo ethtool -G eth0 rx 2048",
       [](Facts& facts) { facts.uplinks[0].card.most_ring = 4096; }},
      {"foreign", Severity::problem, "\"cilium\" (program 9)", "sudo bpftool link detach id 3",
       [](Facts& facts) { (*facts.programs)[0] = {"eth0", Hook::xdp_native, 9, "cilium", 3}; }},
      {"foreign", Severity::problem, "\"other\"", "sudo ip link set dev eth0 xdpgeneric off",
       [](Facts& facts) { (*facts.programs)[0] = {"eth0", Hook::xdp_generic, 9, "other", 0}; }},
      {"foreign", Severity::note, "judge what it lets pass", "",
       [](Facts& facts) {
         (*facts.programs)[0] = {"eth0", Hook::xdp_native, 9, "cilium", 3};
         facts.daemon.interfaces[0].attachment = "queue";
       }},
      {"foreign", Severity::note, "a tc program of another: \"meter\"", "",
       [](Facts& facts) { facts.programs->push_back({"eth0", Hook::tc, 11, "meter", 0}); }},
      {"firewalls", Severity::note, "inet filter", "sudo nft list ruleset",
       [](Facts& facts) { facts.nft_tables = {{"inet filter"}}; }},
      {"firewalls", Severity::note, "tables filter, nat", "sudo iptables-legacy-save",
       [](Facts& facts) { facts.machine.firewall.iptables = {"filter", "nat"}; }},
      {"firewalls", Severity::note, "fail2ban", "",
       [](Facts& facts) { facts.machine.firewall.processes.insert("fail2ban-server"); }},
      {"firewalls", Severity::note, "ufw", "",
       [](Facts& facts) { facts.machine.firewall.ufw = true; }},
      {"forwarding", Severity::note, "Docker: ports of this host are forwarded", "",
       [](Facts& facts) { facts.docker_network = *(facts.forwards_ports = true); }},
      {"proxy", Severity::note, "Cloudflare: in front: 80 of 90",
       "sudo floodwall allow 172.64.0.0/13",
       [](Facts& facts) {
         facts.proxy = {.certainty = fw::host::ProxyInFront::Certainty::sure,
                        .name = "Cloudflare",
                        .connections = 80,
                        .all = 90,
                        .prefixes = {*fw::Prefix::parse("172.64.0.0/13")}};
       }},
      {"proxy", Severity::note, "perhaps in front", "floodwall why 198.51.100.7",
       [](Facts& facts) {
         facts.proxy = {.certainty = fw::host::ProxyInFront::Certainty::perhaps,
                        .connections = 60,
                        .all = 60,
                        .prefixes = {*fw::Prefix::parse("198.51.100.7")}};
       }},
      {"syncookies", Severity::problem, "0", "net.ipv4.tcp_syncookies = 1",
       set("net.ipv4.tcp_syncookies", "0")},
      {"syncookies", Severity::warning, "tcp_loose", "nf_conntrack_tcp_loose = 1",
       set("net.netfilter.nf_conntrack_tcp_loose", "0")},
      {"conntrack", Severity::warning, "50,000 of 65,536", "nf_conntrack_max = 131072",
       set("net.netfilter.nf_conntrack_count", "50000")},
      {"conntrack", Severity::problem, "65,536 of 65,536", "nf_conntrack_max = 131072",
       set("net.netfilter.nf_conntrack_count", "65536")},
      {"backlogs", Severity::note, "somaxconn: 128", "net.core.somaxconn = 4096",
       set("net.core.somaxconn", "128")},
      {"backlogs", Severity::note, "netdev_budget: 64", "net.core.netdev_budget = 300",
       set("net.core.netdev_budget", "64")},
      {"udp-buffers", Severity::note, "udp/514", "net.core.rmem_max = 16777216",
       [](Facts& facts) { facts.lossy = {{.port = 514, .drops = 5000, .buffer_bytes = 212'992}}; }},
      {"reverse-path", Severity::warning, "strict", "net.ipv4.conf.eth1.rp_filter = 2",
       [](Facts& facts) {
         facts.uplinks.push_back({.name = "eth1", .card = {.strict_path = "1"}});
         facts.daemon.interfaces.push_back({.name = "eth1", .attachment = "native"});
       }},
      {"tables", Severity::note, "140,000 of 262,144", "bans = 262144",
       [](Facts& facts) { facts.daemon.bans_used = 140'000; }},
      {"kernel", Severity::problem, "Linux 5.10.0-28-amd64", "",
       [](Facts& facts) { facts.machine.kernel.release = "5.10.0-28-amd64"; }},
      {"kernel", Severity::problem, "without BPF", "",
       [](Facts& facts) { facts.machine.kernel.bpf = false; }},
      {"kernel", Severity::note, "BTF", "", [](Facts& facts) { facts.machine.kernel.btf = false; }},
      {"kernel", Severity::note, "CONFIG_SYN_COOKIES: not set", "",
       [](Facts& facts) { facts.machine.kernel.config["CONFIG_SYN_COOKIES"] = "n"; }},
      {"jit", Severity::warning, "bpf_jit_enable: 0", "net.core.bpf_jit_enable = 1",
       set("net.core.bpf_jit_enable", "0")},
      {"jit", Severity::note, "bpf_jit_harden: 2", "net.core.bpf_jit_harden = 1",
       set("net.core.bpf_jit_harden", "2")},
      {"clock-source", Severity::note, "acpi_pm", "echo tsc | sudo tee",
       [](Facts& facts) { facts.machine.clock_source = "acpi_pm"; }},
      {"clock", Severity::note, "not synchronised", "timedatectl timesync-status",
       [](Facts& facts) { facts.machine.clock_synchronised = false; }},
      {"disk", Severity::problem, "1.0 MiB free", "sudo du ",
       [](Facts& facts) { facts.machine.disks[0].free_bytes = 1ULL << 20; }},
      {"disk", Severity::problem, "5 inodes free", "sudo du ",
       [](Facts& facts) { facts.machine.disks[0].free_inodes = 5; }},
      {"disk", Severity::warning, "50.0 MiB free", "sudo du ",
       [](Facts& facts) { facts.machine.disks[0].free_bytes = 50ULL << 20; }},
      {"container", Severity::note, "lxc", "",
       [](Facts& facts) { facts.machine.container = "lxc"; }},
  };
}

TEST(doctor, ordinary_server_has_nothing_worse_than_ok) {
  EXPECT_TRUE(worse_than_ok(server()).empty()) << told(worse_than_ok(server()));
}

TEST(doctor, each_fault_is_found_with_its_severity_and_what_mends_it) {
  for (const Fault& fault : faults()) {
    Facts facts = server();
    fault.break_it(facts);
    const Findings found = worse_than_ok(facts);
    bool hit = false;
    for (const Finding& one : found) {
      const std::string text = told({one});
      hit |= one.check == fault.check && one.severity == fault.severity &&
             text.find(fault.says) != std::string::npos &&
             (fault.command.empty() ? one.command.empty()
                                    : one.command.find(fault.command) != std::string::npos);
    }
    EXPECT_TRUE(hit) << fault.check << " " << fault.says << "\n" << told(found);
  }
}

TEST(doctor, every_check_has_a_fault_that_it_finds) {
  std::set<std::string_view> tried, named;
  for (const Fault& fault : faults()) tried.insert(fault.check);
  for (const Check& check : checks()) named.insert(check.name);
  EXPECT_EQ(tried, named);
}

TEST(doctor, one_fault_is_one_finding) {
  for (const Fault& fault : faults()) {
    Facts facts = server();
    fault.break_it(facts);
    for (const Finding& one : worse_than_ok(facts))
      EXPECT_TRUE(one.check == fault.check ||
                  (fault.says == "judge what it lets pass" && one.check == "xdp"))
          << fault.check << " " << fault.says << "\n"
          << told({one});
  }
}

// What is seen of a host without root and without a daemon's answer.
TEST(doctor, nothing_is_judged_that_was_not_seen) {
  Facts facts = server();
  facts.root = false;
  facts.machine.sysctls.clear();
  facts.machine.clock_source.clear();
  facts.machine.disks.clear();
  facts.machine.kernel.config.clear();
  facts.nft_tables.reset();
  facts.forwards_ports.reset();
  (*facts.programs)[0].name.reset();
  facts.daemon = {.state = State::forbidden};
  EXPECT_TRUE(worse_than_ok(facts).empty()) << told(worse_than_ok(facts));
}

TEST(doctor, program_of_unknown_name_is_not_called_foreign_without_root) {
  Facts facts = server();
  (*facts.programs)[0].name.reset();
  facts.daemon = {.state = State::down};
  for (const Finding& one : worse_than_ok(facts)) EXPECT_EQ(one.check, "daemon") << told({one});
}

TEST(doctor, daemon_that_is_down_leaves_a_filter_and_that_is_said) {
  Facts facts = server();
  facts.daemon = {.state = State::down};
  const Findings found = worse_than_ok(facts);
  ASSERT_EQ(found.size(), 1U) << told(found);
  EXPECT_THAT(found[0].meaning, HasSubstr("still filters on eth0"));
}

TEST(doctor, port_of_a_bridge_and_device_of_a_vlan_protect_what_is_above) {
  for (const char* kind : {"bridge", "vlan"}) {
    Facts facts = server();
    facts.uplinks = {{.name = "up0", .kind = kind, .below = {"eth0"}}};
    EXPECT_TRUE(worse_than_ok(facts).empty()) << told(worse_than_ok(facts));
  }
}

TEST(doctor, strict_reverse_path_is_usual_with_one_uplink) {
  Facts facts = server();
  facts.machine.sysctls["net.ipv4.conf.all.rp_filter"] = "1";
  facts.uplinks[0].card.strict_path = "1";
  EXPECT_TRUE(worse_than_ok(facts).empty()) << told(worse_than_ok(facts));
}

// Single-queue cards, drivers without XDP and containers are no reason for an alarm.
TEST(doctor, raspberry_pi_container_and_docker_host_are_not_alarmed) {
  Facts raspberry = server();
  raspberry.uplinks[0].driver = "bcmgenet";
  raspberry.uplinks[0].card = {.queues = 1, .most_queues = 1};
  raspberry.daemon.interfaces[0] = {.name = "eth0", .attachment = "generic", .problem = "slow"};
  raspberry.machine.clock_source = "arch_sys_counter";
  raspberry.machine.cpus = 4;
  raspberry.machine.clock_synchronised = false;
  Facts container = server();
  container.uplinks[0] = {.name = "eth0",
                          .driver = "veth",
                          .kind = "veth",
                          .mtu_bytes = 1500,
                          .card = {.queues = 1, .most_queues = 8}};
  container.machine.sysctls = {{"net.ipv4.tcp_syncookies", "1"}, {"net.core.somaxconn", "4096"}};
  container.machine.service = {};
  container.machine.container = "docker";
  Facts docker = server();
  docker.docker_network = true;
  docker.forwards_ports = true;
  docker.daemon.syn_cookies = "off: ports of this host are forwarded (DNAT)";
  docker.nft_tables = {{"ip nat", "ip filter"}};
  for (const Facts& facts : {raspberry, container, docker})
    EXPECT_LE(worst(examine(facts)), Severity::note) << told(worse_than_ok(facts));
}

TEST(doctor, json_has_the_worst_severity_and_every_finding) {
  Facts facts = server();
  facts.machine.sysctls["net.ipv4.tcp_syncookies"] = "0";
  const auto out = as_json(examine(facts), {"the rules of nftables"});
  EXPECT_EQ(out["worst"], "problem");
  EXPECT_EQ(out["unseen"][0], "the rules of nftables");
  bool found = false;
  for (const auto& one : out["findings"])
    found = found ||
            (one["check"] == "syncookies" && one["severity"] == "problem" && one["command"] != "");
  EXPECT_TRUE(found);
}

TEST(doctor, text_from_outside_cannot_drive_the_terminal) {
  Facts facts = server();
  facts.daemon.problems = {"list \x1b[2Jgone"};
  EXPECT_EQ(told(examine(facts)).find('\x1b'), std::string::npos);
}

}  // namespace
