/* SPDX-License-Identifier: MIT */
/* What the datapath tells the engine, besides its counters: events, of which none
 * should be missed, and samples, of which some are enough. */
#ifndef FW_POLICY_REPORTS_H
#define FW_POLICY_REPORTS_H

#include "budgets.h"

enum { FW_SAMPLE_COST_TICKS = 62500 /* 1000/s a CPU and kind */, FW_SAMPLE_BURST_TICKS = 16000000 };

/* Sends an event, with what all of them say of the packet. Those that are lost are counted. */
FW_INLINE void fw_report(struct fw_env* env, const struct fw_config* cfg, struct fw_event* e,
                         const struct fw_packet* p, const struct fw_decision* decision) {
  struct fw_counters* counters = fw_env_counters(env);

  e->dst = p->dst;
  e->len_bytes = p->len_bytes;
  e->sport = p->sport;
  e->dport = p->dport;
  e->proto = p->proto;
  e->traffic_class = decision->traffic_class;
  e->observed = cfg->mode != FW_MODE_ENFORCE;
  if (fw_env_event(env, e) && counters) counters->events_lost++;
}

/* Shows the packet to the engine if it is this kind's turn. */
FW_INLINE void fw_take_sample(struct fw_env* env, const struct fw_packet* p,
                              struct fw_decision* decision, fw_u32 kind, fw_u64 now_ns) {
  struct fw_cpu* cpu = fw_env_cpu(env);

  if (!cpu || kind >= FW_SAMPLE_KINDS) return;
  if (!fw_rate_admit_shared(&cpu->samples_tat_ticks[kind], now_ns, FW_SAMPLE_COST_TICKS,
                            FW_SAMPLE_BURST_TICKS))
    return;
  decision->sample = (fw_u8)(kind + 1);
  decision->served = fw_has_ports(p->proto) && fw_is_served(env, p->proto, p->dport);
}

#endif
