/* SPDX-License-Identifier: MIT */
/* The meters. A limit is a virtual-scheduling GCRA (ITU-T I.371) whose currency
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

/* Charges `cost` ticks to *debt_until if at most `burst` ticks are owed. 1: it conformed. */
FW_INLINE int fw_rate_admit(fw_u32* debt_until, fw_u32 tick, fw_u32 cost, fw_u32 burst) {
  fw_s32 owed = (fw_s32)(*debt_until - tick);

  if (owed < 0) owed = 0;
  if ((fw_u32)owed > burst) return 0;
  *debt_until = tick + (fw_u32)owed + cost;
  return 1;
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

/* Debts are 32-bit ticks (68 s): forget them before they could look like the future. */
enum { FW_DEBT_MEMORY_WINDOWS = 16 };

FW_INLINE void fw_meter_roll(struct fw_meter* meter, fw_u32 window, fw_u32 tick) {
  fw_u32 passed = window - meter->window;

  if (!passed) return;
  meter->window = window;
  for (int i = 0; i < FW_MEASURE_COUNT; i++) {
    fw_rate_roll(&meter->count[i], &meter->before[i], passed);
    if (passed >= FW_DEBT_MEMORY_WINDOWS) meter->debt_until[i] = tick;
  }
}

#endif
