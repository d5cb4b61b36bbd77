// SPDX-License-Identifier: MIT
// `floodwalld --remove`, for emergencies: it needs no configuration, no API, no pins and no daemon
// that answers.
#pragma once

#include <string>

#include "base/error.hpp"
#include "daemon/options.hpp"

namespace fw::daemon {

// Takes Floodwall off every interface of this network namespace and out of the kernel, and looks
// again. A daemon that runs is ordered to stay off (removal_order.hpp), whether it answers or not.
// The sentence says what was done; the error what is still attached, or which process will attach
// again. Takes two seconds if a daemon runs, else less.
[[nodiscard]] Result<std::string> remove_everything(const Options& options);

}  // namespace fw::daemon
