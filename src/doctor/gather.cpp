// SPDX-License-Identifier: MIT
#include "doctor/gather.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/config.hpp"
#include "host/network.hpp"
#include "host/nft_tables.hpp"
#include "host/port_forwarding.hpp"
#include "host/sockets.hpp"

namespace fw::doctor {

namespace {

using nlohmann::json;

constexpr const char* kState = "/var/lib/floodwall";
constexpr std::uint8_t kUdp = 17;

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

json member(const json& object, const char* key, json otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->type() == otherwise.type() ? *found : otherwise;
}

std::uint64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// Its folders, or those of the defaults.
std::vector<std::filesystem::path> read_config(ConfigFacts& facts,
                                               std::vector<std::string>& unseen) {
  config::Config used;
  std::error_code error;
  facts.there = std::filesystem::exists(facts.file, error);
  if (error && error != std::errc::no_such_file_or_directory)
    unseen.push_back("the configuration, " + facts.file.native() + ": " + error.message());
  if (facts.there) {
    if (auto loaded = config::load(facts.file))
      used = std::move(*loaded);
    else if (loaded.error().kind == ErrorKind::invalid_config)
      facts.problem = loaded.error().message;
    else
      unseen.push_back("the configuration: " + loaded.error().message);
  }
  facts.interfaces = used.interfaces;
  facts.mode = used.mode == config::Mode::observe ? "observe" : "enforce";
  facts.log_bytes = used.log.rotate_bytes * (used.log.keep + 1);
  return {kState, used.log.folder};
}

Uplink read_uplink(const host::Network& network, const std::string& name,
                   const std::map<unsigned, unsigned>& lower) {
  Uplink uplink{.name = name};
  const auto self = std::ranges::find(network.interfaces, name, &host::Interface::name);
  if (self == network.interfaces.end()) return uplink;
  uplink.driver = self->driver;
  uplink.kind = self->kind;
  uplink.mtu_bytes = self->mtu_bytes;
  if (const auto type = host::link_type(name))
    uplink.ethernet = type->header == host::LinkHeader::ethernet;
  for (const host::Interface& each : network.interfaces) {
    const auto below = lower.find(each.index);
    if (below != lower.end() && below->second == self->index && each.kind == "vlan" && each.up)
      uplink.has_vlans = true;
    const auto own = lower.find(self->index);
    if (each.master_index == self->index || (own != lower.end() && own->second == each.index))
      uplink.below.push_back(each.name);
  }
  uplink.card = host::read_network_card(name);
  return uplink;
}

void read_sockets(Facts& facts) {
  const auto listeners = host::listeners();
  if (!listeners) {
    facts.unseen.push_back("sockets: " + listeners.error().message);
    return;
  }
  for (const host::Socket& one : *listeners)
    if (one.proto == kUdp && one.drops != 0)
      facts.lossy.push_back(
          {.port = one.local_port, .drops = one.drops, .buffer_bytes = one.receive_bytes});
  if (const auto connections = host::connected_sockets())
    facts.proxy = host::proxy_in_front(*connections, *listeners);
}

void read_rules(Facts& facts) {
  if (auto tables = host::nft_tables())
    facts.nft_tables = std::move(*tables);
  else
    facts.unseen.emplace_back("the rules of nftables and iptables");
  if (const auto forwards = host::forwards_ports()) facts.forwards_ports = *forwards;
}

}  // namespace

DaemonFacts daemon_facts(const Result<json>& reply) {
  using State = DaemonFacts::State;
  DaemonFacts facts;
  if (!reply) {
    facts.why = reply.error().message;
    facts.state = reply.error().kind == ErrorKind::not_permitted       ? State::forbidden
                  : facts.why.starts_with("the daemon is not running") ? State::down
                                                                       : State::hangs;
    return facts;
  }
  facts.state = State::answers;
  facts.mode = text(*reply, "mode");
  facts.datapath = text(*reply, "datapath");
  facts.syn_cookies = text(*reply, "syn_cookies");
  const json bans = member(member(*reply, "tables", json::object()), "bans", json::object());
  facts.bans_used = number(bans, "used");
  facts.bans_capacity = number(bans, "capacity");
  std::vector<std::string> of_interfaces;
  for (const json& one : member(*reply, "interfaces", json::array())) {
    if (!one.is_object()) continue;
    const auto& added =
        facts.interfaces.emplace_back(DaemonFacts::Interface{.name = text(one, "name"),
                                                             .attachment = text(one, "attachment"),
                                                             .problem = text(one, "problem")});
    of_interfaces.push_back(added.name + ": " + added.problem);
  }
  for (const json& one : member(*reply, "problems", json::array()))
    if (one.is_string() &&
        std::ranges::find(of_interfaces, one.get<std::string>()) == of_interfaces.end())
      facts.problems.push_back(one.get<std::string>());
  return facts;
}

Facts gather(const Places& places, DaemonFacts daemon) {
  Facts facts;
  facts.root = ::geteuid() == 0;
  facts.daemon = std::move(daemon);
  facts.config.file = places.config;
  const auto folders = read_config(facts.config, facts.unseen);
  facts.machine = host::read_machine(places.root, folders);
  if (const auto network = host::read_network()) {
    const auto lower = host::lower_interfaces();
    for (const std::string& name : host::uplinks(*network))
      facts.uplinks.push_back(read_uplink(*network, name, lower));
    facts.docker_network = std::ranges::find(network->interfaces, "docker0",
                                             &host::Interface::name) != network->interfaces.end();
  } else {
    facts.unseen.push_back("the network: " + network.error().message);
  }
  if (auto programs = host::attached_bpf_programs()) facts.programs = std::move(*programs);
  read_rules(facts);
  read_sockets(facts);
  if (!facts.root) facts.unseen.emplace_back("whose BPF programs are attached");
  if (facts.daemon.state == DaemonFacts::State::forbidden)
    facts.unseen.push_back("what the daemon says: " + facts.daemon.why);
  return facts;
}

}  // namespace fw::doctor
