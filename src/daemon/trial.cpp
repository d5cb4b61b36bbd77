// SPDX-License-Identifier: MIT
#include "daemon/trial.hpp"

#include "daemon/sockets.hpp"
#include "datapath/address_key.hpp"

namespace fw::daemon {
namespace {

// A trial is of some hundred packets, and of the exemptions and allowances of this host.
constexpr datapath::TableSizes kSizes{.sources = 4096, .flows = 4096, .bans = 65'536};
constexpr std::uint64_t kSeed = 0x666c6f6f6477616cULL;  // any number; "floodwal"

fw_frame ethernet(const Frame& frame) {
  const auto bytes = static_cast<fw_u32>(frame.size());
  return {
      .data = frame.data(), .captured_bytes = bytes, .wire_bytes = bytes, .link = FW_LINK_ETHERNET};
}

}  // namespace

Trial::Trial(const config::Config& config, std::uint64_t now_ns)
    : datapath_(kSizes, kSeed), engine_(datapath_, config, {}), now_ns_(now_ns) {
  datapath_.set_now(now_ns);
}

Result<std::unique_ptr<Trial>> Trial::begin(const Setup& setup, const Now& now) {
  std::unique_ptr<Trial> trial(new Trial(setup.config, now.mono_ns));
  engine::Engine& engine = trial->engine_;
  trial->answers_syns_ = setup.answers_syns && setup.config.detect.syn_cookies;
  (void)engine.restore_baseline(setup.baseline);  // without one the budgets are as configured
  if (Result<void> done = engine.adopt(now); !done) return std::unexpected(done.error());
  if (Result<void> done = engine.set_exemptions(setup.exemptions, now); !done)
    return std::unexpected(done.error());
  for (const auto& [prefix, allowance] : setup.allowances)
    (void)engine.allow_for(std::span(&prefix, 1), allowance.until_ns - now.mono_ns, "", now);
  if (Result<void> done = trial->datapath_.publish_lists(setup.image); !done)
    return std::unexpected(done.error());
  mark_listening(trial->datapath_.tables().served, setup.listeners, {});
  return trial;
}

std::optional<fw_decision> Trial::arrive(const Frame& frame) {
  fw_packet packet{};
  datapath_.set_now(now_ns_);
  const fw_decision decision = datapath_.decide(ethernet(frame), now_ns_, packet);
  limited_.reset();
  datapath_.drain_events([&](const fw_event& event) {
    if (event.kind == FW_EVENT_LIMIT || event.kind == FW_EVENT_BAN ||
        event.kind == FW_EVENT_RESTRICT)
      limited_ = static_cast<fw_metric>(event.metric);
  });
  if (decision.verdict == FW_PASS) return std::nullopt;
  // Who is asked comes through, and the kernel knows the connections of this host.
  if (decision.ask == FW_ASK_KERNEL) return std::nullopt;
  if (decision.ask == FW_ASK_SENDER && answers_syns_) return std::nullopt;
  return decision;
}

void Trial::leave(const Frame& frame) {
  datapath_.record_egress(ethernet(frame), now_ns_);
}

void Trial::establish(const host::Socket& socket) {
  fw_policy_flow_establish(&datapath_.env(), key_of(socket.remote), socket.remote_port,
                           key_of(socket.local), socket.local_port, socket.proto, now_ns_);
}

}  // namespace fw::daemon
