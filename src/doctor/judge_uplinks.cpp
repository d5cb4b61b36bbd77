// SPDX-License-Identifier: MIT
// Whether uplinks are protected, and how fast.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "doctor/judges.hpp"

namespace fw::doctor {

namespace {

using Hook = host::BpfProgram::Hook;

// What native XDP takes of a driver that gives a packet one page: 4,096 bytes less headroom (256),
// skb_shared_info (320), Ethernet header and a VLAN tag (22).
constexpr unsigned kOnePageMtu = 3498;

enum class How { not_known, no, queue, generic, native };

How how_attached(const Facts& facts, const std::string& interface) {
  if (const auto* status = status_of(facts, interface)) {
    if (status->attachment == "native") return How::native;
    if (status->attachment == "generic") return How::generic;
    if (status->attachment == "queue") return How::queue;
    return How::no;
  }
  if (facts.daemon.state == DaemonFacts::State::answers) return How::no;
  if (!facts.programs) return How::not_known;
  const host::BpfProgram* const program = xdp_on(facts, interface);
  // The rules of nfqueue let everything pass without the daemon.
  if (program == nullptr)
    return facts.daemon.state == DaemonFacts::State::down ? How::no : How::not_known;
  if (!program->name) return How::not_known;
  if (!program->is_ours()) return How::no;
  return program->hook == Hook::xdp_generic ? How::generic : How::native;
}

// Frames are judged on a port of the bridge or bond, or below the VLAN.
std::string judged_below(const Facts& facts, const Uplink& uplink) {
  for (const std::string& name : uplink.below)
    if (how_attached(facts, name) > How::no) return name;
  return {};
}

bool is_named(const Facts& facts, const std::string& interface) {
  const auto& named = facts.config.interfaces;
  return named == std::vector<std::string>{"auto"} ||
         std::ranges::find(named, interface) != named.end();
}

// The list with one more, as TOML.
std::string with(std::vector<std::string> interfaces, const std::string& more) {
  interfaces.push_back(more);
  return fmt::format("interface = [\"{}\"]", fmt::join(interfaces, "\", \""));
}

void judge_unprotected(const Facts& facts, const Uplink& uplink, Report& report) {
  const auto* const status = status_of(facts, uplink.name);
  const std::string why =
      status != nullptr && !status->problem.empty() ? fmt::format(": {}", status->problem) : "";
  if (is_named(facts, uplink.name))
    return report.add(
        Severity::problem,
        {.subject = uplink.name,
         .saw = "not protected" + why,
         .meaning = "This host is reached by this interface, and what arrives here is not judged.",
         .command = facts.daemon.state == DaemonFacts::State::answers && why.empty()
                        ? "sudo floodwall apply"
                        : ""});
  report.add(
      uplink.ethernet ? Severity::problem : Severity::note,
      {.subject = uplink.name,
       .saw = "not protected: `interface` names others",
       .meaning = uplink.ethernet
                      ? "A default route leads here, and what arrives here is not judged."
                      : "What comes out of this tunnel is judged only as it arrives in it.",
       .command = write_config(facts, "interface", with(facts.config.interfaces, uplink.name)) +
                  " && sudo floodwall apply"});
}

void judge_generic(const Facts& facts, const Uplink& uplink, Report& report) {
  const auto is_on = [&uplink](const char* feature) {
    const auto found = uplink.card.features.find(feature);
    return found != uplink.card.features.end() && found->second;
  };
  const auto may_change = [&uplink](const char* feature) {
    const auto found = uplink.card.changeable.find(feature);
    return found != uplink.card.changeable.end() && found->second;
  };
  const std::string slow = "generic XDP, about 4 times slower";
  const std::string meaning =
      "The kernel allocates each packet before it is judged, so a smaller flood fills a processor.";
  if (!uplink.ethernet)
    return report.add(Severity::note,
                      {.subject = uplink.name,
                       .saw = slow + ": its frames have no Ethernet header",
                       .meaning = "No driver has more for such a link, and SYNs above their budget "
                                  "are dropped there, not answered."});
  for (const auto& [feature, name] :
       {std::pair("rx-lro", "lro"), std::pair("rx-gro-hw", "rx-gro-hw")})
    if (is_on(feature) && may_change(feature))
      return report.add(Severity::warning,
                        {.subject = uplink.name,
                         .saw = fmt::format("{}: the card merges packets ({})", slow, feature),
                         .meaning = meaning,
                         .command = reattached(
                             facts, fmt::format("sudo ethtool -K {} {} off", uplink.name, name))});
  if (uplink.mtu_bytes > kOnePageMtu)
    return report.add(
        Severity::warning,
        {.subject = uplink.name,
         .saw = fmt::format("{}: an MTU of {} is more than native XDP takes in most drivers", slow,
                            uplink.mtu_bytes),
         .meaning = meaning,
         .command = reattached(
             facts, fmt::format("sudo ip link set dev {} mtu {}", uplink.name, kOnePageMtu))});
  if (uplink.driver == "virtio_net" && is_on("rx-gro-hw"))
    return report.add(
        Severity::note,
        {.subject = uplink.name,
         .saw = slow + ": the hypervisor merges packets, and gives no way to switch that off",
         .meaning = meaning});
  report.add(Severity::note,
             {.subject = uplink.name,
              .saw = fmt::format("{}: {} takes no native XDP", slow,
                                 uplink.driver.empty() ? "its driver" : uplink.driver),
              .meaning = meaning});
}

}  // namespace

void judge_uplinks(const Facts& facts, Report& report) {
  if (facts.daemon.mode == "off") return;
  for (const Uplink& uplink : facts.uplinks) {
    const How how = how_attached(facts, uplink.name);
    if (how == How::not_known) continue;
    const std::string below = how == How::no ? judged_below(facts, uplink) : std::string{};
    if (!below.empty())
      report.ok(uplink.name, fmt::format("protected on {}", below));
    else if (how == How::no)
      judge_unprotected(facts, uplink, report);
    else
      report.ok(uplink.name, "protected");
  }
}

void judge_xdp(const Facts& facts, Report& report) {
  for (const Uplink& uplink : facts.uplinks) {
    const How how = how_attached(facts, uplink.name);
    if (how == How::native)
      report.ok(uplink.name, fmt::format("native XDP ({})",
                                         uplink.driver.empty() ? uplink.kind : uplink.driver));
    if (how == How::generic) judge_generic(facts, uplink, report);
    if (how == How::queue)
      report.add(Severity::note,
                 {.subject = uplink.name,
                  .saw = "packets are judged in user space (nfqueue)",
                  .meaning = "That bears a few hundred thousand packets a second at most, and "
                             "nothing is judged while the daemon is down."});
  }
}

void judge_vlan(const Facts& facts, Report& report) {
  for (const Uplink& uplink : facts.uplinks) {
    const auto strips = uplink.card.features.find("rx-vlan-hw-parse");
    if (!uplink.has_vlans || strips == uplink.card.features.end()) continue;
    const How how = how_attached(facts, uplink.name);
    if (how != How::native && how != How::generic) continue;
    if (!strips->second) {
      report.ok(uplink.name, "VLAN tags are kept for XDP");
      continue;
    }
    if (facts.daemon.syn_cookies != "on") continue;
    report.add(Severity::warning,
               {.subject = uplink.name,
                .saw = "the card strips VLAN tags before XDP sees them, and this host has VLANs",
                .meaning = "A SYN cookie sent in answer to a VLAN's client leaves without its tag "
                           "and does not arrive.",
                .command = fmt::format("sudo ethtool -K {} rxvlan off", uplink.name)});
  }
}

}  // namespace fw::doctor
