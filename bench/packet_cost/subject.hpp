// SPDX-License-Identifier: MIT
// Floodwall as it is measured: its XDP program, loaded but attached to nothing, and tables that are
// filled so that packets take the path that is wanted.
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
  defaults,  // those of a new installation: a flood of unverified sources is soon over its budget
  roomy,     // the same, with budgets that nothing here exceeds: unverified sources pass
  tight,     // one packet in 8 s of each source: all others are above the limit
};

class Subject {
 public:
  // Tables of the default size. Its pins are removed at the end.
  [[nodiscard]] static Result<Subject> open();
  Subject(Subject&&) = default;
  Subject& operator=(Subject&&) = default;
  ~Subject();

  [[nodiscard]] int program() const { return program_; }
  [[nodiscard]] Result<void> configure(Limits limits, unsigned services);
  [[nodiscard]] Result<void> use_lists(std::span<const std::byte> image);
  [[nodiscard]] Result<void> entry(fw_u8 kind, int family, const Sources& sources);
  void erase_all();
  // `count` signatures that no packet here matches, but for the last one if `last_matches`.
  void sign(unsigned count, bool last_matches);
  // The sources have a TCP connection to the server.
  void prove(int family, const Sources& sources);
  // No source and no conversation was ever seen.
  void forget();
  // Takes what waits in the rings, as the daemon would.
  void drain();
  [[nodiscard]] fw_counters counters() const { return datapath_->counters(); }

 private:
  Subject() = default;
  [[nodiscard]] Result<void> find_program();
  [[nodiscard]] Result<void> forget_budgets();
  [[nodiscard]] fw_env env();

  std::unique_ptr<datapath::Datapath> datapath_;
  config::Compiled compiled_;
  int program_ = -1;
};

// `count` random addresses of a family, the same every time. IPv6 ones are in /64s of their own.
[[nodiscard]] std::vector<Address> random_addresses(int family, std::size_t count);
// They, whole IPv6 /64s, as a deny list's image.
[[nodiscard]] Result<std::vector<std::byte>> deny_image(std::span<const Address> addresses);

}  // namespace fw::bench
