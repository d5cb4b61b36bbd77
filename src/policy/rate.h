/* SPDX-License-Identifier: MIT */
/* The arithmetic of meters. A limit is a virtual-scheduling GCRA (ITU-T I.371) whose currency
 * is time: no division, no refill, no window edge. A ban compares a sliding
 * count (this window and the matching share of the one before) with ban_above,
 * so it also says what was measured.
 *
 * Races: two CPUs may meter one source at once; the loser's packet goes
 * uncounted. Nothing is locked. */
#ifndef FW_POLICY_RATE_H
#define FW_POLICY_RATE_H

#include "abi.h"

FW_INLINE fw_u32 fw_window(fw_u64 now_ns) {
  return (fw_u32)(now_ns >> FW_WINDOW_SHIFT);
}
FW_INLINE fw_u32 fw_tick(fw_u64 now_ns) {
  return (fw_u32)(now_ns >> FW_TICK_SHIFT);
}
FW_INLINE fw_u32 fw_ms(fw_u64 now_ns) { /* of 1.05 ms; wraps after 52 days */
  return (fw_u32)(now_ns >> 20);
}
/* Windows since `seen`. A clock one window behind it (another CPU's) finds it seen just now. */
FW_INLINE fw_u32 fw_idle(fw_u32 window, fw_u32 seen, fw_u32 mask) {
  fw_u32 idle = (window - seen) & mask;

  return idle == mask ? 0 : idle;
}

/* Charges `cost` ticks to *tat_ticks if at most `burst` ticks are owed. 1: it conformed. */
FW_INLINE int fw_rate_admit(fw_u32* tat_ticks, fw_u32 tick, fw_u32 cost, fw_u32 burst) {
  fw_s32 owed = (fw_s32)(*tat_ticks - tick);

  if (owed < 0) owed = 0;
  if ((fw_u32)owed > burst) return 0;
  *tat_ticks = tick + (fw_u32)owed + cost;
  return 1;
}

/* The same for debts that rest for long. More than anybody can owe means that the clock stepped
 * back, or that it was owed under another configuration: it is forgiven. */
FW_INLINE int fw_rate_admit_shared(fw_u64* tat_ticks, fw_u64 now_ns, fw_u32 cost, fw_u32 burst) {
  fw_u64 tick = now_ns >> FW_TICK_SHIFT, owed = *tat_ticks > tick ? *tat_ticks - tick : 0;

  if (owed > (fw_u64)burst + cost) owed = 0;
  if (owed > burst) return 0;
  *tat_ticks = tick + owed + cost;
  return 1;
}

/* What `units` cost. Past 2^30 ticks (17 s) it is no more: debts have to stay below 2^31. */
FW_INLINE fw_u32 fw_rate_cost(fw_u64 cost_q8, fw_u32 units) {
  fw_u64 cost = (units * cost_q8) >> 8;

  return cost > 1u << 30 ? 1u << 30 : (fw_u32)cost;
}

/* The events of the last 2^30 ns: `count` in the window of now_ns, `before` in the one before. */
FW_INLINE fw_u32 fw_rate_sliding(fw_u32 count, fw_u32 before, fw_u64 now_ns) {
  fw_u32 elapsed = (fw_u32)(now_ns >> (FW_WINDOW_SHIFT - 10)) & 1023; /* of 1024 */
  fw_u64 sum = count + (((fw_u64)before * (1024 - elapsed)) >> 10);

  return sum > 0xffffffffULL ? 0xffffffffU : (fw_u32)sum;
}

/* Brings a pair of counts to `window`. */
FW_INLINE void fw_rate_roll(fw_u32* count, fw_u32* before, fw_u32 windows_passed) {
  *before = windows_passed == 1 ? *count : 0;
  *count = 0;
}

/* Takes back what one unit cost. */
FW_INLINE void fw_rate_refund(fw_u32* tat_ticks, fw_u32 tick, fw_u64 cost_q8) {
  fw_u32 cost = (fw_u32)(cost_q8 >> 8);
  fw_s32 owed = (fw_s32)(*tat_ticks - tick);

  if (owed > 0) *tat_ticks -= (fw_u32)owed > cost ? cost : (fw_u32)owed;
}

#endif
