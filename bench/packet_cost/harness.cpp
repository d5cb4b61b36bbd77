// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>

namespace fw::bench {

namespace {

struct State {  // struct harness_state
  std::uint64_t random;
  std::uint32_t base, mask, spread, pad;
};

}  // namespace

Result<Harness> Harness::open() {
  harness* const skeleton = harness::open_and_load();
  if (skeleton == nullptr) return fail_errno("loading the harness", errno);
  return Harness(skeleton);
}

int Harness::drop() const {
  return bpf_program__fd(skeleton_->progs.drop);
}

Result<double> Harness::run(int program, std::span<const unsigned char> frame,
                            const Sources& sources, unsigned packets) {
  const std::uint32_t zero = 0;
  const int state_map = bpf_map__fd(skeleton_->maps.state);
  State state{random_, sources.base, sources.mask(), kSpread, 0};
  if (bpf_map_update_elem(state_map, &zero, &state, 0) != 0 ||
      bpf_map_update_elem(bpf_map__fd(skeleton_->maps.under_test), &zero, &program, 0) != 0)
    return fail_errno("setting up the harness", errno);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
              .data_size_in = static_cast<std::uint32_t>(frame.size()),
              .repeat = static_cast<int>(packets));
  if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.harness), &options) != 0)
    return fail_errno("BPF_PROG_RUN", errno);
  verdict_ = options.retval;
  if (bpf_map_lookup_elem(state_map, &zero, &state) == 0) random_ = state.random;
  return options.duration;
}

}  // namespace fw::bench
