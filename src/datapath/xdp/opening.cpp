// SPDX-License-Identifier: MIT
// The attempts to open the datapath: which error is tried again, and for how long.
#include <poll.h>

#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "datapath/xdp/bpffs.hpp"
#include "datapath/xdp/links.hpp"
#include "datapath/xdp/load.hpp"
#include "datapath/xdp/parts.hpp"
#include "datapath/xdp/programs.hpp"
#include "datapath/xdp/transient.hpp"
#include "datapath/xdp/xdp_datapath.hpp"
#include "floodwall_bpf.skel.h"

namespace fw::datapath::xdp {

namespace {

// Judgement. A service manager waits longer for a start; a host without a filter should not.
constexpr std::uint64_t kForNs = 2 * kSecond, kStandingForNs = 10 * kSecond;
constexpr std::uint64_t kPauseNs = kSecond / 10;
// Refusals, each by another process, that are believed. A call that fails for want of memory can
// make libbpf report anything (load.hpp).
constexpr unsigned kBelieved = 2;
// With a former daemon's tables in use, so many attempts are enough at the start.
constexpr unsigned kAttemptsOverTables = 3;

}  // namespace

struct Opening::State {
  using Opened = Result<std::unique_ptr<Datapath>>;

  Options options;
  bool has_conntrack = has_conntrack_lookup();
  std::uint64_t began_ns = coarse_monotonic_ns(), due_ns = 0;
  unsigned attempts = 0, refusals = 0;
  Skeleton object;
  bool adopted = false;  // the object uses a former daemon's maps
  UniqueFd former;       // its entries, if it cannot
  std::optional<Load> load;

  // A kernel may have the look-up, and not for XDP.
  [[nodiscard]] bool asks_conntrack() const { return has_conntrack && refusals < kBelieved; }

  Result<void> begin() {
    attempts++;
    if (auto done = prepare_pins(options.pins); !done) return done;
    auto opened = open_object(options.sizes);
    if (!opened) return std::unexpected(opened.error());
    object = std::move(*opened);
    adopted = false;
    const Result<bool> used = adopt_maps(*object, options.pins);
    if (!used) return std::unexpected(used.error());
    adopted = *used;
    former = {};
    if (!adopted) {
      auto entries = former_entries(*object, options.pins);
      if (!entries) return std::unexpected(entries.error());
      former = std::move(*entries);
    }
    auto begun = Load::begin(*object, asks_conntrack());
    if (!begun) return std::unexpected(begun.error());
    load.emplace(std::move(*begun));
    return {};
  }

  std::optional<Opened> failed(Error error) {
    load.reset();
    const std::uint64_t now_ns = coarse_monotonic_ns();
    due_ns = now_ns + kPauseNs;
    if (!is_transient(error)) refusals++;
    const bool standing = is_any_standing();
    const bool is_over = error.kind == ErrorKind::not_permitted ||
                         refusals >= kBelieved * (has_conntrack ? 2 : 1) ||
                         now_ns - began_ns > (standing ? kStandingForNs : kForNs);
    if (standing && adopted && (is_over || attempts >= kAttemptsOverTables))
      if (Opened opened = assemble({.object = std::move(object),
                                    .programs = {},
                                    .adopted = true,
                                    .former_entries = {},
                                    .asks_conntrack = asks_conntrack(),
                                    .why_not_loaded = error.message},
                                   options);
          opened)
        return opened;
    if (!is_over) return std::nullopt;
    return std::unexpected(std::move(error));
  }
};

Opening::Opening(Options options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
Opening::~Opening() = default;
Opening::Opening(Opening&&) noexcept = default;

std::optional<Result<std::unique_ptr<Datapath>>> Opening::poll(int timeout_ms) {
  State& state = *state_;
  if (!state.load) {
    if (coarse_monotonic_ns() < state.due_ns) {
      (void)::poll(nullptr, 0, timeout_ms);
      return std::nullopt;
    }
    if (auto begun = state.begin(); !begun) return state.failed(std::move(begun.error()));
  }
  auto programs = state.load->poll(*state.object, timeout_ms);
  if (!programs) return std::nullopt;
  if (!*programs) return state.failed(std::move(programs->error()));
  auto opened = assemble({.object = std::move(state.object),
                          .programs = std::move(**programs),
                          .adopted = state.adopted,
                          .former_entries = std::move(state.former),
                          .asks_conntrack = state.asks_conntrack(),
                          .why_not_loaded = {}},
                         state.options);
  if (!opened) return state.failed(std::move(opened.error()));
  return opened;
}

Result<std::unique_ptr<Datapath>> open(const Options& options) {
  Opening opening(options);
  for (;;)
    if (auto opened = opening.poll(100)) return std::move(*opened);
}

bool is_standing() {
  return is_any_standing();
}

}  // namespace fw::datapath::xdp
