/* SPDX-License-Identifier: MIT */
/* Limits per source: the excess over `limit` is dropped; a source that goes on
 * above `ban_above` is banned, if that harms nobody else:
 *   - packets of proven flows cannot be forged: banned at once;
 *   - other packets of a source that also has proven flows may be forged by a
 *     third party: never a ban, only dropped while they are too many;
 *   - of a source that never proved itself: dropped at once while they are too
 *     many, banned when that lasts.
 * Limits per prefix are the same, of all its sources together: whoever in it has
 * proven something keeps it from being banned for what may be forged. */
#ifndef FW_POLICY_LIMITS_H
#define FW_POLICY_LIMITS_H

#include "marks.h"

enum { FW_PERSIST_WINDOWS = 3 }; /* 3.2 s above ban_above without proof: a ban */
enum { FW_QUIET_WINDOWS = 10 };  /* over again after so long is a new Limit event */

enum fw_excess { FW_EXCESS_NONE = 0, FW_EXCESS_LIMIT = 1, FW_EXCESS_BAN = 2 };

/* What metering a packet came to. */
struct fw_charge {
  struct fw_addr key;           /* of the sender */
  fw_u64 now_ns, metered_ns;    /* the packet's time; the meter's, which does not step back */
  fw_u32 excess;                /* FW_EXCESS_* */
  fw_u32 measure, value, limit; /* that was exceeded; per window */
  fw_u32 is_news, may_ban;
  fw_u32 rule, bits; /* that was charged under; of key */
};

/* Meters one packet under one measure. The worse of what it was and is stays in *charge. */
FW_INLINE void fw_charge_measure(struct fw_charge* charge, struct fw_meter* meter,
                                 const struct fw_limit* limit, fw_u32 measure, fw_u32 units) {
  fw_u64 now_ns = charge->metered_ns;
  fw_u32 value;

  meter->count[measure] += units;
  if (!limit->cost_q8 && !limit->ban_above) return;
  value = fw_rate_sliding(meter->count[measure], meter->before[measure], now_ns);
  if (limit->ban_above && value > limit->ban_above) {
    if (charge->excess == FW_EXCESS_BAN) return;
    charge->excess = FW_EXCESS_BAN;
    charge->limit = limit->ban_above;
  } else if (limit->cost_q8 && !fw_rate_admit(&meter->debt_until[measure], fw_tick(now_ns),
                                              fw_rate_cost(limit->cost_q8, units), limit->burst)) {
    if (charge->excess != FW_EXCESS_NONE) return;
    charge->excess = FW_EXCESS_LIMIT;
    charge->limit = limit->limit_above;
  } else {
    return;
  }
  charge->measure = measure;
  charge->value = value;
}

/* Notes that a source is over. Returns how many windows it has been so without a pause; *is_news is
 * set when it had been quiet. */
FW_INLINE fw_u32 fw_over(struct fw_source* source, fw_u32 window, fw_u32* is_news) {
  fw_u16 now = (fw_u16)window; /* 16 bits: 19 hours */
  fw_u16 quiet = (fw_u16)(now - source->over_last);

  if (!source->over_last && !source->over_since) {
    *is_news = 1;
    source->over_since = now;
  } else if (quiet > 1) {
    *is_news = quiet > FW_QUIET_WINDOWS;
    source->over_since = now;
  }
  if (source->over_last != now) source->over_last = now;
  return (fw_u16)(now - source->over_since);
}

/* Room under the cap on bans? Charges one. */
FW_INLINE int fw_may_ban(struct fw_env* env, const struct fw_config* cfg, fw_u64 now_ns) {
  struct fw_shared* shared = fw_env_shared(env);

  return shared && cfg->bans_cost &&
         fw_rate_admit_shared(&shared->bans_debt_until, now_ns, cfg->bans_cost, cfg->bans_burst);
}

/* Puts a ban in force that starts now. 0: no room, or the source carries a mark already. */
FW_STAGE int fw_ban(struct fw_env* env, const struct fw_mark* ban) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_mark_place place;
  struct fw_mark_hits* hits;
  struct fw_mark* mark;
  fw_u32 index;

  if (!cfg || !ban) return 0;
  place = fw_mark_place(cfg, &ban->addr, ban->prefix_bits);
  index = fw_mark_index(env, cfg, &ban->addr, ban->prefix_bits);
  if (index == FW_NO_MARK) index = fw_mark_claim(env, &place, ban->since_ns);
  if (index == FW_NO_MARK) return 0;
  mark = fw_env_mark(env, index);
  hits = fw_env_mark_hits(env, index);
  if (!mark || !hits) return 0;
  if (FW_READ(mark->until_ns) > ban->since_ns &&
      !(mark->kind == FW_MARK_BAN && fw_is_ahead(mark->since_ns, ban->since_ns)))
    return 0;
  hits->packets = hits->metered = 0;
  fw_mark_fill(mark, ban);
  return 1;
}

#endif
