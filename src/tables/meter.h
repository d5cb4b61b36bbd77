/* SPDX-License-Identifier: MIT */
/* The meters of a source. The first packet of a source is deferred: it is only
 * recorded in the source's slot (fw_source.excess). The meters begin with the second
 * packet. Most sources of a flood are seen once, and meters are another cache line
 * (docs/decisions/deferred-meters.md). */
#ifndef FW_TABLES_METER_H
#define FW_TABLES_METER_H

#include "abi/configuration.h"
#include "abi/layout.h"
#include "rate.h"

enum {
  FW_TAT_MEMORY_WINDOWS = 16, /* arrival times are reset after so long: they are 32-bit ticks (68
                                 s), and older ones could look like the future */
  FW_JITTER_MS = 64, /* the clock of another CPU or interface may be so far behind; judgement */
};

/* A packet's size in the unit of FW_METRIC_BYTES. */
FW_INLINE fw_u32 fw_byte_units(const struct fw_packet* p) {
  return (p->len_bytes + FW_BYTES_UNIT - 1) / FW_BYTES_UNIT;
}

/* Moves a meter on to now_ns, and returns the time to meter at. If now_ns is less than FW_JITTER_MS
 * behind the meter, that is the meter's time. If it is further behind, the clock stepped back, and
 * the meter is reset. */
FW_INLINE fw_u64 fw_meter_roll(struct fw_meter* meter, fw_u64 now_ns) {
  fw_u32 now_ms = fw_ms(now_ns), behind = meter->seen_ms - now_ms, passed;
  fw_u32 tick = fw_tick(now_ns);

  if (behind < FW_JITTER_MS) return now_ns + ((fw_u64)behind << 20);
  passed = ((now_ms >> 10) - (meter->seen_ms >> 10)) & 0x3fffff;
  if (behind < 1u << 31) passed = FW_TAT_MEMORY_WINDOWS; /* also after 26 days, by wrap-around */
  meter->seen_ms = now_ms;
  if (!passed) return now_ns;
  for (int i = 0; i < FW_METRIC_COUNT; i++) {
    fw_rate_roll(&meter->count[i], &meter->before[i], passed);
    if (passed >= FW_TAT_MEMORY_WINDOWS || (fw_s32)(meter->tat_ticks[i] - tick) < 0)
      meter->tat_ticks[i] = tick;
  }
  return now_ns;
}

/* Refunds a packet: its tokens, and in the counts. Where this window has none left, in those of the
 * window before: an answer may come in the next window. */
FW_INLINE void fw_meter_refund(struct fw_meter* meter, const struct fw_limit* limit, fw_u32 metric,
                               fw_u32 tick) {
  fw_rate_refund(&meter->tat_ticks[metric], tick, limit[metric].cost_q8);
  if (meter->count[metric])
    meter->count[metric]--;
  else if (meter->before[metric])
    meter->before[metric]--;
}

/* The record of a deferred packet, from bit 31 down: 1; its time in ms, 15 bits; whether it was
 * refunded; its metric besides packets and bytes, 2 bits; its size in FW_BYTES_UNIT, 13 bits, 0: no
 * packet is recorded. */
#define FW_DEFERRED (1u << 31)
enum {
  FW_DEFERRED_UNITS = 0x1fff,
  FW_DEFERRED_METRIC_SHIFT = 13,
  FW_DEFERRED_METRIC = 3 << FW_DEFERRED_METRIC_SHIFT,
  FW_DEFERRED_REFUNDED = 1 << 15,
  FW_DEFERRED_MS_SHIFT = 16,
  FW_DEFERRED_MS = 0x7fff,
};

FW_STATIC_ASSERT(FW_METRIC_UDP == FW_METRIC_SYN + 1 && FW_METRIC_ICMP == FW_METRIC_SYN + 2,
                 "a third metric fits two bits");

