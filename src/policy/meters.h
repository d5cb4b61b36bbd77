/* SPDX-License-Identifier: MIT */
/* A source's meters. Its first packet is only noted in its cell (fw_source.over);
 * they begin with the second one. A flood's sources are seen once, most of them,
 * and a meter is a cache line more to wait for. */
#ifndef FW_POLICY_METERS_H
#define FW_POLICY_METERS_H

#include "rate.h"

/* Debts are 32-bit ticks (68 s): forget them before they could look like the future, also those of
 * a metric that rests while others go on. */
enum { FW_TAT_MEMORY_WINDOWS = 16, FW_JITTER_MS = 64 };

/* A packet's size in the unit of FW_METRIC_BYTES. */
FW_INLINE fw_u32 fw_byte_units(const struct fw_packet* p) {
  return (p->len_bytes + FW_BYTES_UNIT - 1) / FW_BYTES_UNIT;
}

/* Brings a meter to now_ns; returns the time to charge it at. A clock that is behind by less than
 * FW_JITTER_MS (another CPU's, or another interface's of a capture) stands still; one that stepped
 * back further says nothing about the past, and the meter starts anew. */
FW_INLINE fw_u64 fw_meter_roll(struct fw_meter* meter, fw_u64 now_ns) {
  fw_u32 now_ms = fw_ms(now_ns), behind = meter->seen_ms - now_ms, passed;
  fw_u32 tick = fw_tick(now_ns);

  if (behind < FW_JITTER_MS) return now_ns + ((fw_u64)behind << 20);
  passed = ((now_ms >> 10) - (meter->seen_ms >> 10)) & 0x3fffff;
  if (behind < 1u << 31) passed = FW_TAT_MEMORY_WINDOWS; /* or after 26 days */
  meter->seen_ms = now_ms;
  if (!passed) return now_ns;
  for (int i = 0; i < FW_METRIC_COUNT; i++) {
    fw_rate_roll(&meter->count[i], &meter->before[i], passed);
    if (passed >= FW_TAT_MEMORY_WINDOWS || (fw_s32)(meter->tat_ticks[i] - tick) < 0)
      meter->tat_ticks[i] = tick;
  }
  return now_ns;
}

/* The note of a packet: when it came, in ms (15 bits), whether it was refunded, its third metric
 * beside packets and bytes, and its size in FW_BYTES_UNIT. Without a size no packet is noted. */
enum {
  FW_NOTE_UNITS = 0x1fff,
  FW_NOTE_METRIC_SHIFT = 13,
  FW_NOTE_METRIC = 3 << FW_NOTE_METRIC_SHIFT,
  FW_NOTE_REFUNDED = 1 << 15,
  FW_NOTE_MS_SHIFT = 16,
  FW_NOTE_MS = 0x7fff,
};
#define FW_SOURCE_NOTED (1u << 31)

FW_STATIC_ASSERT(FW_METRIC_UDP == FW_METRIC_SYN + 1 && FW_METRIC_ICMP == FW_METRIC_SYN + 2,
                 "a third metric fits two bits");

FW_INLINE fw_u32 fw_note_metric(fw_u32 metric) {
  return metric < FW_METRIC_SYN ? 0 : (metric - FW_METRIC_SYN + 1) << FW_NOTE_METRIC_SHIFT;
}
FW_INLINE fw_u32 fw_note(fw_u32 units, fw_u32 metric, fw_u64 now_ns) {
  return FW_SOURCE_NOTED | (fw_ms(now_ns) & FW_NOTE_MS) << FW_NOTE_MS_SHIFT |
         fw_note_metric(metric) | (units < FW_NOTE_UNITS ? units : FW_NOTE_UNITS);
}

/* What to add to a note when a packet of this metric is refunded. */
FW_INLINE fw_u32 fw_note_refunded(fw_u32 note, fw_u32 metric) {
  return (note & FW_NOTE_METRIC) == fw_note_metric(metric) ? FW_NOTE_REFUNDED : 0;
}

/* When the noted packet came. A note is at most FW_TAT_MEMORY_WINDOWS old, half of what 15 bits
 * can tell; another CPU's clock may be ahead. */
FW_INLINE fw_u32 fw_note_ms(fw_u32 note, fw_u64 now_ns) {
  fw_u32 ago = (fw_ms(now_ns) - (note >> FW_NOTE_MS_SHIFT)) & FW_NOTE_MS;

  return fw_ms(now_ns) - (ago > FW_NOTE_MS - FW_JITTER_MS ? ago - FW_NOTE_MS - 1 : ago);
}

FW_INLINE void fw_meter_charge_noted(struct fw_meter* meter, const struct fw_limit* limit,
                                     fw_u32 metric, fw_u32 units, fw_u32 is_refunded) {
  meter->count[metric] = units;
  if (limit->cost_q8 && !is_refunded)
    meter->tat_ticks[metric] += fw_rate_cost(limit->cost_q8, units);
}

/* Begins a source's meters, as they are after the packet of `note`, if it is of one. `limit` are
 * those of its rule. */
FW_INLINE void fw_meter_begin(struct fw_meter* meter, const struct fw_limit* limit, fw_u32 note,
                              fw_u64 now_ns) {
  fw_u32 units = note & FW_NOTE_UNITS, third = note & FW_NOTE_METRIC;
  fw_u32 is_refunded = note & FW_NOTE_REFUNDED;
  fw_u32 ms = units ? fw_note_ms(note, now_ns) : fw_ms(now_ns);

  __builtin_memset(meter, 0, sizeof *meter);
  meter->seen_ms = ms;
  for (int i = 0; i < FW_METRIC_COUNT; i++) meter->tat_ticks[i] = ms << (20 - FW_TICK_SHIFT);
  if (!units) return;
  fw_meter_charge_noted(meter, &limit[FW_METRIC_PACKETS], FW_METRIC_PACKETS, 1, 0);
  fw_meter_charge_noted(meter, &limit[FW_METRIC_BYTES], FW_METRIC_BYTES, units, 0);
  if (third == fw_note_metric(FW_METRIC_SYN))
    fw_meter_charge_noted(meter, &limit[FW_METRIC_SYN], FW_METRIC_SYN, 1, is_refunded);
  else if (third == fw_note_metric(FW_METRIC_UDP))
    fw_meter_charge_noted(meter, &limit[FW_METRIC_UDP], FW_METRIC_UDP, 1, is_refunded);
  else if (third == fw_note_metric(FW_METRIC_ICMP))
    fw_meter_charge_noted(meter, &limit[FW_METRIC_ICMP], FW_METRIC_ICMP, 1, is_refunded);
}

#endif
