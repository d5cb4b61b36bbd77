/* SPDX-License-Identifier: MIT */
/* The stages of limits per source and per prefix. A limit polices: only the excess
 * over `limit` is dropped, what was completed or answered is given back (refund.h),
 * and packets of peers count only where the limit says so. A SYN above it is
 * answered by a SYN cookie.
 *
 * A source above `ban_above` is kept off for a while (docs/decisions/evidence-for-a-ban.md):
 *   - packets of verified TCP flows cannot be forged: it is banned at once;
 *   - other packets may be forged: it is restricted, when that lasts;
 *   - a source that has a verified flow besides is neither, as a third party may
 *     have forged the packets.
 * It is also restricted if a service leaves its packets unanswered and answers others.
 * Limits per prefix apply to all its sources together in the same way. */
#ifndef FW_POLICY_LIMITS_H
#define FW_POLICY_LIMITS_H

#include "access.h"
#include "bans.h"
#include "tables/excess_history.h"

enum { FW_PERSIST_WINDOWS = 3 }; /* a source is restricted after 3.2 s above ban_above; judgement */

/* Records the worst excess so far. */
FW_INLINE void fw_meter_note(struct fw_metering* metering, fw_u32 excess, fw_u32 metric,
                             fw_u32 value, fw_u32 limit) {
  if (metering->excess >= excess) return;
  metering->excess = excess;
  metering->metric = metric;
  metering->value = value;
  metering->limit = limit;
}

/* Meters one packet under one metric. */
FW_INLINE void fw_meter_metric(struct fw_metering* metering, struct fw_meter* meter,
                               const struct fw_limit* limit, fw_u32 metric, fw_u32 units) {
  fw_u64 now_ns = metering->metered_ns;
  fw_u32 value;
  int is_metered = metering->peer == FW_PEER_UNKNOWN || limit->peers;

  /* Verified flows have a slot of their own, so their packets can be counted all the same. */
  if (is_metered || metering->peer == FW_PEER_VERIFIED) meter->count[metric] += units;
  if (!is_metered) return;
  if (!limit->cost_q8 && !limit->ban_above) return;
  value = fw_rate_sliding(meter->count[metric], meter->before[metric], now_ns);
  if (limit->cost_q8 && !fw_rate_admit(&meter->tat_ticks[metric], fw_tick(now_ns),
                                       fw_rate_cost(limit->cost_q8, units), limit->burst)) {
    metering->is_refused = 1;
    fw_meter_note(metering, FW_EXCESS_LIMIT, metric, value, limit->limit_above);
  }
  if (limit->ban_above && value > limit->ban_above)
    fw_meter_note(metering, FW_EXCESS_BAN, metric, value, limit->ban_above);
}

/* 1: a UDP service leaves the source's packets unanswered while it answers others. */
FW_INLINE int fw_is_left_unanswered(const struct fw_decision* decision,
                                    const struct fw_sender* sender, const struct fw_source* source,
                                    fw_u64 now_ns) {
  return decision->traffic_class == FW_CLASS_UDP_NEW && !sender->is_prefix &&
         fw_source_unrefunded(source) == FW_UNREFUNDED_MOST &&
         fw_port_answers_lately(sender->served, fw_window(now_ns));
}

/* Meters the packet under the limits of metering->rule. A BPF function, so that the verifier
 * follows it once and not on every way through the stages before. */
FW_GLOBAL int fw_meter_packet(struct fw_env* env, const struct fw_packet* p,
                              const struct fw_decision* decision, const struct fw_sender* sender,
                              struct fw_metering* metering) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  const struct fw_limit* limit;
  struct fw_source* source;
  struct fw_meter* meter;
  fw_u32 value;

  if (!cfg || !p || !decision || !sender || !metering) return 0;
  limit = cfg->rule[metering->rule & (FW_MAX_RULES - 1)].limit;
  source = fw_source_at(env, sender->slot_number);
  meter = fw_meter_at(env, sender->slot_number);
  if (!source || !meter) return 0;
  if (fw_is_deferred(source)) {
    fw_meter_begin(meter, limit, source->excess, metering->now_ns);
    source->excess = 0;
  }
  metering->metered_ns = fw_meter_roll(meter, metering->now_ns);
  fw_meter_metric(metering, meter, &limit[FW_METRIC_PACKETS], FW_METRIC_PACKETS, 1);
  fw_meter_metric(metering, meter, &limit[FW_METRIC_BYTES], FW_METRIC_BYTES, fw_byte_units(p));
  switch (fw_metric_of(decision->traffic_class)) { /* the verifier needs constant offsets */
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
  if (!cfg->unanswered_above || !fw_is_left_unanswered(decision, sender, source, metering->now_ns))
    return 1;
  value = fw_rate_sliding(meter->count[FW_METRIC_UDP], meter->before[FW_METRIC_UDP],
                          metering->metered_ns);
  if (value > cfg->unanswered_above)
    fw_meter_note(metering, FW_EXCESS_BAN, FW_METRIC_UDP, value, cfg->unanswered_above);
  return 1;
}

/* What keeps the sender off and harms nobody else; FW_EVENT_LIMIT: nothing does. See the head of
 * this file. */
FW_INLINE fw_u32 fw_measure_against(const struct fw_context* x, const struct fw_sender* sender,
                                    fw_u32 windows_of_excess) {
  if (sender->has_verified || fw_is_link_local(&sender->key)) return FW_EVENT_LIMIT;
  if (sender->peer == FW_PEER_VERIFIED && x->packet->proto == FW_IPPROTO_TCP) return FW_EVENT_BAN;
  if (windows_of_excess < FW_PERSIST_WINDOWS) return FW_EVENT_LIMIT;
  return fw_standing_of(x->decision) ? FW_EVENT_LIMIT : FW_EVENT_RESTRICT;
}

/* Applies the limits to *sender. */
FW_INLINE fw_u32 fw_limit(const struct fw_context* x, const struct fw_sender* sender) {
  struct fw_source* source = fw_source_at(x->env, sender->slot_number);
  struct fw_metering metering = {0};
  fw_u32 windows;

  if (!sender->slot_number || !source || fw_is_exempt(x->decision)) return FW_CONTINUE;
  if (sender->is_new) {
    fw_defer(source, x->packet, fw_metric_of(x->decision->traffic_class), x->now_ns);
    return FW_CONTINUE;
  }
  metering.now_ns = x->now_ns;
  metering.rule = sender->is_prefix ? FW_RULE_OF_PREFIXES : x->decision->rule;
  metering.peer = (fw_u8)sender->peer;
  fw_meter_packet(x->env, x->packet, x->decision, sender, &metering);
  if (metering.excess == FW_EXCESS_NONE) return FW_CONTINUE;

  windows = fw_excess_record(source, fw_window(metering.metered_ns), &metering.is_news);
  metering.event = FW_EVENT_LIMIT;
  if (metering.excess == FW_EXCESS_BAN) metering.event = fw_measure_against(x, sender, windows);
  if (metering.event != FW_EVENT_LIMIT && !fw_ban_excess(x->env, sender, &metering))
    metering.event = FW_EVENT_LIMIT;
  if (metering.event == FW_EVENT_LIMIT && !metering.is_refused) return FW_CONTINUE;
  if (metering.event != FW_EVENT_LIMIT || metering.is_news)
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
