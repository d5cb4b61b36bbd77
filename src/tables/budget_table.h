/* SPDX-License-Identifier: MIT */
/* Finds a budget, and does the arithmetic of its token buckets. The budgets of all
 * addresses together have slots of their own, by class. The others are hashed by
 * address, port and class, with linear probing over FW_BUDGET_PROBES slots. When all
 * of these are taken, one that is idle is taken over; if none is, the packet is
 * charged to all addresses together, and never under a stranger's name. No memory
 * that CPUs share is written per packet: each CPU takes and refunds tokens in
 * batches. */
#ifndef FW_TABLES_BUDGET_TABLE_H
#define FW_TABLES_BUDGET_TABLE_H

#include "env.h"
#include "hash.h"
#include "rate.h"

enum {
  FW_BUDGET_PROBES = 4,    /* measured with thirty budgets, docs/decisions/budget-bursts.md */
  FW_BUDGET_BATCH = 8,     /* packets that each CPU takes in advance; judgement: 16 CPUs may
                              hold a burst of 100 (budget-bursts.md, Open) */
  FW_BUDGET_FLUSH_MS = 10, /* refused packets are added to the budget so often; judgement */
  FW_BUDGET_ALL_SHIFT = 1, /* all addresses together have twice the budget of one; judgement */
  FW_KNOWN_SHIFT = 2,      /* a packet of a known source costs a quarter; judgement */
  FW_UNDER_LOAD_NS = 2000000000, /* from the last refusal on; judgement */
  FW_BUDGET_IDLE_WINDOWS = 8, /* a budget of which no batch was taken for so long may be taken over;
                                 judgement: a client asks again within it */
  FW_BUDGETS_OF_ALL = 2 * FW_CLASS_SLOTS, /* the first slots: by class, closed and served */
};
/* The port that stands for all served ports in the budget of all addresses, so that a flood of
 * closed ports takes no tokens from it. */
enum { FW_ANY_SERVED = 1 };
/* The largest burst, in ticks (9 minutes). Such a burst and a batch of the most expensive packets
 * are still less than what is taken for a clock that stepped back. */
#define FW_BUDGET_MOST (1ULL << 35)
/* More than 2^36 ticks (18 minutes) used: the clock stepped back. */
#define FW_BUDGET_CLOCK_STEPPED_SHIFT 36

/* A budget and this CPU's share of it; both NULL where there is none. */
struct fw_budget_place {
  struct fw_budget* budget;
  struct fw_budget_share* share;
};

/* Tokens used, in ticks. */
FW_INLINE fw_u64 fw_budget_used(const struct fw_budget* budget, fw_u32 side, fw_u64 now_ns) {
  fw_u64 tick = now_ns >> FW_TICK_SHIFT, tat = budget->tat_ticks[side & 1];
  fw_u64 used = tat > tick ? tat - tick : 0;

  return used >> FW_BUDGET_CLOCK_STEPPED_SHIFT ? 0 : used;
}

/* 1: nothing was taken from the budget for FW_BUDGET_IDLE_WINDOWS, and all of it is left. */
FW_INLINE int fw_budget_is_idle(const struct fw_budget* budget, fw_u64 now_ns) {
  return fw_idle(fw_window(now_ns), budget->window, 0xffffffff) >= FW_BUDGET_IDLE_WINDOWS &&
         !fw_budget_used(budget, FW_BUDGET_NEW, now_ns) &&
         !fw_budget_used(budget, FW_BUDGET_KNOWN, now_ns);
}

FW_INLINE void fw_budget_name(struct fw_budget* budget, const struct fw_addr* dst,
                              fw_u8 traffic_class, fw_u16 port) {
  budget->dst = *dst;
  budget->port = port;
  budget->traffic_class = traffic_class;
  budget->used = 1;
}

FW_INLINE int fw_budget_is_named(const struct fw_budget* budget, const struct fw_addr* dst,
                                 fw_u8 traffic_class, fw_u16 port) {
  return budget->dst.lo == dst->lo && budget->dst.hi == dst->hi && budget->port == port &&
         budget->traffic_class == traffic_class;
}

