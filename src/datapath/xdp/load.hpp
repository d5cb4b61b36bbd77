// SPDX-License-Identifier: MIT
// Loads the programs in a child process, which takes a second or two of the verifier's time. So the
// caller need not wait, no signal interrupts the load, and each attempt begins anew: libbpf asks a
// process's kernel once for what it can do, and takes a call that failed for want of memory for an
// answer, for the life of the process.
//
// docs/decisions/reconciler.md
#pragma once

#include <sys/types.h>

#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "datapath/xdp/programs.hpp"

namespace fw::datapath::xdp {

class Load {
 public:
  // Begins to load an object's programs, and the maps that it does not use yet. The object must
  // stay as it is until the end.
  [[nodiscard]] static Result<Load> begin(floodwall_bpf& object, bool asks_conntrack);
  Load(Load&& other) noexcept
      : child_(std::exchange(other.child_, -1)), answer_(std::move(other.answer_)) {}
  Load& operator=(Load&& other) noexcept {
    std::swap(child_, other.child_);
    std::swap(answer_, other.answer_);
    return *this;
  }
  ~Load();  // an attempt that has not ended is given up

  // The programs; the object uses the maps from then on. None: it has not ended yet.
  [[nodiscard]] std::optional<Result<Programs>> poll(floodwall_bpf& object, int timeout_ms);

 private:
  Load(pid_t child, UniqueFd answer) : child_(child), answer_(std::move(answer)) {}
  [[nodiscard]] Result<Programs> receive(floodwall_bpf& object);

  pid_t child_ = -1;
  UniqueFd answer_;
};

}  // namespace fw::datapath::xdp
