// SPDX-License-Identifier: MIT
#include "replay/default_profile.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "datapath/address_key.hpp"
#include "replay/policy_frame.hpp"

namespace fw::replay {
namespace {

constexpr std::uint64_t kHashSeed = 0x666c6f6f6477616cULL;  // any number; "floodwal"
constexpr std::uint64_t kTickNs = 100 * kMillisecond;
// Events wait in memory until the next tick, which may never come if all time stamps are equal.
constexpr unsigned kDrainPackets = 65'536;

config::Config enforced(config::Config config) {
  config.mode = config::Mode::enforce;
  return config;
}

}  // namespace

DefaultProfile::DefaultProfile(config::Config config, const std::filesystem::path& folder,
                               std::span<const Address> protect)
    : protect_(protect.begin(), protect.end()),
      datapath_({.sources = config.tables.sources,
                 .flows = config.tables.flows,
                 .bans = config.tables.bans},
                kHashSeed),
      engine_(datapath_, enforced(std::move(config)), folder) {}

Result<std::unique_ptr<DefaultProfile>> DefaultProfile::open(config::Config config,
                                                             const std::filesystem::path& folder,
                                                             std::span<const Address> protect,
                                                             const CaptureClock& clock,
                                                             Timeline& timeline) {
  std::unique_ptr<DefaultProfile> made(new DefaultProfile(std::move(config), folder, protect));
  if (Result<void> started = made->start(clock, timeline); !started)
    return std::unexpected(started.error());
  return made;
}

Result<void> DefaultProfile::start(const CaptureClock& clock, Timeline& timeline) {
  const Now now = clock.now();
  ticked_ns_ = now.mono_ns;
  datapath_.set_now(now.mono_ns);
  datapath_.judge_capture();
  if (Result<void> done = engine_.adopt(now); !done) return done;
  if (Result<void> done = engine_.load_lists(now); !done) return done;
  std::vector<engine::Exemption> exemptions;
  if (engine_.settings().config.exempt.own_addresses)
    for (const Address& address : protect_)
      exemptions.push_back({.address = address, .why = "own address", .own = true});
  if (Result<void> done = engine_.set_exemptions(exemptions, now); !done) return done;
  engine_.journal().set_sink([&timeline](const engine::Event& event) { timeline.add(event); });
  return {};
}

bool DefaultProfile::is_protected(const Address& address) const {
  return std::ranges::binary_search(protect_, address);
}

Outcome DefaultProfile::judge(const capture::Record& record, const CaptureClock& clock) {
  const std::uint64_t now_ns = clock.mono_ns();
  if (now_ns - ticked_ns_ >= kTickNs) tick_until(clock);
  const auto captured = capture::frame_of(record.link_type, record.data, record.wire_bytes);
  Outcome outcome;
  outcome.len_bytes = record.wire_bytes;
  if (!captured) return outcome;

  const fw_frame frame = policy_frame(*captured);
  fw_packet packet{};
  fw_policy_parse(&frame, &packet);  // addresses that it could read are set even if it fails
  const Address source = from_key(packet.src);
  if (!is_protected(from_key(packet.dst))) {
    if (!is_protected(source)) return outcome;
    datapath_.record_egress(frame, now_ns);
    outcome.reason = FW_REASON_OUTGOING;
    return outcome;
  }
  if (is_protected(source) && packet.src.lo != packet.dst.lo) {  // one protected host to another
    datapath_.record_egress(frame, now_ns);
    outcome.reason = FW_REASON_EXEMPT;
    return outcome;
  }
  const fw_decision decision = datapath_.decide(frame, now_ns, packet);
  if (++undrained_ >= kDrainPackets) {
    undrained_ = 0;
    engine_.drain_events(clock.now());
  }
  outcome.drop = decision.verdict == FW_DROP;
  outcome.reason = decision.reason;
  outcome.traffic_class = decision.traffic_class;
  outcome.source = source;
  return outcome;
}

// A tick every 100 ms while there are packets. In a gap nothing happens except that bans end.
void DefaultProfile::tick_until(const CaptureClock& clock) {
  const Now now = clock.now();
  if (now.mono_ns - ticked_ns_ >= kSecond) {
    tick(clock.at(ticked_ns_ + kTickNs));  // for the last packets before the gap
    std::set<std::uint64_t> ends;          // times of the ticks that end bans
    for (const auto& [prefix, ban] : engine_.bans().all())
      if (const std::uint64_t until = engine_.bans().until_ns(prefix, ban); until < now.mono_ns)
        ends.insert((until / kTickNs + 1) * kTickNs);
    for (const std::uint64_t end : ends)
      if (end > ticked_ns_ && end < now.mono_ns) tick(clock.at(end));
  }
  tick(now);
}

void DefaultProfile::tick(const Now& now) {
  ticked_ns_ = now.mono_ns;
  undrained_ = 0;
  datapath_.set_now(now.mono_ns);
  engine_.tick(now);
}

void DefaultProfile::finish(const CaptureClock& clock) {
  tick(clock.now());
}

engine::Baseline DefaultProfile::learned() const {
  engine::Baseline learned = engine_.baseline();
  learned.learn_waiting();
  return learned;
}

std::vector<std::string> DefaultProfile::problems() const {
  return engine_.lists().problems;
}

}  // namespace fw::replay
