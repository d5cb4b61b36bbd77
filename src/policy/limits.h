/* SPDX-License-Identifier: MIT */
/* The stages of limits per source and per prefix. The excess over `limit` is
 * dropped. A source above `ban_above` is banned, if that harms nobody else
 * (docs/decisions/evidence-for-a-ban.md):
 *   - packets of verified flows cannot be forged: banned at once;
 *   - other packets of a source with verified flows may be forged by a third party:
 *     never banned, the excess is dropped;
 *   - packets of a source without verified flows: the excess is dropped, and the
 *     source is banned when that lasts.
 * Limits per prefix apply to all its sources together in the same way: a prefix with
 * a verified source is not banned for packets that may be forged. */
#ifndef FW_POLICY_LIMITS_H
#define FW_POLICY_LIMITS_H

#include "bans.h"
#include "tables/excess_history.h"

enum {
  FW_PERSIST_WINDOWS = 3
}; /* an unverified source is banned after 3.2 s above ban_above; judgement */

/* Meters one packet under one metric. *metering keeps the worst excess so far. */
FW_INLINE void fw_meter_metric(struct fw_metering* metering, struct fw_meter* meter,
                               const struct fw_limit* limit, fw_u32 metric, fw_u32 units) {
  fw_u64 now_ns = metering->metered_ns;
  fw_u32 value;

  meter->count[metric] += units;
  if (!limit->cost_q8 && !limit->ban_above) return;
  value = fw_rate_sliding(meter->count[metric], meter->before[metric], now_ns);
  if (limit->ban_above && value > limit->ban_above) {
    if (metering->excess == FW_EXCESS_BAN) return;
    metering->excess = FW_EXCESS_BAN;
    metering->limit = limit->ban_above;
  } else if (limit->cost_q8 && !fw_rate_admit(&meter->tat_ticks[metric], fw_tick(now_ns),
                                              fw_rate_cost(limit->cost_q8, units), limit->burst)) {
    if (metering->excess != FW_EXCESS_NONE) return;
    metering->excess = FW_EXCESS_LIMIT;
    metering->limit = limit->limit_above;
  } else {
    return;
  }
  metering->metric = metric;
  metering->value = value;
}

/* Meters the packet under the limits of metering->rule. Returns 1 if it is above one. */
FW_INLINE int fw_meter_packet(const struct fw_context* x, struct fw_source* source,
                              fw_u32 slot_number, struct fw_metering* metering) {
  struct fw_meter* meter = fw_meter_at(x->env, slot_number);
  const struct fw_limit* limit = x->config->rule[metering->rule & (FW_MAX_RULES - 1)].limit;

  if (!meter) return 0;
  if (fw_is_deferred(source)) {
    fw_meter_begin(meter, limit, source->excess, metering->now_ns);
    source->excess = 0;
  }
  metering->metered_ns = fw_meter_roll(meter, metering->now_ns);
  fw_meter_metric(metering, meter, &limit[FW_METRIC_PACKETS], FW_METRIC_PACKETS, 1);
  fw_meter_metric(metering, meter, &limit[FW_METRIC_BYTES], FW_METRIC_BYTES,
                  fw_byte_units(x->packet));
  switch (fw_metric_of(x->decision->traffic_class)) { /* the verifier needs constant offsets */
    case FW_METRIC_SYN:
      fw_meter_metric(metering, meter, &limit[FW_METRIC_SYN], FW_METRIC_SYN, 1);
      break;
    case FW_METRIC_UDP:
      fw_meter_metric(metering, meter, &limit[FW_METRIC_UDP], FW_METRIC_UDP, 1);
      break;
    case FW_METRIC_ICMP:
      fw_meter_metric(metering, meter, &limit[FW_METRIC_ICMP], FW_METRIC_ICMP, 1);
      break;
    default:
      break;
  }
  return metering->excess != FW_EXCESS_NONE;
}

/* 1: a ban of the sender harms nobody else; see the head of this file. */
FW_INLINE int fw_ban_is_safe(const struct fw_sender* sender, fw_u32 windows_of_excess) {
  if (sender->has_verified || fw_is_link_local(&sender->key)) return 0;
  return sender->peer == FW_PEER_VERIFIED || windows_of_excess >= FW_PERSIST_WINDOWS;
}

/* Applies the limits to *sender. */
FW_INLINE fw_u32 fw_limit(const struct fw_context* x, const struct fw_sender* sender) {
  struct fw_source* source = fw_source_at(x->env, sender->slot_number);
  struct fw_metering metering = {0};
  fw_u32 windows;

  if (!sender->slot_number || !source) return FW_CONTINUE;
  if (sender->is_new) {
    fw_defer(source, x->packet, fw_metric_of(x->decision->traffic_class), x->now_ns);
    return FW_CONTINUE;
  }
  metering.now_ns = x->now_ns;
  metering.rule = sender->is_prefix ? FW_RULE_OF_PREFIXES : x->decision->rule;
  if (!fw_meter_packet(x, source, sender->slot_number, &metering)) return FW_CONTINUE;

  windows = fw_excess_record(source, fw_window(metering.metered_ns), &metering.is_news);
  metering.event = metering.excess == FW_EXCESS_BAN && fw_ban_is_safe(sender, windows) &&
                           fw_ban_excess(x->env, sender, &metering)
                       ? FW_EVENT_BAN
                       : FW_EVENT_LIMIT;
  if (metering.event == FW_EVENT_BAN || metering.is_news)
    fw_send_excess_event(x->env, x->packet, x->decision, sender, &metering);
  return FW_REASON_LIMIT;
}

FW_INLINE fw_u32 fw_stage_source_limits(struct fw_context* x) {
  struct fw_sender* sender = x->sender;

  sender->bits = fw_source_bits(x->config, &x->packet->src);
  if (!fw_is_special(&x->packet->src))
    fw_sender_find(x->env, sender, x->source_hash, x->decision->traffic_class, x->now_ns);
  return fw_limit(x, sender);
}

/* *sender is the prefix during this stage, since two senders do not fit BPF's 512 bytes of stack.
 */
FW_INLINE fw_u32 fw_stage_prefix_limits(struct fw_context* x) {
  struct fw_sender* sender = x->sender;
  fw_u32 slot_number = sender->slot_number, reason;
  fw_u8 is_new = sender->is_new, has_verified = sender->has_verified;

  sender->bits = fw_limit_bits(x->config, &x->packet->src);
  if (!sender->bits || fw_is_special(&x->packet->src)) return FW_CONTINUE;
  sender->key = fw_mask(x->packet->src, sender->bits);
  sender->is_prefix = 1;
  fw_sender_find(x->env, sender, fw_hash(x->config, &sender->key, FW_RULE_OF_PREFIXES + 1),
                 x->decision->traffic_class, x->now_ns);
  reason = fw_limit(x, sender);
  sender->is_prefix = 0;
  sender->slot_number = slot_number;
  sender->is_new = is_new;
  sender->has_verified = has_verified;
  return reason;
}

#endif
