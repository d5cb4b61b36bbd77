// SPDX-License-Identifier: MIT
// Part 1: what a packet costs on each path through the policy: without a list, with a deny list of
// a million entries, and with 100 services and 64 signatures in addition.
#include <fmt/format.h>

#include <cstdlib>

#include "measure.hpp"

namespace fw::bench {

namespace {

constexpr std::size_t kListed = 1'000'000;
constexpr Sources kFree{.base = 0x0b000000, .count = 1U << 16};
constexpr Sources kAllowed{.base = 0x20000000, .count = 1U << 8};
constexpr Sources kDenied{.base = 0x64400000, .count = 1U << 16};
constexpr Sources kBanned{.base = 0xc0000000, .count = 1U << 16};
constexpr Sources kOverLimit{.base = 0x71000000, .count = 1U << 12};
constexpr Sources kVerified{.base = 0x51000000, .count = 1U << 14};

constexpr Sources of(std::uint64_t count) {
  return {.base = kFree.base, .count = count};
}

// What is in force in addition.
struct Setting {
  unsigned services = 0, signatures = 0;
  bool listed = false;
};

// The cases in a setting. They refer to this object.
class Paths {
 public:
  Paths(Stage& stage, const Setting& setting) : stage_(stage), setting_(setting) {}

  std::vector<Case> of_family(int family) {
    const std::string ip = fmt::format("IPv{} ", family);
    std::vector<Case> cases;
    const auto add = [&](const char* name, const Sources& sources, fw_reason reason,
                         std::function<Result<void>()> prepare) -> Case& {
      return cases.emplace_back(Case{.name = ip + name,
                                     .family = family,
                                     .sources = sources,
                                     .expected = reason,
                                     .prepare = std::move(prepare)});
    };
    const auto set = [this](Limits limits, bool matches = false) {
      return [this, limits, matches] { return set_up(limits, matches); };
    };
    add("allowed, 256 sources", kAllowed, FW_REASON_ALLOW, set(Limits::defaults));
    if (setting_.listed)
      add("denied, 64 k sources", kDenied, FW_REASON_DENY, set(Limits::defaults)).against_filter =
          family == 4;
    add("banned, 64 k sources", kBanned, FW_REASON_BAN, set(Limits::defaults));
    add("signature, 64 k sources", kFree, FW_REASON_SIGNATURE, set(Limits::defaults, true));
    add("over its limit, 4 k sources", kOverLimit, FW_REASON_LIMIT, set(Limits::tight));
    add("over the budget, 1 M sources", of(1U << 20), FW_REASON_BUDGET, set(Limits::defaults));
    add("passed unverified, 256 sources", of(1U << 8), FW_REASON_PASS, set(Limits::roomy));
    add("passed unverified, 64 k sources", of(1U << 16), FW_REASON_PASS, set(Limits::roomy));
    add("passed unverified, 1 M sources", of(1U << 20), FW_REASON_PASS, set(Limits::roomy))
        .against_filter = family == 4;
    add("passed unverified, 16 M sources", of(1U << 24), FW_REASON_PASS, set(Limits::roomy));
    if (family == 4 && !setting_.listed)  // of all of IPv4 some are denied or special
      add("passed unverified, all of IPv4", of(1ULL << 32), FW_REASON_PASS, set(Limits::roomy));
    Case& verified =
        add("passed verified, 16 k sources", kVerified, FW_REASON_VERIFIED, [this, family] {
          stage_.subject.empty_tables();
          stage_.subject.establish(family, kVerified);
          return set_up(Limits::defaults, false);
        });
    verified.kind = Kind::ack;
    return cases;
  }

 private:
  Result<void> set_up(Limits limits, bool matches) {
    stage_.subject.set_signatures(std::max(setting_.signatures, matches ? 1U : 0U), matches);
    return stage_.subject.configure(limits, setting_.services);
  }

  Stage& stage_;
  Setting setting_;
};

Result<void> deny_everywhere(Stage& stage) {
  std::vector<Address> denied = random_addresses(4, kListed - kDenied.count);
  for (std::uint32_t i = 0; i < kDenied.count; i++) {
    denied.push_back(kDenied.at(4, i));
    denied.push_back(kDenied.at(6, i));
  }
  auto image = deny_image(denied);
  if (!image) return std::unexpected(image.error());
  if (auto done = stage.subject.use_lists(*image); !done) return done;
  return stage.references.deny(denied);
}

}  // namespace

Result<void> measure_paths(Stage& stage) {
  const auto run = [&stage](const char* table, const Setting& setting) -> Result<void> {
    Paths paths(stage, setting);
    std::vector<Case> cases = paths.of_family(4);
    for (Case& one : paths.of_family(6)) cases.push_back(std::move(one));
    return measure(stage, table, cases);
  };
  for (const int family : {4, 6}) {
    if (auto done = stage.subject.entry(FW_ENTRY_ALLOW, family, kAllowed); !done) return done;
    if (auto done = stage.subject.entry(FW_ENTRY_BAN, family, kBanned); !done) return done;
  }
  if (auto done = run("default", {}); !done) return done;
  if (auto done = deny_everywhere(stage); !done) return done;
  if (auto done = run("1 M denied", {.listed = true}); !done) return done;
  return run("1 M denied, 100 services, 64 signatures",
             {.services = 100, .signatures = 64, .listed = true});
}

}  // namespace fw::bench
