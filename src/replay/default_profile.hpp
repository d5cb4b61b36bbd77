// SPDX-License-Identifier: MIT
// Profile `default`: what Floodwall itself would have done. It runs the policy on tables of this
// process and the engine of the daemon, both on the capture's clock. Packets to a protected address
// are ingress, packets from one are egress; a packet that is both is ingress.
//
// The hash seed of the tables is fixed, so that the same capture gives the same verdicts. The mode
// is always enforce, also with a configuration in mode observe. A SYN that the XDP program would
// have answered with a SYN cookie has the reason `challenge`.
//
// Thread rule: one thread at a time.
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
  // `folder`: that of the configuration file, for its lists. `protect`: sorted. `timeline` is
  // borrowed. Fails if the lists are too large for an image.
  [[nodiscard]] static Result<std::unique_ptr<DefaultProfile>> open(
      config::Config config, const std::filesystem::path& folder, std::span<const Address> protect,
      const CaptureClock& clock, Timeline& timeline);

  [[nodiscard]] Outcome judge(const capture::Record& record, const CaptureClock& clock) override;
  void finish(const CaptureClock& clock) override;
  [[nodiscard]] std::vector<std::string> problems() const override;
  // The baseline, after all packets were judged.
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
  unsigned undrained_ = 0;  // packets since the engine last read the events
};

}  // namespace fw::replay
