/* SPDX-License-Identifier: MIT */
/* The stages of access lists and service actions. A source is exempt, else allowed,
 * else denied, else banned or restricted; else the action of the packet's service is
 * applied. What becomes of packets of exempt and restricted sources depends on their
 * flow: standing.h decides, after that is known. */
#ifndef FW_POLICY_ACCESS_H
#define FW_POLICY_ACCESS_H

#include "context.h"
#include "tables/access_lists.h"
#include "tables/entry_pending.h"
#include "tables/port_table.h"

/* The reason that the lists and entries give, or FW_CONTINUE. */
FW_INLINE fw_u32 fw_access_reason(const struct fw_access* access) {
  fw_u32 standing = access->entry.standing;

  if (standing >= FW_STANDING_EXEMPT) return FW_REASON_EXEMPT;
  if (standing == FW_STANDING_ALLOWED) return FW_REASON_ALLOW;
  if (access->listed & FW_LIST_ALLOW) return FW_REASON_ALLOW;
  if (access->listed & FW_LIST_DENY) return FW_REASON_DENY;
  if (standing == FW_STANDING_BANNED) return FW_REASON_BAN;
  if (standing == FW_STANDING_RESTRICTED) return FW_REASON_RESTRICT;
  return FW_CONTINUE;
}

/* fw_decision.entry: the index of the entry in the low bits, what it makes of the source in the
 * high ones. 0: the source is neither exempt nor restricted. */
enum { FW_ENTRY_INDEX_BITS = 28, FW_ENTRY_INDEX = (1 << FW_ENTRY_INDEX_BITS) - 1 };
FW_INLINE fw_u32 fw_standing_of(const struct fw_decision* decision) {
  return decision->entry >> FW_ENTRY_INDEX_BITS;
}
FW_INLINE int fw_is_exempt(const struct fw_decision* decision) {
  return fw_standing_of(decision) >= FW_STANDING_EXEMPT;
}

/* A packet in units of the entry's metric. */
FW_INLINE fw_u32 fw_entry_units(const struct fw_entry* entry, const struct fw_packet* p) {
  fw_u32 metric = entry->metric & FW_ENTRY_METRIC;

  if (metric == FW_METRIC_PACKETS) return 1;
  if (metric == FW_METRIC_BYTES) return fw_byte_units(p);
  return metric == fw_metric_of(fw_classify(p, FW_PEER_UNKNOWN));
}

/* Counts a packet of a banned source for its ban. */
FW_INLINE void fw_count_banned(struct fw_context* x, fw_u32 index) {
  struct fw_entry* entry = fw_env_entries(x->env, index);

  if (entry) fw_pending_count(x->env, index, entry, fw_entry_units(entry, x->packet), x->now_ns);
}

FW_INLINE fw_u32 fw_stage_access_lists(struct fw_context* x) {
  struct fw_access access = fw_access_find(x->env, x->config, x->counters, &x->packet->src);
  fw_u32 reason = fw_access_reason(&access);

  if (reason == FW_REASON_ALLOW || reason == FW_REASON_DENY) return reason;
  x->now_ns = fw_env_now(x->env);
  if (reason == FW_REASON_BAN) {
    fw_count_banned(x, access.entry.index);
    return reason;
  }
  if (reason != FW_CONTINUE)
    x->decision->entry =
        access.entry.standing << FW_ENTRY_INDEX_BITS | (access.entry.index & FW_ENTRY_INDEX);
  return FW_CONTINUE;
}

FW_INLINE fw_u32 fw_stage_service_action(struct fw_context* x) {
  const struct fw_packet* p = x->packet;
  fw_u32 standing = fw_standing_of(x->decision);
  const struct fw_rule* rule;

  if (fw_has_ports(p->proto) && p->fragment != FW_FRAG_LATER)
    x->decision->rule = (fw_u8)fw_port_rule(x->env, fw_port_index(p->proto, p->dport));
  rule = &x->config->rule[x->decision->rule];
  if (rule->action == FW_ACTION_DROP && standing < FW_STANDING_EXEMPT) return FW_REASON_CLOSED;
  if (rule->action == FW_ACTION_PASS && standing != FW_STANDING_RESTRICTED &&
      standing != FW_STANDING_OWN)
    return FW_REASON_OPEN;
  return FW_CONTINUE;
}

#endif
