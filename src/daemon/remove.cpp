// SPDX-License-Identifier: MIT
#include "daemon/remove.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

#include "base/pid_file.hpp"
#include "daemon/lock.hpp"
#include "daemon/removal_order.hpp"
#include "datapath/nfqueue/rules.hpp"
#include "datapath/xdp/attached.hpp"
#include "datapath/xdp/xdp_datapath.hpp"

namespace fw::daemon {
namespace {

// A daemon that is well obeys within a tick (100 ms); judgement.
constexpr std::chrono::milliseconds kObedience{1500};
constexpr std::chrono::milliseconds kLookEvery{100};

// Everything is tried, whatever fails before: the first error is returned. Links first, since that
// takes milliseconds, and pins or rules may be what hangs.
Result<bool> take_out(const std::filesystem::path& pins) {
  const Result<bool> detached = datapath::xdp::detach_all();
  const Result<bool> unpinned = datapath::xdp::remove_pinned(pins);
  const Result<bool> rules = datapath::nfqueue::remove_rules();
  for (const auto* done : {&detached, &unpinned, &rules})
    if (!*done) return std::unexpected(done->error());
  return *detached || *unpinned || *rules;
}

// While a daemon may be about to attach, having looked before the order was given.
Result<bool> keep_out() {
  bool any = false;
  const auto end = std::chrono::steady_clock::now() + kObedience;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLookEvery);
    const Result<bool> again = datapath::xdp::detach_all();
    if (!again) return again;
    any = any || *again;
  }
  return any;
}

}  // namespace

Result<std::string> remove_everything(const Options& options) {
  const std::filesystem::path folder = options.socket.parent_path();
  const Result<Lock> lock = Lock::take(folder);
  const std::optional<std::string> daemon = lock ? std::nullopt : running_daemon(folder);
  const RemovalOrder order(folder);
  const Result<void> ordered = daemon ? order.give() : order.withdraw();

  const Result<bool> removed = take_out(options.pins);
  const Result<bool> again = daemon ? keep_out() : Result<bool>(false);
  if (!removed) return fail(removed.error().kind, "not removed: " + removed.error().message);
  if (!again) return fail(again.error().kind, "not removed: " + again.error().message);
  const std::string_view done = *removed || *again
                                    ? "removed: Floodwall is on no interface any more"
                                    : "there was nothing of Floodwall in the kernel";
  if (!daemon) return std::string(done);
  if (!ordered)
    return fail(
        fmt::format("{}; but floodwalld (process {}) runs and will attach again, since {}. "
                    "End it: kill -9 {}",
                    done, *daemon, ordered.error().message, *daemon));
  return fmt::format(
      "{}\nfloodwalld (process {}) still runs, or hangs, and stays off ({}): floodwall mode "
      "enforce switches on again, kill -9 {} ends it",
      done, *daemon, order.file().native(), *daemon);
}

}  // namespace fw::daemon
