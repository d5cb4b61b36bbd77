/* SPDX-License-Identifier: MIT */
/* Sends an event to the engine, after filling in the fields that all events take from
 * the packet. Lost events are counted. */
#ifndef FW_POLICY_EVENTS_H
#define FW_POLICY_EVENTS_H

#include "tables/env.h"

FW_INLINE void fw_send_event(struct fw_env* env, const struct fw_config* cfg, struct fw_event* e,
                             const struct fw_packet* p, const struct fw_decision* decision) {
  struct fw_counters* counters = fw_env_counters(env, 0);

  e->dst = p->dst;
  e->len_bytes = p->len_bytes;
  e->sport = p->sport;
  e->dport = p->dport;
  e->proto = p->proto;
  e->traffic_class = decision->traffic_class;
  e->observed = cfg->mode != FW_MODE_ENFORCE;
  if (fw_env_event(env, e) && counters) counters->events_lost++;
}

#endif
