/* SPDX-License-Identifier: MIT */
/* Limits per source: the excess over `limit` is dropped; a source that goes on
 * above `ban_above` is banned, if that harms nobody else:
 *   - packets of verified flows cannot be forged: banned at once;
 *   - other packets of a source that also has verified flows may be forged by a
 *     third party: never a ban, only dropped while they are too many;
 *   - of a source that never proved itself: dropped at once while they are too
 *     many, banned when that lasts.
 * Limits per prefix are the same, of all its sources together: whoever in it has
 * verified something keeps it from being banned for what may be forged. */
#ifndef FW_POLICY_LIMITS_H
#define FW_POLICY_LIMITS_H

#include "entries.h"
#include "reports.h"

enum { FW_PERSIST_WINDOWS = 3 }; /* 3.2 s above ban_above without proof: a ban */
enum { FW_QUIET_WINDOWS = 10 };  /* over again after so long is a new Limit event */
enum { FW_OVER_WINDOW = 0x7fff, FW_OVER_LAST_SHIFT = 16 };

enum fw_excess { FW_EXCESS_NONE = 0, FW_EXCESS_LIMIT = 1, FW_EXCESS_BAN = 2 };

/* What metering a packet came to. */
struct fw_charge {
  fw_u64 now_ns, metered_ns;   /* the packet's time; the meter's, which does not step back */
  fw_u32 excess;               /* FW_EXCESS_* */
  fw_u32 metric, value, limit; /* that was exceeded; per window */
  fw_u32 is_news;
  fw_u32 rule; /* that was charged under */
  fw_u32 kind; /* of the event */
};

/* Meters one packet under one metric. The worse of what it was and is stays in *charge. */
FW_INLINE void fw_charge_metric(struct fw_charge* charge, struct fw_meter* meter,
                                const struct fw_limit* limit, fw_u32 metric, fw_u32 units) {
  fw_u64 now_ns = charge->metered_ns;
  fw_u32 value;

  meter->count[metric] += units;
  if (!limit->cost_q8 && !limit->ban_above) return;
  value = fw_rate_sliding(meter->count[metric], meter->before[metric], now_ns);
  if (limit->ban_above && value > limit->ban_above) {
    if (charge->excess == FW_EXCESS_BAN) return;
    charge->excess = FW_EXCESS_BAN;
    charge->limit = limit->ban_above;
  } else if (limit->cost_q8 && !fw_rate_admit(&meter->tat_ticks[metric], fw_tick(now_ns),
                                              fw_rate_cost(limit->cost_q8, units), limit->burst)) {
    if (charge->excess != FW_EXCESS_NONE) return;
    charge->excess = FW_EXCESS_LIMIT;
    charge->limit = limit->limit_above;
  } else {
    return;
  }
  charge->metric = metric;
  charge->value = value;
}

/* Notes that a source is over. Returns how many windows it has been so without a pause; *is_news is
 * set when it had been quiet. */
FW_INLINE fw_u32 fw_over(struct fw_source* source, fw_u32 window, fw_u32* is_news) {
  fw_u32 now = window & FW_OVER_WINDOW; /* 15 bits: 9 hours */
  fw_u32 since = source->over & FW_OVER_WINDOW, last = source->over >> FW_OVER_LAST_SHIFT, over;
  fw_u32 quiet = (now - last) & FW_OVER_WINDOW;

  if (!source->over) {
    *is_news = 1;
    since = now;
  } else if (quiet > 1) {
    *is_news = quiet > FW_QUIET_WINDOWS;
    since = now;
  }
  over = now << FW_OVER_LAST_SHIFT | since;
  if (source->over != over) source->over = over;
  return (now - since) & FW_OVER_WINDOW;
}

/* Room under the cap on bans? Charges one. */
FW_INLINE int fw_may_ban(struct fw_env* env, const struct fw_config* cfg, fw_u64 now_ns) {
  struct fw_shared* shared = fw_env_shared(env);

  return shared && cfg->bans_cost &&
         fw_rate_admit_shared(&shared->bans_tat_ticks, now_ns, cfg->bans_cost, cfg->bans_burst);
}

