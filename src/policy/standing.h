/* SPDX-License-Identifier: MIT */
/* The stage of exempt and restricted sources, whose packets are told apart by their
 * flow (docs/decisions/evidence-for-a-ban.md, what-passes-unjudged.md):
 *   - restricted: what this host asked for goes on, as do packets of verified flows.
 *     The rest is dropped; a SYN is answered by a SYN cookie first;
 *   - exempt: peers pass. What nobody asked for passes within budgets that all exempt
 *     addresses share, since their addresses may be forged; the rest is judged on;
 *   - own addresses: not the source of a packet that arrives for one of them. Copies of
 *     what this host sends to many may come back to it. */
#ifndef FW_POLICY_STANDING_H
#define FW_POLICY_STANDING_H

#include "access.h"
#include "budgets.h"

enum {
  /* 500/s of each kind and 250 at once: far above what routers, resolvers and log-ins send unasked.
   * Judgement, like the next two. */
  FW_EXEMPT_COST_TICKS = 125000,
  FW_EXEMPT_BURST_TICKS = 31250000,
  /* More than 5,000/s and 500 at once is a surge: nothing above the budgets passes until it has
   * been over for two seconds. */
  FW_EXEMPT_SURGE_COST_TICKS = 12500,
  FW_EXEMPT_SURGE_BURST_TICKS = 6250000,
  FW_EXEMPT_SURGE_NS = 2000000000,
  FW_EXEMPT_SURGE_STEP_NS = 100000000, /* its end is written so often at most */
};

/* An index of fw_shared.exempt_tat_ticks. */
FW_INLINE fw_u32 fw_exempt_kind(fw_u8 traffic_class) {
  if (traffic_class == FW_CLASS_TCP_SYN) return 0;
  if (traffic_class == FW_CLASS_TCP_STRAY) return 1;
  return traffic_class == FW_CLASS_UDP_NEW || traffic_class == FW_CLASS_UDP_REFLECTED ? 2 : 3;
}

/* What becomes of a packet of an exempt address that nobody asked for. */
enum fw_unasked { FW_UNASKED_PASSES = 0, FW_UNASKED_GOES_ON = 1, FW_UNASKED_IS_REFUSED = 2 };

/* Takes the tokens of such a packet; enum fw_unasked. A refused packet is counted for the budget of
 * its class and destination, so that the engine sees the flood. */
FW_GLOBAL int fw_exempt_take(struct fw_env* env, const struct fw_packet* p, fw_u8 traffic_class,
                             fw_u8 served, fw_u64 now_ns) {
  struct fw_shared* shared = env ? fw_env_shared(env, 0) : NULL;
  fw_u64 until_ns = now_ns + FW_EXEMPT_SURGE_NS;
  fw_u16 port;

  if (!shared || !p) return FW_UNASKED_PASSES;
  if (!fw_rate_admit64(&shared->exempt_surge_tat_ticks, now_ns, FW_EXEMPT_SURGE_COST_TICKS,
                       FW_EXEMPT_SURGE_BURST_TICKS) &&
      until_ns - shared->exempt_surge_until_ns >= FW_EXEMPT_SURGE_STEP_NS) {
    shared->exempt_surge_until_ns = until_ns;
    /* Else the flood makes dialogues, whose packets are asked for (acquaintance.h). */
    if ((fw_s32)(fw_window(until_ns) + 1 - shared->restricted_until_window) > 0)
      shared->restricted_until_window = fw_window(until_ns) + 1;
  }
  if (fw_rate_admit64(&shared->exempt_tat_ticks[fw_exempt_kind(traffic_class)], now_ns,
                      FW_EXEMPT_COST_TICKS, FW_EXEMPT_BURST_TICKS))
    return FW_UNASKED_PASSES;
  if (shared->exempt_surge_until_ns <= now_ns) return FW_UNASKED_GOES_ON;
  port = served && fw_class_has_port(traffic_class) ? fw_service_of(p) : 0;
  fw_budget_count_refused(
      env,
      fw_budget_at(env, fw_budget_index(env, &p->dst, (fw_u32)traffic_class << 16 | port, now_ns)),
      now_ns);
  return FW_UNASKED_IS_REFUSED;
}

/* A handshake that was completed is no excess: it does not renew the restriction. */
FW_INLINE void fw_restriction_forgives(struct fw_context* x) {
  struct fw_entry* entry = fw_env_entries(x->env, x->decision->entry & FW_ENTRY_INDEX);

  if (entry && entry->count && (entry->metric & FW_ENTRY_METRIC) == FW_METRIC_SYN) entry->count--;
}

FW_INLINE fw_u32 fw_stage_standing(struct fw_context* x) {
  fw_u32 standing = fw_standing_of(x->decision);
  int unasked;

  if (standing == FW_STANDING_NONE) return FW_CONTINUE;
  if (standing == FW_STANDING_RESTRICTED) {
    if (x->completes_handshake) fw_restriction_forgives(x);
    if (x->sender->peer) return FW_CONTINUE;
    fw_count_banned(x, x->decision->entry & FW_ENTRY_INDEX);
    return FW_REASON_RESTRICT;
  }
  if (standing == FW_STANDING_EXEMPT && x->sender->peer) return FW_REASON_EXEMPT;
  unasked =
      fw_exempt_take(x->env, x->packet, x->decision->traffic_class, x->sender->served, x->now_ns);
  if (standing == FW_STANDING_OWN &&
      (unasked != FW_UNASKED_PASSES ||
       fw_entry_find(x->env, &x->packet->dst, x->now_ns).standing == FW_STANDING_OWN))
    return FW_REASON_SPOOFED;
  if (unasked == FW_UNASKED_IS_REFUSED) return FW_REASON_BUDGET;
  return unasked == FW_UNASKED_PASSES ? FW_REASON_EXEMPT : FW_CONTINUE;
}

#endif
