// SPDX-License-Identifier: MIT
// A random history of a few hosts, told to the policy and to its model at once: packets both ways,
// bans, allowances, lists, signatures, configurations and long silences.
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

  // What differs, or nothing.
  [[nodiscard]] std::string step();
  [[nodiscard]] std::string end();
  // Two budgets fell on one cell of the real table, as they may: the model knows no cells.
  [[nodiscard]] bool budgets_collide() const { return collided_; }
  [[nodiscard]] fw_counters counters() const { return datapath_.counters(); }
  [[nodiscard]] std::uint64_t bans_made() const { return bans_made_; }
  // Events of limits per prefix.
  [[nodiscard]] std::uint64_t by_prefix() const { return by_prefix_; }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool one_in(unsigned n) { return random_() % n == 0; }
  void tell_time();

  [[nodiscard]] Address remote(bool v6);
  [[nodiscard]] Said speak();
  [[nodiscard]] static Packet write(Said& said, bool leaving);
  [[nodiscard]] std::string crowd();
  [[nodiscard]] std::string concert();
  [[nodiscard]] bool is_banned(const Address& address) const;
  void leave(Said said);
  [[nodiscard]] std::string arrive(Said said);
  void look_for_collisions();

  // What the operator and the engine say.
  void entry();
  void lists();
  void sign();
  void listen();
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
  unsigned steps_ = 0, deaf_steps_ = 0;
  std::uint64_t now_ns_ = 0;
  std::uint64_t bans_made_ = 0, by_prefix_ = 0;
  std::size_t budgets_seen_ = 0;
  bool collided_ = false;
};

constexpr unsigned kServicePorts[] = {22, 80, 27015};
constexpr unsigned kRemotePorts[] = {40000, 40001, 53};
constexpr std::uint64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;

}  // namespace fw::test