/* Puts a ban in force that starts now. 0: no room, or the source carries an entry already. */
FW_STAGE int fw_ban(struct fw_env* env, const struct fw_entry* ban) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_entry_pending* hits;
  struct fw_entry* entry;
  fw_u32 index;

  if (!cfg || !ban) return 0;
  index = fw_entry_index(env, cfg, &ban->addr, ban->prefix_bits);
  if (index == FW_NO_ENTRY)
    index =
        fw_entry_claim(env, cfg, fw_entry_key(cfg, &ban->addr, ban->prefix_bits), ban->since_ns);
  if (index == FW_NO_ENTRY) return 0;
  entry = fw_env_entry(env, index);
  hits = fw_env_entry_pending(env, index);
  if (!entry || !hits) return 0;
  if (FW_READ(entry->until_ns) > ban->since_ns &&
      !(entry->kind == FW_ENTRY_BAN && fw_is_ahead(entry->since_ns, ban->since_ns)))
    return 0;
  if (hits->entry == index + 1) hits->packets = hits->metered = 0;
  fw_entry_fill(entry, ban);
  return 1;
}

/* Bans who is above a limit. 1: it is done; 0: the cap per minute, or no room. */
FW_STAGE int fw_ban_excess(struct fw_env* env, const struct fw_sender* sender,
                           const struct fw_charge* charge) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters;
  struct fw_entry ban;

  if (!cfg || !sender || !charge) return 0;
  __builtin_memset(&ban, 0, sizeof ban);
  ban.addr = sender->key;
  ban.since_ns = charge->now_ns;
  ban.hold_ms = cfg->rule[charge->rule & (FW_MAX_RULES - 1)].ban_ms;
  ban.until_ns = charge->now_ns + (fw_u64)ban.hold_ms * 1000000ULL;
  ban.ban_above = charge->limit;
  ban.window = fw_window(charge->now_ns);
  ban.kind = FW_ENTRY_BAN;
  ban.prefix_bits = sender->bits;
  ban.rule = (fw_u8)charge->rule;
  ban.metric = (fw_u8)charge->metric;
  if (fw_may_ban(env, cfg, charge->now_ns) && fw_ban(env, &ban)) return 1;
  counters = fw_env_counters(env);
  if (counters) counters->bans_capped++;
  return 0;
}

/* Reports that a source or prefix is above a limit, or banned for it. */
FW_STAGE int fw_report_excess(struct fw_env* env, const struct fw_packet* p,
                              const struct fw_decision* decision, const struct fw_sender* sender,
                              const struct fw_charge* charge) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_event event;

  if (!cfg || !p || !decision || !sender || !charge) return 0;
  __builtin_memset(&event, 0, sizeof event);
  event.time_ns = charge->now_ns;
  event.src = sender->key;
  event.prefix_bits = sender->bits;
  event.rule = (fw_u8)charge->rule;
  event.value = charge->value;
  event.limit = charge->limit;
  event.metric = (fw_u8)charge->metric;
  event.kind = (fw_u8)charge->kind;
  fw_report(env, cfg, &event, p, decision);
  return 1;
}

/* Charges the packet to the meter at `index` under the limits of charge->rule. */
FW_INLINE int fw_charge(struct fw_env* env, const struct fw_packet* p,
                        const struct fw_decision* decision, fw_u32 index,
                        struct fw_charge* charge) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_meter* meter = fw_env_meter(env, index);
  struct fw_source* source = fw_source_at(env, index + 1);
  const struct fw_limit* limit;

  if (!cfg || !meter || !source) return 0;
  limit = cfg->rule[charge->rule & (FW_MAX_RULES - 1)].limit;
  if (source->over & FW_SOURCE_NOTED) {
    fw_meter_begin(meter, limit, source->over, charge->now_ns);
    source->over = 0;
  }
  charge->metered_ns = fw_meter_roll(meter, charge->now_ns);
  fw_charge_metric(charge, meter, &limit[FW_METRIC_PACKETS], FW_METRIC_PACKETS, 1);
  fw_charge_metric(charge, meter, &limit[FW_METRIC_BYTES], FW_METRIC_BYTES, fw_byte_units(p));
  switch (fw_metric_of(
      decision->traffic_class)) { /* spelled out: the verifier wants constant offsets */
    case FW_METRIC_SYN:
      fw_charge_metric(charge, meter, &limit[FW_METRIC_SYN], FW_METRIC_SYN, 1);
      break;
    case FW_METRIC_UDP:
      fw_charge_metric(charge, meter, &limit[FW_METRIC_UDP], FW_METRIC_UDP, 1);
      break;
    case FW_METRIC_ICMP:
      fw_charge_metric(charge, meter, &limit[FW_METRIC_ICMP], FW_METRIC_ICMP, 1);
      break;
    default:
      break;
  }
  return charge->excess != FW_EXCESS_NONE;
}

