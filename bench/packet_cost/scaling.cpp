// SPDX-License-Identifier: MIT
// Part 4: what a passed packet costs as one thing grows: sources, bans, list entries, services,
// signatures. Each table's rows run in turns.
#include <fmt/format.h>

#include <map>

#include "measure.hpp"

namespace fw::bench {

namespace {

constexpr Sources kFree{.base = 0x0b000000, .count = 1U << 16};
constexpr std::uint32_t kBanned = 0xc0000000;

Case passed(std::string name, int family, const Sources& sources,
            std::function<Result<void>()> prepare) {
  return {.name = std::move(name),
          .family = family,
          .sources = sources,
          .prepare = std::move(prepare),
          .against_textbook = false};
}

std::string short_number(std::uint64_t n) {
  if (n >= 1'000'000) return fmt::format("{} M", n / 1'000'000);
  if (n >= 1'000) return fmt::format("{} k", n / 1'000);
  return fmt::format("{}", n);
}

Result<void> by_sources(Stage& stage, int family) {
  std::vector<Case> cases;
  for (const unsigned bits : {8, 12, 16, 20, 24, 32})
    cases.push_back(passed(bits == 32 ? "4 G" : short_number(1ULL << bits), family,
                           {.base = kFree.base, .count = 1ULL << bits},
                           [&] { return stage.subject.configure(Limits::roomy, 0); }));
  return measure(stage, fmt::format("sources, IPv{}", family), cases);
}

Result<void> by_bans(Stage& stage) {
  std::vector<Case> cases;
  for (const unsigned bans : {0U, 1U << 10, 1U << 14, 100'000U})
    cases.push_back(passed(short_number(bans), 4, kFree, [&stage, bans]() -> Result<void> {
      stage.subject.erase_all();
      if (auto done = stage.subject.entry(FW_ENTRY_BAN, 4, {.base = kBanned, .count = bans}); !done)
        return done;
      return stage.subject.configure(Limits::roomy, 0);
    }));
  auto done = measure(stage, "bans", cases);
  stage.subject.erase_all();
  return done;
}

Result<void> by_entries(Stage& stage, int family) {
  std::map<unsigned, std::vector<std::byte>> images;
  std::vector<Case> cases;
  for (const unsigned entries : {0U, 1'000U, 10'000U, 100'000U, 1'000'000U}) {
    auto image = deny_image(random_addresses(family, entries));
    if (!image) return std::unexpected(image.error());
    images[entries] = std::move(*image);
    cases.push_back(
        passed(short_number(entries), family, kFree, [&stage, &images, entries]() -> Result<void> {
          if (auto done = stage.subject.use_lists(images[entries]); !done) return done;
          return stage.subject.configure(Limits::roomy, 0);
        }));
  }
  auto done = measure(stage, fmt::format("list entries, IPv{}", family), cases);
  return done ? stage.subject.use_lists({}) : done;
}

Result<void> by_services(Stage& stage) {
  std::vector<Case> cases;
  for (const unsigned services : {0U, 1U, 10U, 100U, 254U})
    cases.push_back(passed(short_number(services), 4, kFree, [&stage, services] {
      return stage.subject.configure(Limits::roomy, services);
    }));
  return measure(stage, "services", cases);
}

Result<void> by_signatures(Stage& stage) {
  std::vector<Case> cases;
  for (const unsigned signatures : {0U, 1U, 4U, 16U, 64U})
    cases.push_back(passed(short_number(signatures), 4, kFree, [&stage, signatures] {
      stage.subject.set_signatures(signatures, false);
      return stage.subject.configure(Limits::roomy, 0);
    }));
  auto done = measure(stage, "signatures", cases);
  stage.subject.set_signatures(0, false);
  return done;
}

}  // namespace

Result<void> measure_scaling(Stage& stage) {
  for (const int family : {4, 6})
    if (auto done = by_sources(stage, family); !done) return done;
  if (auto done = by_bans(stage); !done) return done;
  for (const int family : {4, 6})
    if (auto done = by_entries(stage, family); !done) return done;
  if (auto done = by_services(stage); !done) return done;
  return by_signatures(stage);
}

}  // namespace fw::bench
