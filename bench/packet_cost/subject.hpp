// SPDX-License-Identifier: MIT
// Floodwall as it is measured: its XDP program, loaded and not attached, with tables filled so that
// packets take a given path.
#pragma once

#include <memory>
#include <span>

#include "config/config.hpp"
#include "datapath/xdp/xdp_datapath.hpp"
#include "harness.hpp"
#include "lists/image.hpp"
#include "policy/policy.h"

namespace fw::bench {

// Which limits and budgets are in force.
enum class Limits {
  defaults,  // those of a new installation: a flood of unverified sources soon exceeds its budget
  roomy,     // the same, with budgets that nothing here exceeds: unverified sources pass
  tight,     // one packet in 8 s per source: all others are above the limit
};

class Subject {
 public:
  // Tables have the default sizes. The destructor removes the pins.
  [[nodiscard]] static Result<Subject> open();
  Subject(Subject&&) = default;
  Subject& operator=(Subject&&) = default;
  ~Subject();

  [[nodiscard]] int program() const { return program_; }
  [[nodiscard]] Result<void> configure(Limits limits, unsigned services);
  [[nodiscard]] Result<void> use_lists(std::span<const std::byte> image);
  [[nodiscard]] Result<void> entry(fw_u8 kind, int family, const Sources& sources);
  void erase_all();
  // Puts `count` signatures in force. No packet here matches any, except the last one if
  // `last_matches`.
  void set_signatures(unsigned count, bool last_matches);
  // Gives each source an established TCP connection to the server.
  void establish(int family, const Sources& sources);
  // Empties the tables of sources and flows.
  void empty_tables();
  // Empties the rings, as the daemon would.
  void drain();
  [[nodiscard]] fw_counters counters() const { return datapath_->counters(); }

 private:
  Subject() = default;
  [[nodiscard]] Result<void> find_program();
  [[nodiscard]] Result<void> reset_budgets();
  [[nodiscard]] fw_env env();

  std::unique_ptr<datapath::Datapath> datapath_;
  config::Compiled compiled_;
  int program_ = -1;
};

// `count` random addresses of a family, the same every time. IPv6 ones are in /64s of their own.
[[nodiscard]] std::vector<Address> random_addresses(int family, std::size_t count);
// The image of a deny list of these addresses; IPv6 ones as /64s.
[[nodiscard]] Result<std::vector<std::byte>> deny_image(std::span<const Address> addresses);

}  // namespace fw::bench
