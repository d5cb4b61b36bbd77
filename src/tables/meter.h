/* SPDX-License-Identifier: MIT */
/* A source's meters, begun late. The first packet of a source is only recorded in
 * its slot (fw_source.excess, "deferred"); the meters begin with the second one.
 * Most sources of a flood are seen once, and a meter is a cache line more to wait
 * for. */
#ifndef FW_TABLES_METER_H
#define FW_TABLES_METER_H

#include "abi/configuration.h"
#include "abi/layout.h"
#include "rate.h"

enum {
  FW_TAT_MEMORY_WINDOWS = 16, /* arrival times are 32-bit ticks (68 s): forget them before they
                                 could look like the future, also those of a metric that rests */
  FW_JITTER_MS = 64, /* by so much the clock of another CPU or interface may be behind; judgement */
};

/* A packet's size in the unit of FW_METRIC_BYTES. */
FW_INLINE fw_u32 fw_byte_units(const struct fw_packet* p) {
  return (p->len_bytes + FW_BYTES_UNIT - 1) / FW_BYTES_UNIT;
}

/* Brings a meter to now_ns; returns the time to meter at. For a clock that is behind by less than
 * FW_JITTER_MS that is the meter's own; a clock that stepped back further says nothing about the
 * past, and the meter starts anew. */
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

/* The record of a deferred packet: bit 31; when it came, in ms (15 bits); whether it was refunded;
 * its third metric besides packets and bytes; its size in FW_BYTES_UNIT, 0: none is recorded. */
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
/* A packet of this metric is refunded: if it is the deferred one, its cost will not be taken. */
FW_INLINE void fw_deferred_refund(struct fw_source* source, fw_u32 metric) {
  if ((source->excess & FW_DEFERRED_METRIC) == fw_deferred_metric(metric))
    source->excess |= FW_DEFERRED_REFUNDED;
}

/* When the deferred packet came. The record is at most FW_TAT_MEMORY_WINDOWS old, half of what 15
 * bits can tell; another CPU's clock may be ahead. */
FW_INLINE fw_u32 fw_deferred_ms(fw_u32 deferred, fw_u64 now_ns) {
  fw_u32 ago = (fw_ms(now_ns) - (deferred >> FW_DEFERRED_MS_SHIFT)) & FW_DEFERRED_MS;

  return fw_ms(now_ns) - (ago > FW_DEFERRED_MS - FW_JITTER_MS ? ago - FW_DEFERRED_MS - 1 : ago);
}

FW_INLINE void fw_meter_take_deferred(struct fw_meter* meter, const struct fw_limit* limit,
                                      fw_u32 metric, fw_u32 units, fw_u32 is_refunded) {
  meter->count[metric] = units;
  if (limit->cost_q8 && !is_refunded)
    meter->tat_ticks[metric] += fw_rate_cost(limit->cost_q8, units);
}

/* Begins a source's meters, as they are after the packet of `deferred`, if that is of one. `limit`
 * are those of its rule. */
FW_INLINE void fw_meter_begin(struct fw_meter* meter, const struct fw_limit* limit, fw_u32 deferred,
                              fw_u64 now_ns) {
  fw_u32 units = deferred & FW_DEFERRED_UNITS, third = deferred & FW_DEFERRED_METRIC;
  fw_u32 is_refunded = deferred & FW_DEFERRED_REFUNDED;
  fw_u32 ms = units ? fw_deferred_ms(deferred, now_ns) : fw_ms(now_ns);

  __builtin_memset(meter, 0, sizeof *meter);
  meter->seen_ms = ms;
  for (int i = 0; i < FW_METRIC_COUNT; i++) meter->tat_ticks[i] = ms << (20 - FW_TICK_SHIFT);
  if (!units) return;
  fw_meter_take_deferred(meter, &limit[FW_METRIC_PACKETS], FW_METRIC_PACKETS, 1, 0);
  fw_meter_take_deferred(meter, &limit[FW_METRIC_BYTES], FW_METRIC_BYTES, units, 0);
  if (third == fw_deferred_metric(FW_METRIC_SYN))
    fw_meter_take_deferred(meter, &limit[FW_METRIC_SYN], FW_METRIC_SYN, 1, is_refunded);
  else if (third == fw_deferred_metric(FW_METRIC_UDP))
    fw_meter_take_deferred(meter, &limit[FW_METRIC_UDP], FW_METRIC_UDP, 1, is_refunded);
  else if (third == fw_deferred_metric(FW_METRIC_ICMP))
    fw_meter_take_deferred(meter, &limit[FW_METRIC_ICMP], FW_METRIC_ICMP, 1, is_refunded);
}

#endif