FW_INLINE int fw_is_deferred(const struct fw_source* source) {
  return (source->excess & FW_DEFERRED) != 0;
}
FW_INLINE fw_u32 fw_deferred_metric(fw_u32 metric) {
  return metric < FW_METRIC_SYN ? 0 : (metric - FW_METRIC_SYN + 1) << FW_DEFERRED_METRIC_SHIFT;
}
/* Records the first packet of a source. */
FW_INLINE void fw_defer(struct fw_source* source, const struct fw_packet* p, fw_u32 metric,
                        fw_u64 now_ns) {
  fw_u32 units = fw_byte_units(p);

  source->excess = FW_DEFERRED | (fw_ms(now_ns) & FW_DEFERRED_MS) << FW_DEFERRED_MS_SHIFT |
                   fw_deferred_metric(metric) |
                   (units < FW_DEFERRED_UNITS ? units : FW_DEFERRED_UNITS);
}
/* Refunds a packet of this metric. If the deferred packet is one, it will not count. */
FW_INLINE void fw_deferred_refund(struct fw_source* source, fw_u32 metric) {
  if (metric >= FW_METRIC_SYN &&
      (source->excess & FW_DEFERRED_METRIC) == fw_deferred_metric(metric))
    source->excess |= FW_DEFERRED_REFUNDED;
}

/* The time of the deferred packet. A record is at most FW_TAT_MEMORY_WINDOWS old, half the range of
 * 15 bits; a time that looks older is ahead, of another CPU's clock. */
FW_INLINE fw_u32 fw_deferred_ms(fw_u32 deferred, fw_u64 now_ns) {
  fw_u32 ago = (fw_ms(now_ns) - (deferred >> FW_DEFERRED_MS_SHIFT)) & FW_DEFERRED_MS;

  return fw_ms(now_ns) - (ago > FW_DEFERRED_MS - FW_JITTER_MS ? ago - FW_DEFERRED_MS - 1 : ago);
}

FW_INLINE void fw_meter_take_deferred(struct fw_meter* meter, const struct fw_limit* limit,
                                      fw_u32 metric, fw_u32 units, fw_u32 is_refunded) {
  if (is_refunded) return;
  meter->count[metric] = units;
  if (limit->cost_q8) meter->tat_ticks[metric] += fw_rate_cost(limit->cost_q8, units);
}

/* Begins a source's meters in the state after the packet recorded in `deferred`, if there is one.
 * `limit` are the limits of its rule. */
FW_INLINE void fw_meter_begin(struct fw_meter* meter, const struct fw_limit* limit, fw_u32 deferred,
                              fw_u64 now_ns) {
  fw_u32 units = deferred & FW_DEFERRED_UNITS, third = deferred & FW_DEFERRED_METRIC;
  fw_u32 is_refunded = deferred & FW_DEFERRED_REFUNDED;
  fw_u32 ms = units ? fw_deferred_ms(deferred, now_ns) : fw_ms(now_ns);

  __builtin_memset(meter, 0, sizeof *meter);
  meter->seen_ms = ms;
  for (int i = 0; i < FW_METRIC_COUNT; i++) meter->tat_ticks[i] = ms << (20 - FW_TICK_SHIFT);
  if (!units) return;
  fw_meter_take_deferred(meter, &limit[FW_METRIC_PACKETS], FW_METRIC_PACKETS, 1, is_refunded);
  fw_meter_take_deferred(meter, &limit[FW_METRIC_BYTES], FW_METRIC_BYTES, units, 0);
  if (third == fw_deferred_metric(FW_METRIC_SYN))
    fw_meter_take_deferred(meter, &limit[FW_METRIC_SYN], FW_METRIC_SYN, 1, is_refunded);
  else if (third == fw_deferred_metric(FW_METRIC_UDP))
    fw_meter_take_deferred(meter, &limit[FW_METRIC_UDP], FW_METRIC_UDP, 1, is_refunded);
  else if (third == fw_deferred_metric(FW_METRIC_ICMP))
    fw_meter_take_deferred(meter, &limit[FW_METRIC_ICMP], FW_METRIC_ICMP, 1, is_refunded);
}

#endif
