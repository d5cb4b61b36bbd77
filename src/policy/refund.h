/* SPDX-License-Identifier: MIT */
/* What turned out to be wanted is refunded: a completed handshake, an answered
 * request, a connection that goes on. So a busy server's clients owe nothing. */
#ifndef FW_POLICY_REFUND_H
#define FW_POLICY_REFUND_H

#include "budgets.h"

FW_INLINE void fw_budget_refund(struct fw_env* env, const struct fw_config* cfg,
                                const struct fw_addr* dst, fw_u8 traffic_class, fw_u16 port,
                                fw_u64 now_ns) {
  fw_u32 index = fw_budget_index(env, dst, traffic_class, port);
  struct fw_budget* budget = fw_env_budget(env, index);
  struct fw_budget_share* share = fw_env_budget_share(env, index);
  fw_u64 cost = cfg->budget[traffic_class & (FW_CLASS_SLOTS - 1)].cost;

  if (!budget || !share) return;
  if (++share->answered < FW_BUDGET_BATCH) return;
  fw_budget_roll(budget, fw_window(now_ns));
  budget->answered += share->answered;
  cost *= share->answered;
  share->answered = 0;
  if (!(dst->lo | dst->hi)) cost >>= FW_BUDGET_ALL_SHIFT;
  budget->tat_ticks[FW_BUDGET_NEW] -=
      budget->tat_ticks[FW_BUDGET_NEW] > cost ? cost : budget->tat_ticks[FW_BUDGET_NEW];
  cost >>= FW_KNOWN_SHIFT;
  budget->tat_ticks[FW_BUDGET_KNOWN] -=
      budget->tat_ticks[FW_BUDGET_KNOWN] > cost ? cost : budget->tat_ticks[FW_BUDGET_KNOWN];
}

/* Gives back to the limits of a source or prefix what its packet cost; returns its cell, or 0. */
FW_INLINE fw_u32 fw_limit_refund(struct fw_env* env, const struct fw_config* cfg,
                                 const struct fw_addr* key, fw_u32 rule, fw_u8 traffic_class,
                                 fw_u64 now_ns) {
  fw_u32 cell = fw_source_look(env, key, rule, 0), tick = fw_tick(now_ns);
  const struct fw_limit* limit = cfg->rule[rule & (FW_MAX_RULES - 1)].limit;
  struct fw_meter* meter = cell ? fw_env_meter(env, cell - 1) : NULL;
  struct fw_source* source = fw_source_at(env, cell);

  if (source && (source->over & FW_SOURCE_NOTED))
    source->over |= fw_note_refunded(source->over, fw_metric_of(traffic_class));
  else if (meter && traffic_class == FW_CLASS_UDP_NEW)
    fw_rate_refund(&meter->tat_ticks[FW_METRIC_UDP], tick, limit[FW_METRIC_UDP].cost_q8);
  else if (meter && traffic_class == FW_CLASS_TCP_SYN)
    fw_rate_refund(&meter->tat_ticks[FW_METRIC_SYN], tick, limit[FW_METRIC_SYN].cost_q8);
  return cell;
}

/* A peer completed a handshake with a port of this host, or was answered from it (`port` is that of
 * fw_port_index()), or its connection turned out to stand (FW_REFUND_STRAY + port): what it was
 * charged is refunded, to the limits of its own and to the budgets. */
enum { FW_REFUND_STRAY = 2 << 16 };

FW_STAGE int fw_refund(struct fw_env* env, const struct fw_addr* remote,
                       const struct fw_addr* local, fw_u32 port, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u32 rule, udp = port >> 16 == 1, stray = port >> 16 == 2;
  struct fw_addr all = {0, 0}, key;
  const struct fw_shared* shared;
  struct fw_source* source;
  fw_u8 traffic_class = udp ? FW_CLASS_UDP_NEW : stray ? FW_CLASS_TCP_STRAY : FW_CLASS_TCP_SYN;

  if (!cfg || !remote || !local) return 0;
  port &= 0x1ffff;
  rule = fw_rule_of_port(env, port);
  if (fw_limit_bits(cfg, remote)) {
    key = fw_mask(*remote, fw_limit_bits(cfg, remote));
    fw_limit_refund(env, cfg, &key, FW_RULE_OF_PREFIXES, traffic_class, now_ns);
  }
  key = fw_source_key(cfg, *remote);
  source = fw_source_at(env, fw_limit_refund(env, cfg, &key, rule, traffic_class, now_ns));
  if (!source) return 0;

  shared = fw_env_shared(env);
  if (!(source->age_owes & 0xf)) return 0; /* it was charged nothing */
  if (shared && (shared->strict_classes >> traffic_class & 1)) return 0;
  source->age_owes--;
  if (stray && !fw_is_served(env, 6, (fw_u16)port)) port = 0;
  fw_budget_refund(env, cfg, local, traffic_class, (fw_u16)port, now_ns);
  fw_budget_refund(env, cfg, &all, traffic_class, port & 0xffff ? FW_ANY_SERVED : 0, now_ns);
  return 1;
}

#endif
