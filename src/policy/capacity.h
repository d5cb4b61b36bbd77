/* SPDX-License-Identifier: MIT */
/* What happens above a budget. A packet that nobody here can want is dropped. One
 * that may be of a user passes as long as its service bears it, since a flood that
 * the host bears harms nobody, and a firewall that refuses users does.
 *
 * What a service bears is configured (detect.capacity), and measured: while its
 * socket drops packets or the host suffers, the engine lowers it (engine/detect).
 * Sources that ask again have a share of their own, as large as that of all others:
 * forged sources do not come again (tables/retries.h). */
#ifndef FW_POLICY_CAPACITY_H
#define FW_POLICY_CAPACITY_H

#include "budgets.h"
#include "tables/retries.h"

enum { FW_CAPACITY_BURST_SHIFT = 3 /* an eighth of a second may come at once; judgement */ };
enum { FW_TICKS_PER_S = 62500000 };
/* A packet of an acquaintance costs a quarter of one of a source that asks again, from the same
 * share; judgement. */
enum { FW_ACQUAINTED_SHIFT = 2 };

/* 1: users may be above the budget: it is of a port on which a service listens or answers, or of a
 * protocol that a tunnel of this host takes. Whether an out-of-state packet is of a user is known
 * to the kernel (FW_ASK_KERNEL). */
FW_INLINE int fw_may_be_of_user(const struct fw_budget* budget) {
  return budget->port && budget->traffic_class != FW_CLASS_TCP_STRAY;
}

/* `cost` is that of the service, `own_cost` that of the packet, not above it. */
FW_INLINE int fw_capacity_admits(struct fw_capacity* capacity, fw_u32 side, fw_u32 cost,
                                 fw_u32 own_cost, fw_u64 now_ns) {
  fw_u32 burst = FW_TICKS_PER_S >> FW_CAPACITY_BURST_SHIFT;

  return cost && fw_rate_admit64_of(&capacity->tat_ticks[side & 1], now_ns, own_cost, cost,
                                    burst > cost ? burst : cost);
}

/* 1: an acquaintance's packet goes first, though it sends more than before: its service does not
 * suffer, or the share of those who were here before is not used up. Whoever forges addresses may
 * have made acquaintances of them, so that they have a share, and not all. */
FW_GLOBAL int fw_goes_first(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_capacity* capacity;
  fw_u32 cost, own_cost;
  int index;

  if (!cfg || !p) return 1;
  index = fw_restricted_udp_service(env, &p->dst, p->dport, now_ns);
  if (!index) return 1;
  FW_OPAQUE(index); /* clang knows its bounds, and the verifier does not */
  capacity = fw_env_capacities(env, (fw_u32)index - 1);
  if (!capacity) return 1;
  cost = FW_READ(capacity->cost);
  if (!cost) return 1;
  own_cost = cfg->budget[FW_CLASS_UDP_NEW].cost;
  if (!own_cost || own_cost > cost) own_cost = cost;
  own_cost >>= FW_ACQUAINTED_SHIFT;
  return fw_capacity_admits(capacity, FW_CAPACITY_AGAIN, cost, own_cost, now_ns);
}

/* 1: the service bears the packet, which is above the budget at `index`. */
FW_GLOBAL int fw_is_borne(struct fw_env* env, const struct fw_packet* p, fw_u32 index,
                          fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_capacity* capacity;
  const struct fw_budget* budget;
  struct fw_addr source;
  fw_u32 cost;

  if (!cfg || !p || !cfg->capacity_cost) return 0;
  budget = fw_env_budgets(env, index);
  capacity = fw_env_capacities(env, index);
  if (!budget || !capacity || !fw_may_be_of_user(budget)) return 0;
  cost = fw_capacity_cost(cfg, capacity, now_ns);
  if (!fw_capacity_admits(capacity, FW_CAPACITY_FIRST, cost, cost, now_ns)) {
    source = fw_source_key(cfg, p->src);
    if (!fw_retry_record(env, cfg, &source, budget->port, now_ns) ||
        !fw_capacity_admits(capacity, FW_CAPACITY_AGAIN, cost, cost, now_ns))
      return 0;
  }
  __sync_fetch_and_add(&capacity->passed, 1);
  fw_extend_load(env, budget->traffic_class, now_ns);
  return 1;
}

/* The reason of a packet that a budget refused: FW_REASON_PASS, or FW_REASON_BUDGET, which it
 * counts for the budget. */
FW_INLINE fw_u32 fw_settle_excess(struct fw_env* env, const struct fw_packet* p,
                                  const struct fw_decision* decision) {
  const struct fw_config* cfg = fw_env_config(env);
  fw_u32 index = decision->budget - 1U;

  if (fw_is_borne(env, p, index, fw_env_now(env))) return FW_REASON_PASS;
  if (cfg) fw_count_refused(env, index, decision->of_all, fw_env_now(env));
  return FW_REASON_BUDGET;
}

#endif
