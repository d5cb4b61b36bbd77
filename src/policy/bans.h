/* SPDX-License-Identifier: MIT */
/* Bans and restrictions that the datapath itself makes, of a source or prefix above a
 * limit. A token bucket caps them (config bans_cost, bans_burst). */
#ifndef FW_POLICY_BANS_H
#define FW_POLICY_BANS_H

#include "context.h"
#include "events.h"
#include "tables/entry_table.h"

enum fw_excess { FW_EXCESS_NONE = 0, FW_EXCESS_LIMIT = 1, FW_EXCESS_BAN = 2 };

/* The result of metering a packet. */
struct fw_metering {
  fw_u64 now_ns, metered_ns; /* time of the packet; time of the meter, which does not step back */
  fw_u32 excess;             /* FW_EXCESS_* */
  fw_u8 peer;                /* enum fw_peer: for peers only limits with `peers` hold */
  fw_u8 is_refused;          /* 1: the packet is above a limit: it is dropped */
  fw_u8 pad[2];
  fw_u32 metric, value, limit; /* what was exceeded; per window */
  fw_u32 is_news;              /* 1: the source was not over a limit lately */
  fw_u32 rule;
  fw_u32 event; /* FW_EVENT_* */
};

/* Takes one ban's tokens. 0: the cap is reached. */
FW_INLINE int fw_may_ban(struct fw_env* env, const struct fw_config* cfg, fw_u64 now_ns) {
  struct fw_shared* shared = fw_env_shared(env, 0);

  return shared && cfg->bans_cost &&
         fw_rate_admit64(&shared->bans_tat_ticks, now_ns, cfg->bans_cost, cfg->bans_burst);
}

/* Puts a ban or restriction in force. 0: the table is full, or the prefix has an entry in force
 * other than a restriction that becomes a ban. */
FW_GLOBAL int fw_ban(struct fw_env* env, const struct fw_entry* ban) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_entry_pending* pending;
  struct fw_entry* entry;
  fw_u32 index;

  if (!cfg || !ban) return 0;
  index = fw_entry_index(env, cfg, &ban->addr, ban->prefix_bits);
  if (index == FW_NO_ENTRY)
    index =
        fw_entry_claim(env, cfg, fw_entry_key(cfg, &ban->addr, ban->prefix_bits), ban->since_ns);
  if (index == FW_NO_ENTRY) return 0;
  entry = fw_env_entries(env, index);
  pending = fw_env_entry_pending(env, index);
  if (!entry || !pending) return 0;
  if (FW_READ(entry->until_ns) > ban->since_ns &&
      !(entry->kind == FW_ENTRY_BAN && fw_is_ahead(entry->since_ns, ban->since_ns)) &&
      !(fw_entry_standing(entry) == FW_STANDING_RESTRICTED &&
        fw_entry_standing(ban) == FW_STANDING_BANNED))
    return 0;
  if (pending->entry == index + 1) pending->packets = pending->metered = 0;
  fw_entry_fill(entry, ban);
  return 1;
}

/* Bans or restricts (metering->event) a source or prefix above a limit. 0: the cap is reached, or
 * fw_ban() failed. */
FW_GLOBAL int fw_ban_excess(struct fw_env* env, const struct fw_sender* sender,
                            const struct fw_metering* metering) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters;
  struct fw_entry ban;

  if (!cfg || !sender || !metering) return 0;
  __builtin_memset(&ban, 0, sizeof ban);
  ban.addr = sender->key;
  ban.since_ns = metering->now_ns;
  ban.hold_ms = cfg->rule[metering->rule & (FW_MAX_RULES - 1)].ban_ms;
  ban.until_ns = metering->now_ns + (fw_u64)ban.hold_ms * 1000000ULL;
  ban.ban_above = metering->limit;
  ban.window = fw_window(metering->now_ns);
  ban.kind = FW_ENTRY_BAN;
  ban.prefix_bits = sender->bits;
  ban.rule = (fw_u8)metering->rule;
  ban.metric = (fw_u8)metering->metric;
  if (metering->event == FW_EVENT_RESTRICT) ban.metric |= FW_ENTRY_RESTRICTED;
  if (fw_may_ban(env, cfg, metering->now_ns) && fw_ban(env, &ban)) return 1;
  counters = fw_env_counters(env, 0);
  if (counters) counters->bans_capped++;
  return 0;
}

/* Reports that a source or prefix is above a limit, or banned for it. */
FW_GLOBAL int fw_send_excess_event(struct fw_env* env, const struct fw_packet* p,
                                   const struct fw_decision* decision,
                                   const struct fw_sender* sender,
                                   const struct fw_metering* metering) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_event event;

  if (!cfg || !p || !decision || !sender || !metering) return 0;
  __builtin_memset(&event, 0, sizeof event);
  event.time_ns = metering->now_ns;
  event.src = sender->key;
  event.prefix_bits = sender->bits;
  event.rule = (fw_u8)metering->rule;
  event.value = metering->value;
  event.limit = metering->limit;
  event.metric = (fw_u8)metering->metric;
  event.kind = (fw_u8)metering->event;
  fw_send_event(env, cfg, &event, p, decision);
  return 1;
}

#endif
