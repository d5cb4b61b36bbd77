/* SPDX-License-Identifier: MIT */
/* Which services suffer. The engine measures it and writes it into the tables with an
 * end (fw_capacity.cost, fw_shared.restricted_until_window). What a UDP service
 * answers is no evidence then: a flood may be an exact image of its users' questions.
 * So such an answer refunds no tokens (refund.h) and makes no acquaintance (flows.h). */
#ifndef FW_POLICY_SUFFERING_H
#define FW_POLICY_SUFFERING_H

#include "tables/budget_table.h"

/* 1: some service is restricted. */
FW_INLINE int fw_services_are_restricted(struct fw_env* env, fw_u32 window) {
  const struct fw_shared* shared = fw_env_shared(env, 0);

  return shared && (fw_s32)(shared->restricted_until_window - window) > 0;
}

/* Ticks that a packet above its budget costs a service: the configured capacity's, or what the
 * engine found, which has an end. */
FW_INLINE fw_u32 fw_capacity_cost(const struct fw_config* cfg, const struct fw_capacity* capacity,
                                  fw_u64 now_ns) {
  fw_u32 found = FW_READ(capacity->cost);

  if (!found || (fw_s32)(FW_READ(capacity->until_ms) - fw_ms(now_ns)) <= 0)
    return cfg->capacity_cost;
  return found;
}

/* 1: this one is given less than the configured capacity. */
FW_INLINE int fw_is_restricted(const struct fw_config* cfg, const struct fw_capacity* capacity,
                               fw_u64 now_ns) {
  return fw_capacity_cost(cfg, capacity, now_ns) > cfg->capacity_cost;
}

/* Index + 1 of the capacity of a UDP service that is restricted; 0: it is not. */
FW_GLOBAL int fw_restricted_udp_service(struct fw_env* env, const struct fw_addr* local,
                                        fw_u32 port, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  const struct fw_capacity* capacity;
  fw_u32 index;

  if (!cfg || !local || !fw_services_are_restricted(env, fw_window(now_ns))) return 0;
  index = fw_budget_look_up(env, cfg, local, FW_CLASS_UDP_NEW, (fw_u16)port);
  if (index >= FW_BUDGET_SLOTS) return 0;
  capacity = fw_env_capacities(env, index);
  return capacity && fw_is_restricted(cfg, capacity, now_ns) ? (int)index + 1 : 0;
}

#endif