/* Takes over a budget that is idle. 0: another CPU was faster. */
FW_INLINE int fw_budget_take_over(struct fw_budget* budget, fw_u64 now_ns) {
  fw_u32 window = budget->window;

  if (__sync_val_compare_and_swap(&budget->window, window, fw_window(now_ns)) != window) return 0;
  budget->taken = budget->taken_before = budget->answered = budget->answered_before = 0;
  budget->below_half_ms = 0;
  return 1;
}

/* The budget of all addresses: of their served ports (`port` is not 0), or of the others. */
FW_INLINE fw_u32 fw_budget_index_of_all(struct fw_env* env, fw_u8 traffic_class, fw_u16 port) {
  fw_u32 index = (traffic_class & (FW_CLASS_SLOTS - 1)) * 2U + !!port;
  struct fw_budget* budget = fw_env_budgets(env, index);
  const struct fw_addr all = {0, 0};

  if (budget && !budget->used)
    fw_budget_name(budget, &all, traffic_class, port ? FW_ANY_SERVED : 0);
  return index;
}

/* Where the search of a name begins. No sender chooses these freely, so one round of mixing is
 * enough. */
FW_INLINE fw_u32 fw_budget_first(const struct fw_config* cfg, struct fw_addr dst,
                                 fw_u8 traffic_class, fw_u16 port) {
  fw_u64 name = dst.hi ^ ((fw_u64)port << 8 | traffic_class);

  return (fw_u32)fw_mix((dst.lo ^ cfg->seed[0]) + name * FW_GOLDEN_GAMMA);
}

/* The i-th slot of the search. */
FW_INLINE fw_u32 fw_budget_probe(fw_u32 first, fw_u32 i) {
  fw_u32 index = (first + i) & (FW_BUDGET_SLOTS - 1);

  return index < FW_BUDGETS_OF_ALL ? index + FW_BUDGETS_OF_ALL : index;
}

/* The index of a budget; `what` is class << 16 | port. A BPF function, which takes at most five
 * arguments. */
FW_GLOBAL fw_u32 fw_budget_index(struct fw_env* env, const struct fw_addr* dst, fw_u32 what,
                                 fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u8 traffic_class = (fw_u8)(what >> 16);
  fw_u16 port = (fw_u16)what;
  fw_u32 first, index, idle = 0;
  struct fw_budget* budget;

  if (!cfg || !dst) return 0;
  first = fw_budget_first(cfg, *dst, traffic_class, port);
  for (fw_u32 i = 0; i < FW_BUDGET_PROBES; i++) {
    index = fw_budget_probe(first, i);
    budget = fw_env_budgets(env, index);
    if (!budget) return index;
    if (!budget->used) {
      fw_budget_name(budget, dst, traffic_class, port);
      return index;
    }
    if (fw_budget_is_named(budget, dst, traffic_class, port)) return index;
    if (!idle && fw_budget_is_idle(budget, now_ns)) idle = index;
  }
  budget = idle ? fw_env_budgets(env, idle) : NULL;
  if (budget && fw_budget_take_over(budget, now_ns)) {
    fw_budget_name(budget, dst, traffic_class, port);
    return idle;
  }
  return fw_budget_index_of_all(env, traffic_class, port);
}

FW_INLINE struct fw_budget_place fw_budget_at(struct fw_env* env, fw_u32 index) {
  struct fw_budget_place at = {fw_env_budgets(env, index), fw_env_budget_shares(env, index)};

  return at;
}
/* The index of the budget if there is one; FW_BUDGET_SLOTS: there is none. */
FW_INLINE fw_u32 fw_budget_look_up(struct fw_env* env, const struct fw_config* cfg,
                                   const struct fw_addr* dst, fw_u8 traffic_class, fw_u16 port) {
  fw_u32 first = fw_budget_first(cfg, *dst, traffic_class, port);

  for (fw_u32 i = 0; i < FW_BUDGET_PROBES; i++) {
    fw_u32 index = fw_budget_probe(first, i);
    const struct fw_budget* budget = fw_env_budgets(env, index);

    if (!budget || !budget->used) break;
    if (fw_budget_is_named(budget, dst, traffic_class, port)) return index;
  }
  return FW_BUDGET_SLOTS;
}
FW_INLINE struct fw_budget_place fw_budget_find_of_all(struct fw_env* env, fw_u8 traffic_class,
                                                       fw_u16 port) {
  return fw_budget_at(env, fw_budget_index_of_all(env, traffic_class, port));
}

