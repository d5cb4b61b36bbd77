/* SPDX-License-Identifier: MIT */
/* Units of time, token buckets and sliding-window counters.
 *
 * A token bucket is a GCRA (virtual scheduling, ITU-T I.371): its only state is
 * the theoretical arrival time (TAT), in ticks; the tokens used are the ticks by
 * which that is ahead of now. There is no division, refill or window edge. For a ban
 * a sliding-window count (this window and the matching share of the one before) is
 * compared with ban_above; events report that count.
 *
 * Races: nothing is locked. If two CPUs meter one source at once, one of the packets
 * is not counted. */
#ifndef FW_TABLES_RATE_H
#define FW_TABLES_RATE_H

#include "abi/types.h"

FW_INLINE fw_u32 fw_window(fw_u64 now_ns) {
  return (fw_u32)(now_ns >> FW_WINDOW_SHIFT);
}
FW_INLINE fw_u32 fw_tick(fw_u64 now_ns) {
  return (fw_u32)(now_ns >> FW_TICK_SHIFT);
}
FW_INLINE fw_u32 fw_ms(fw_u64 now_ns) { /* units of 1.05 ms; wraps around after 52 days */
  return (fw_u32)(now_ns >> 20);
}
/* Windows since `seen`, within `mask`. A `seen` that is one window ahead (another CPU's clock)
 * counts as now. */
FW_INLINE fw_u32 fw_idle(fw_u32 window, fw_u32 seen, fw_u32 mask) {
  fw_u32 idle = (window - seen) & mask;

  return idle == mask ? 0 : idle;
}

/* Takes `cost` ticks if at most `burst` ticks are used. Returns 1 if the packet conformed. */
FW_INLINE int fw_rate_admit(fw_u32* tat_ticks, fw_u32 tick, fw_u32 cost, fw_u32 burst) {
  fw_s32 used = (fw_s32)(*tat_ticks - tick);

  if (used < 0) used = 0;
  if ((fw_u32)used > burst) return 0;
  *tat_ticks = tick + (fw_u32)used + cost;
  return 1;
}

/* The same for buckets that may rest for longer than 68 s. If more is used than is possible, the
 * clock stepped back or the configuration changed, and the bucket is reset. highest_cost: where
 * packets cost differently. */
FW_INLINE int fw_rate_admit64_of(fw_u64* tat_ticks, fw_u64 now_ns, fw_u32 cost, fw_u32 highest_cost,
                                 fw_u32 burst) {
  fw_u64 tick = now_ns >> FW_TICK_SHIFT, used = *tat_ticks > tick ? *tat_ticks - tick : 0;

  if (used > (fw_u64)burst + highest_cost) used = 0;
  if (used > burst) return 0;
  *tat_ticks = tick + used + cost;
  return 1;
}
FW_INLINE int fw_rate_admit64(fw_u64* tat_ticks, fw_u64 now_ns, fw_u32 cost, fw_u32 burst) {
  return fw_rate_admit64_of(tat_ticks, now_ns, cost, cost, burst);
}

/* The cost of `units`, in ticks; at most 2^30 (17 s), so that 32-bit arrival times stay less than
 * 2^31 ahead. */
FW_INLINE fw_u32 fw_rate_cost(fw_u64 cost_q8, fw_u32 units) {
  fw_u64 cost = (units * cost_q8) >> 8;

  return cost > 1u << 30 ? 1u << 30 : (fw_u32)cost;
}

/* Refunds the cost of one unit. */
FW_INLINE void fw_rate_refund(fw_u32* tat_ticks, fw_u32 tick, fw_u64 cost_q8) {
  fw_u32 cost = (fw_u32)(cost_q8 >> 8);
  fw_s32 used = (fw_s32)(*tat_ticks - tick);

  if (used > 0) *tat_ticks -= (fw_u32)used > cost ? cost : (fw_u32)used;
}

/* Events in the last 2^30 ns: `count` in the window of now_ns, `before` in the one before. */
FW_INLINE fw_u32 fw_rate_sliding(fw_u32 count, fw_u32 before, fw_u64 now_ns) {
  fw_u32 elapsed = (fw_u32)(now_ns >> (FW_WINDOW_SHIFT - 10)) & 1023; /* of 1024 parts */
  fw_u64 sum = count + (((fw_u64)before * (1024 - elapsed)) >> 10);

  return sum > 0xffffffffULL ? 0xffffffffU : (fw_u32)sum;
}

/* Moves a pair of counts on by `windows_passed`. */
FW_INLINE void fw_rate_roll(fw_u32* count, fw_u32* before, fw_u32 windows_passed) {
  *before = windows_passed == 1 ? *count : 0;
  *count = 0;
}

#endif
