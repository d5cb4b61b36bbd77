// SPDX-License-Identifier: MIT
// What Floodwall itself would have done: the policy on tables of this process, with the engine that
// the daemon runs, both on the capture's clock. Packets to a protected address are ingress, packets
// from one egress; what is both is ingress, for it arrived.
//
// The tables' hash seed is fixed, so that the same capture gives the same verdicts. The mode is
// always enforce: what a configuration in mode observe would have dropped is the question. SYNs
// that the XDP program would have answered by a SYN cookie have the reason `challenge`.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "datapath/user/user_datapath.hpp"
#include "engine/engine.hpp"
#include "replay/profile.hpp"

namespace fw::replay {

class DefaultProfile final : public Profile {
 public:
  // `folder`: of the configuration, for its lists. `protect`: sorted. `timeline` is borrowed.
  // Fails if the lists are too large for an image.
  [[nodiscard]] static Result<std::unique_ptr<DefaultProfile>> open(
      config::Config config, const std::filesystem::path& folder, std::span<const Address> protect,
      const CaptureClock& clock, Timeline& timeline);

  [[nodiscard]] Outcome judge(const capture::Record& record, const CaptureClock& clock) override;
  void finish(const CaptureClock& clock) override;
  [[nodiscard]] std::vector<std::string> problems() const override;
  // What was usual, when all packets were judged.
  [[nodiscard]] engine::Baseline learned() const;

 private:
  DefaultProfile(config::Config config, const std::filesystem::path& folder,
                 std::span<const Address> protect);
  [[nodiscard]] Result<void> start(const CaptureClock& clock, Timeline& timeline);
  [[nodiscard]] bool is_protected(const Address& address) const;
  void tick_until(const CaptureClock& clock);
  void tick(const Now& now);

  std::vector<Address> protect_;
  datapath::UserDatapath datapath_;
  engine::Engine engine_;
  std::uint64_t ticked_ns_ = 0;
  unsigned undrained_ = 0;  // packets since the engine listened
};

}  // namespace fw::replay
