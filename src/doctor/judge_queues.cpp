// SPDX-License-Identifier: MIT
// How a card spreads packets over processors, and how many it holds for each.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

constexpr unsigned kSmallRing = 512, kGoodRing = 2048;  // judgement: 256 are 0.2 ms at 1M/s

// virtio_net does not change its queues below a native program.
std::string set_queues(const Facts& facts, const Uplink& uplink, unsigned wanted) {
  const std::string command = fmt::format("sudo ethtool -L {} {} {}", uplink.name,
                                          uplink.card.combined ? "combined" : "rx", wanted);
  const auto* const status = status_of(facts, uplink.name);
  const bool native = status != nullptr && status->attachment == "native";
  return uplink.driver == "virtio_net" && native ? reattached(facts, command) : command;
}

}  // namespace

void judge_queues(const Facts& facts, Report& report) {
  const unsigned cpus = facts.machine.cpus;
  for (const Uplink& uplink : facts.uplinks) {
    const host::NetworkCard& card = uplink.card;
    // A veth's queues are memory of the other end, and nothing is gained by more.
    if (card.queues == 0 || cpus == 1 || uplink.kind == "veth") continue;
    const unsigned wanted = std::min(card.most_queues, cpus);
    const std::set<unsigned> used(card.spread.begin(), card.spread.end());
    if (card.queues == 1 && wanted > 1) {
      report.add(
          Severity::warning,
          {.subject = uplink.name,
           .saw = fmt::format("1 receive queue of {}, {} processors", card.most_queues, cpus),
           .meaning = "One processor receives and judges everything while the others wait.",
           .command = set_queues(facts, uplink, wanted)});
    } else if (card.queues > 1 && used.size() == 1) {
      report.add(Severity::warning,
                 {.subject = uplink.name,
                  .saw = fmt::format("{} receive queues, and RSS uses one", card.queues),
                  .meaning = "One processor receives and judges everything while the others wait.",
                  .command = fmt::format("sudo ethtool -X {} equal {}", uplink.name, card.queues)});
    } else if (card.queues < wanted) {
      report.add(Severity::note, {.subject = uplink.name,
                                  .saw = fmt::format("{} receive queues of {}, {} processors",
                                                     card.queues, card.most_queues, cpus),
                                  .meaning = "More processors could share a flood.",
                                  .command = set_queues(facts, uplink, wanted)});
    } else if (card.queues == 1) {
      report.add(
          Severity::note,
          {.subject = uplink.name,
           .saw = fmt::format("1 receive queue, {} processors, and the card has no more", cpus),
           .meaning = "One processor receives and judges everything; only another card, or "
                      "a setting of the virtual machine, changes that."});
    } else {
      report.ok(uplink.name, fmt::format("{} receive queues, {} processors", card.queues, cpus));
    }
  }
}

void judge_ring(const Facts& facts, Report& report) {
  for (const Uplink& uplink : facts.uplinks) {
    const host::NetworkCard& card = uplink.card;
    if (card.ring == 0) continue;
    const unsigned wanted = std::min(card.most_ring, kGoodRing);
    if (card.ring < kSmallRing && wanted >= 2 * card.ring)
      report.add(Severity::note,
                 {.subject = uplink.name,
                  .saw = fmt::format("a ring of {} packets, of {}", card.ring, card.most_ring),
                  .meaning = "A burst of a flood fills it before the kernel looks; some cards are "
                             "off for a second while it changes.",
                  .command = fmt::format("sudo ethtool -G {} rx {}", uplink.name, wanted)});
    else
      report.ok(uplink.name, fmt::format("a ring of {} packets", card.ring));
  }
}

}  // namespace fw::doctor
