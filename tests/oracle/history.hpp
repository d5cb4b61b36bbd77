// SPDX-License-Identifier: MIT
// A random history of a few hosts, given to the policy and to its model step by step: packets both
// ways, bans, allowances, lists, signatures, configurations and long silences. A seed gives the
// same history every time.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "datapath/user/user_datapath.hpp"
#include "harness/packet.hpp"
#include "oracle/model.hpp"

namespace fw::test {

class History {
 public:
  explicit History(unsigned seed);

  // What differs between policy and model; empty: nothing.
  [[nodiscard]] std::string step();
  [[nodiscard]] std::string end();
  // Two budgets share a slot of the real table, as they may. The model has no slots, so the history
  // cannot be compared any further.
  [[nodiscard]] bool budgets_collide() const { return collided_; }
  [[nodiscard]] fw_counters counters() const { return datapath_.counters(); }
  [[nodiscard]] std::uint64_t bans_made() const { return bans_made_; }
  // How many events were of limits per prefix.
  [[nodiscard]] std::uint64_t prefix_events() const { return prefix_events_; }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return random_() % n == 0; }
  void advance_clock();

  [[nodiscard]] Address remote(bool v6);
  [[nodiscard]] Datagram random_datagram();
  [[nodiscard]] static Bytes quote_of(const Datagram& datagram);
  [[nodiscard]] static Packet build(Datagram& datagram, bool leaving);
  [[nodiscard]] std::string many_clients();
  [[nodiscard]] std::string coordinated_senders();
  [[nodiscard]] bool is_banned(const Address& address) const;
  void leave(Datagram datagram);
  [[nodiscard]] std::string arrive(Datagram datagram);
  void look_for_collisions();

  // Changes that an operator or the engine makes (settings.cpp).
  void change_entry();
  void change_lists();
  void change_signature();
  void change_listener();
  void configure();
  void publish();
  [[nodiscard]] Limit random_limit(bool bytes);
  [[nodiscard]] Rule random_rule(unsigned number, bool strict);
  [[nodiscard]] fw_s32 entry_of(const Prefix& prefix);
  [[nodiscard]] std::string entries_differ();

  std::mt19937_64 random_;
  datapath::UserDatapath datapath_;
  Model model_;
  std::vector<fw_port_line> ports_;
  unsigned steps_ = 0, egress_unseen_steps_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t bans_made_ = 0, prefix_events_ = 0;
  std::size_t budgets_seen_ = 0;
  bool collided_ = false;
};

constexpr unsigned kServicePorts[] = {22, 80, 27015};
constexpr unsigned kRemotePorts[] = {40000, 40001, 53};
constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;

}  // namespace fw::test
