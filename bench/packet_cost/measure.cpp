// SPDX-License-Identifier: MIT
#include "measure.hpp"

#include <linux/bpf.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

namespace fw::bench {

namespace {

constexpr double kEnough = 0.8;  // some of a case's first packets have another reason; judgement

struct Figures {
  std::vector<double> bare, floodwall, textbook, filter;
  double share = 1;
};

Result<void> round_of(Stage& stage, const Case& one, Figures& figures) {
  const std::vector<unsigned char> frame = make_frame(one.family, one.kind);
  if (one.prepare)
    if (auto done = one.prepare(); !done) return done;
  const auto run = [&](int program, unsigned packets) {
    return stage.harness.run(program, frame, one.sources, packets);
  };
  const auto time_into = [&](int program, unsigned packets,
                             std::vector<double>& into) -> Result<void> {
    auto ns = run(program, packets);
    if (!ns) return std::unexpected(ns.error());
    into.push_back(*ns);
    return {};
  };
  // Fills the tables with the sources before measuring.
  const auto settle = static_cast<unsigned>(
      std::min<std::uint64_t>(one.sources.count * 2, stage.plan.packets * 3 / 2));
  if (auto ns = run(stage.subject.program(), settle); !ns) return std::unexpected(ns.error());
  stage.subject.drain();
  const unsigned packets = stage.plan.packets;
  if (auto done = time_into(stage.harness.drop(), packets, figures.bare); !done) return done;
  const fw_counters before = stage.subject.counters();
  if (auto done = time_into(stage.subject.program(), packets, figures.floodwall); !done)
    return done;
  figures.share = std::min(figures.share, share_of(before, stage.subject.counters(), one.expected));
  if (figures.share < kEnough)
    return fail(fmt::format("{}: only {:.1f} % of the packets took this path", one.name,
                            figures.share * 100));
  const auto time_reference = [&](int program, std::vector<double>& into) -> Result<void> {
    auto done = time_into(program, packets / 2, into);
    if (done && one.expected == FW_REASON_DENY && stage.harness.verdict() != XDP_DROP)
      return fail(fmt::format("{}: a reference program passed a denied packet", one.name));
    return done;
  };
  if (one.against_textbook)
    if (auto done = time_reference(stage.references.textbook(), figures.textbook); !done)
      return done;
  if (const auto filter = stage.references.xdp_filter(); filter && one.against_filter)
    return time_reference(*filter, figures.filter);
  return {};
}

void print(const std::string& table, const Case& one, const Figures& figures) {
  fmt::print(R"({{"table":"{}","row":"{}","share":{:.4f},"ns":{{"bare":[{}],"floodwall":[{}])",
             table, one.name, figures.share, fmt::join(figures.bare, ","),
             fmt::join(figures.floodwall, ","));
  if (!figures.textbook.empty())
    fmt::print(R"(,"textbook":[{}])", fmt::join(figures.textbook, ","));
  if (!figures.filter.empty()) fmt::print(R"(,"xdp-filter":[{}])", fmt::join(figures.filter, ","));
  fmt::print("}}}}\n");
  (void)std::fflush(stdout);
}

}  // namespace

double share_of(const fw_counters& before, const fw_counters& after, fw_reason reason) {
  fw_u64 all = 0;
  for (std::size_t i = 0; i < FW_REASON_COUNT; i++) all += after.packets[i] - before.packets[i];
  if (all == 0) return 0;
  return static_cast<double>(after.packets[reason] - before.packets[reason]) /
         static_cast<double>(all);
}

Result<Stage> Stage::open(const Plan& plan) {
  auto harness = Harness::open();
  if (!harness) return std::unexpected(harness.error());
  auto subject = Subject::open();
  if (!subject) return std::unexpected(subject.error());
  auto references = References::open();
  if (!references) return std::unexpected(references.error());
  return Stage{std::move(*harness), std::move(*subject), std::move(*references), plan};
}

Result<void> measure(Stage& stage, const std::string& table, const std::vector<Case>& all) {
  std::vector<Case> cases;
  std::ranges::copy_if(all, std::back_inserter(cases), [&](const Case& one) {
    return (table + ": " + one.name).contains(stage.plan.only);
  });
  std::vector<Figures> figures(cases.size());
  for (unsigned round = 0; round < stage.plan.rounds; round++)
    for (std::size_t i = 0; i < cases.size(); i++)
      if (auto done = round_of(stage, cases[i], figures[i]); !done) return done;
  for (std::size_t i = 0; i < cases.size(); i++) print(table, cases[i], figures[i]);
  return {};
}

}  // namespace fw::bench