/* Notes the first packet of a source or prefix, which is above no limit. */
FW_INLINE void fw_note_first(struct fw_env* env, const struct fw_packet* p,
                             const struct fw_decision* decision, fw_u32 index, fw_u64 now_ns) {
  struct fw_source* source = fw_source_at(env, index + 1);

  if (source)
    source->over = fw_note(fw_byte_units(p), fw_metric_of(decision->traffic_class), now_ns);
}

/* 1: the packet is above a limit of its source, or of its prefix. */
FW_INLINE int fw_is_over_limit(struct fw_env* env, const struct fw_packet* p,
                               const struct fw_decision* decision, const struct fw_sender* sender,
                               fw_u64 now_ns) {
  struct fw_source_bucket* bucket;
  struct fw_charge charge = {0};
  fw_u32 index, persisted, may_ban;

  if (!(fw_u32)sender->found) return 0;
  index = (fw_u32)sender->found - 1;
  if (sender->found & FW_SOURCE_IS_NEW) {
    fw_note_first(env, p, decision, index, now_ns);
    return 0;
  }
  charge.now_ns = now_ns;
  charge.rule = sender->is_prefix ? FW_RULE_OF_PREFIXES : decision->rule;
  if (!fw_charge(env, p, decision, index, &charge)) return 0;

  bucket = fw_env_sources(env, index / FW_SOURCE_SLOTS);
  if (!bucket) return 1;
  persisted = fw_over(&bucket->slot[index % FW_SOURCE_SLOTS], fw_window(charge.metered_ns),
                      &charge.is_news);
  may_ban = charge.excess == FW_EXCESS_BAN && !(sender->found & FW_SOURCE_HAS_VERIFIED) &&
            (sender->peer == FW_PEER_VERIFIED || persisted >= FW_PERSIST_WINDOWS);
  charge.kind = may_ban && fw_ban_excess(env, sender, &charge) ? FW_EVENT_BAN : FW_EVENT_LIMIT;
  if (charge.kind == FW_EVENT_BAN || charge.is_news)
    fw_report_excess(env, p, decision, sender, &charge);
  return 1;
}

/* 1: the packet is above a limit of the prefix that its source is in. *sender is the prefix for as
 * long: there is no room for two in the verifier's 512 bytes of stack. */
FW_INLINE int fw_is_over_prefix_limit(struct fw_env* env, const struct fw_config* cfg,
                                      const struct fw_packet* p, const struct fw_decision* decision,
                                      struct fw_sender* sender, fw_u64 now_ns) {
  fw_u64 found = sender->found;
  int is_over;

  sender->bits = fw_limit_bits(cfg, &p->src);
  if (!sender->bits || fw_is_special(&p->src)) return 0;
  sender->key = fw_mask(p->src, sender->bits);
  sender->is_prefix = 1;
  sender->found = fw_source_find(env, fw_hash(cfg, &sender->key, FW_RULE_OF_PREFIXES + 1),
                                 sender->peer != FW_PEER_UNKNOWN, now_ns);
  is_over = fw_is_over_limit(env, p, decision, sender, now_ns);
  sender->is_prefix = 0;
  sender->found = found;
  return is_over;
}

#endif