FW_INLINE const struct fw_budget_limit* fw_budget_limit_of(const struct fw_config* cfg,
                                                           const struct fw_budget* budget) {
  return &cfg->budget[budget->traffic_class & (FW_CLASS_SLOTS - 1)];
}
FW_INLINE int fw_budget_is_of_all(const struct fw_budget* budget) {
  return !(budget->dst.lo | budget->dst.hi);
}

FW_INLINE void fw_budget_roll(struct fw_budget* budget, fw_u32 window) {
  fw_u32 passed = window - budget->window;

  if (!passed) return;
  fw_rate_roll(&budget->taken, &budget->taken_before, passed);
  budget->answered_before = passed == 1 ? budget->answered : 0;
  budget->answered = 0;
  budget->window = window;
}

/* Takes a batch of tokens. */
FW_INLINE void fw_budget_take_batch(const struct fw_config* cfg, struct fw_budget* budget,
                                    fw_u32 side, fw_u64 now_ns) {
  fw_u64 cost = fw_budget_limit_of(cfg, budget)->cost;

  if (side == FW_BUDGET_KNOWN) cost >>= FW_KNOWN_SHIFT;
  if (fw_budget_is_of_all(budget)) cost >>= FW_BUDGET_ALL_SHIFT;
  budget->tat_ticks[side & 1] =
      (now_ns >> FW_TICK_SHIFT) + fw_budget_used(budget, side, now_ns) + cost * FW_BUDGET_BATCH;
  fw_budget_roll(budget, fw_window(now_ns));
  budget->taken += FW_BUDGET_BATCH;
}

/* Refunds ticks to one side. */
FW_INLINE void fw_budget_give(fw_u64* tat_ticks, fw_u64 ticks) {
  *tat_ticks -= *tat_ticks > ticks ? ticks : *tat_ticks;
}
/* Refunds one packet's tokens to both sides; in fact a batch at a time. */
FW_INLINE void fw_budget_refund(const struct fw_config* cfg, struct fw_budget_place at,
                                fw_u8 traffic_class, fw_u64 now_ns) {
  fw_u64 cost = cfg->budget[traffic_class & (FW_CLASS_SLOTS - 1)].cost;

  if (!at.budget || !at.share) return;
  if (++at.share->answered < FW_BUDGET_BATCH) return;
  fw_budget_roll(at.budget, fw_window(now_ns));
  at.budget->answered += at.share->answered;
  cost *= at.share->answered;
  at.share->answered = 0;
  if (fw_budget_is_of_all(at.budget)) cost >>= FW_BUDGET_ALL_SHIFT;
  fw_budget_give(&at.budget->tat_ticks[FW_BUDGET_NEW], cost);
  fw_budget_give(&at.budget->tat_ticks[FW_BUDGET_KNOWN], cost >> FW_KNOWN_SHIFT);
}

/* A packet is above a budget: its class is under load. Written every FW_BUDGET_FLUSH_MS at most. */
FW_INLINE void fw_extend_load(struct fw_env* env, fw_u32 traffic_class, fw_u64 now_ns) {
  struct fw_shared* shared = fw_env_shared(env, 0);
  fw_u64 until_ns = now_ns + FW_UNDER_LOAD_NS;
  fw_u32 slot = traffic_class & (FW_CLASS_SLOTS - 1);

  if (shared && until_ns - shared->under_load_until_ns[slot] >= (fw_u64)FW_BUDGET_FLUSH_MS << 20)
    shared->under_load_until_ns[slot] = until_ns;
}

/* Counts a packet that a budget refused and that is dropped, and extends the time under load. */
FW_INLINE void fw_budget_count_refused(struct fw_env* env, struct fw_budget_place at,
                                       fw_u64 now_ns) {
  fw_u32 now_ms = fw_ms(now_ns);

  if (!at.budget || !at.share) return;
  at.share->refused++;
  if (now_ms - at.share->flushed_ms < FW_BUDGET_FLUSH_MS) return;
  at.share->flushed_ms = now_ms;
  __sync_fetch_and_add(&at.budget->refused, at.share->refused);
  at.share->refused = 0;
  fw_extend_load(env, at.budget->traffic_class, now_ns);
}

#endif
