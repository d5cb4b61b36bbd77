// SPDX-License-Identifier: MIT
// `floodwall selftest`: proves on this machine's kernel, in namespaces of its own, that Floodwall
// blocks and lets in as it should. Touches nothing of the machine and leaves nothing behind.
#pragma once

#include <functional>

#include "base/error.hpp"
#include "base/units.hpp"

namespace fw::selftest {

struct Options {
  Milliseconds ban_time{2'000};  // how long the flooder is banned: 1 s to 1 min
  bool keep_log = false;         // leave the daemon's log in the current folder
  bool json = false;
};

// Shows an error and returns its exit status.
using Complain = std::function<int(const Error&)>;

// Writes to standard output. Returns the exit status: 1 if a step does not hold. `complain` is for
// errors in the child process that the experiment runs in; nothing else of them can leave it.
[[nodiscard]] Result<int> run(const Options& options, const Complain& complain);

}  // namespace fw::selftest
