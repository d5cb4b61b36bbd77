// SPDX-License-Identifier: MIT
// Runs an XDP program on a frame many times (BPF_PROG_RUN, nothing is attached), each time with
// another source. A harness is used by one thread.
#pragma once

#include <memory>
#include <span>

#include "harness.skel.h"
#include "traffic.hpp"

namespace fw::bench {

class Harness {
 public:
  [[nodiscard]] static Result<Harness> open();

  // Returns ns per packet. The program's return value for the last one is in verdict().
  [[nodiscard]] Result<double> run(int program, std::span<const unsigned char> frame,
                                   const Sources& sources, unsigned packets);
  [[nodiscard]] unsigned verdict() const { return verdict_; }
  // A program that only returns XDP_DROP.
  [[nodiscard]] int drop() const;

 private:
  struct Close {
    void operator()(harness* skeleton) const { harness::destroy(skeleton); }
  };
  explicit Harness(harness* skeleton) : skeleton_(skeleton) {}

  std::unique_ptr<harness, Close> skeleton_;
  std::uint64_t random_ =
      88172645463325252ULL;  // of the sources (xorshift, Marsaglia 2003); the same in every process
  unsigned verdict_ = 0;
};

}  // namespace fw::bench
