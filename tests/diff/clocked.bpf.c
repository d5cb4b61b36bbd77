/* SPDX-License-Identifier: MIT */
/* The shipped programs, unchanged except that the test sets their clock and reads
 * their last decision. */
#include "diff/clocked.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct fw_clocked clocked;
#define bpf_ktime_get_coarse_ns() (clocked.now_ns)

#include "datapath/xdp/env_bpf.h"
#include "policy/judge.h"

FW_INLINE void decide_and_record(struct fw_env* env, int parsed, const struct fw_packet* packet,
                                 struct fw_decision* decision) {
  fw_decide(env, parsed, packet, decision);
  clocked.packet = *packet;
  clocked.decision = *decision;
}
/* A packet for which its sender or the kernel was asked is settled after that. */
FW_INLINE void settle_and_record(struct fw_env* env, const struct fw_packet* packet,
                                 struct fw_decision* decision, fw_u32 reason) {
  fw_settle_asked(env, packet, decision, reason);
  clocked.decision = *decision;
}

#define fw_decide decide_and_record
#define fw_settle_asked settle_and_record
#include "datapath/xdp/floodwall.bpf.c"
