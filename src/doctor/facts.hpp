// SPDX-License-Identifier: MIT
// All that the checks judge. Whatever could not be seen is absent, and `unseen` says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/bpf_programs.hpp"
#include "host/link_type.hpp"
#include "host/machine.hpp"
#include "host/network_card.hpp"
#include "host/proxies.hpp"

namespace fw::doctor {

// An interface with a default route.
struct Uplink {
  std::string name{}, driver{}, kind{};
  unsigned mtu_bytes = 0;
  bool ethernet = true;              // false: frames begin with the IP header
  bool has_vlans = false;            // VLAN interfaces of this host are on it
  std::vector<std::string> below{};  // the ports of a bridge or bond, or what a VLAN is on
  host::NetworkCard card{};
};

struct DaemonFacts {
  enum class State { answers, down, hangs, forbidden };
  struct Interface {
    std::string name{}, attachment{}, problem{};
  };

  State state = State::down;
  std::string why{};  // the error's message, if it does not answer
  std::string mode{}, datapath{}, syn_cookies{};
  std::vector<std::string> problems{};  // but for those of interfaces
  std::vector<Interface> interfaces{};
  std::uint64_t bans_used = 0, bans_capacity = 0;
};
// From the reply to `status`.
[[nodiscard]] DaemonFacts daemon_facts(const Result<nlohmann::json>& reply);

struct ConfigFacts {
  std::filesystem::path file;
  bool there = false;
  std::string problem{};  // why it is not valid; empty: it is, or was not read
  std::vector<std::string> interfaces{"auto"};
  std::string mode{"enforce"};
  std::uint64_t log_bytes = 0;  // that the logs may take
};

// A UDP socket that anybody may send to.
struct LossySocket {
  std::uint16_t port = 0;
  std::uint64_t drops = 0, buffer_bytes = 0;
};

struct Facts {
  bool root = false;
  host::MachineFacts machine{};
  std::vector<Uplink> uplinks{};
  std::optional<std::vector<host::BpfProgram>> programs{};
  std::optional<std::vector<std::string>> nft_tables{};
  std::optional<bool> forwards_ports{};
  bool docker_network = false;  // the interface docker0
  std::vector<LossySocket> lossy{};
  host::ProxyInFront proxy{};
  DaemonFacts daemon{};
  ConfigFacts config{};
  std::vector<std::string> unseen{};  // a sentence each
};

}  // namespace fw::doctor
