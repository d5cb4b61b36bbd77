/* SPDX-License-Identifier: MIT */
/* Finding a flow's slot: one bucket of four, one cache line, behind a Bloom filter.
 * Which slot a new flow takes: an empty one, else the unestablished one seen
 * longest ago, else a closing one, else an established one that was idle for two
 * hours, else none. So an unestablished flow never displaces an established one. */
#ifndef FW_TABLES_FLOW_TABLE_H
#define FW_TABLES_FLOW_TABLE_H

#include "flow_filter.h"
#include "hash.h"
#include "rate.h"

enum { FW_FLOW_IDLE_WINDOWS = 6705 /* 2 hours, after which Linux sends TCP keep-alives */ };

/* The two ends of a flow, as seen from here. Protocols without ports have zeros. */
struct fw_tuple {
  const struct fw_addr *remote, *local;
  fw_u16 remote_port, local_port;
  fw_u8 proto;
};

FW_INLINE fw_u32 fw_flow_state(const struct fw_flow* flow) {
  return flow->seen_state & 7;
}
FW_INLINE fw_u32 fw_flow_seen_window(const struct fw_flow* flow) {
  return flow->seen_state >> 3;
}
/* Writes only when something changed: at most once a window for a flow that goes on. */
FW_INLINE void fw_flow_set(struct fw_flow* flow, fw_u32 window, fw_u32 state) {
  fw_u32 word = window << 3 | state;

  if (flow->seen_state != word) flow->seen_state = word;
}
FW_INLINE int fw_state_is_established(fw_u32 state) {
  return state == FW_FLOW_ESTABLISHED || state == FW_FLOW_CLOSING;
}

FW_INLINE fw_u64 fw_flow_hash(const struct fw_config* cfg, const struct fw_tuple* t) {
  fw_u64 ports = (fw_u64)t->remote_port << 24 | (fw_u64)t->local_port << 8 | t->proto;

  return fw_mix(fw_hash(cfg, t->remote, ports) ^ t->local->lo) ^ t->local->hi;
}
FW_INLINE fw_u32 fw_flow_tag(fw_u64 h) {
  return (fw_u32)(h >> 32) | 1;
}
FW_INLINE fw_u32 fw_flow_bucket(const struct fw_config* cfg, fw_u64 h) {
  return (fw_u32)h & cfg->flow_mask;
}

/* The slot that a new flow takes; FW_FLOW_SLOTS: none. The one with the lowest rank goes. */
FW_INLINE fw_u32 fw_flow_victim(const struct fw_flow_bucket* bucket, fw_u32 window) {
  const fw_u32 rank_of_new = 0x3fffffff, rank_of_closing = 0x7fffffff, rank_of_idle = 0x80000000;
  fw_u32 victim = FW_FLOW_SLOTS, lowest = 0xffffffff;

  for (fw_u32 i = 0; i < FW_FLOW_SLOTS; i++) {
    fw_u32 state = fw_flow_state(&bucket->slot[i]), rank;
    fw_u32 idle = fw_idle(window, fw_flow_seen_window(&bucket->slot[i]), 0x1fffffff);

    if (state == FW_FLOW_EMPTY)
      rank = 0;
    else if (state < FW_FLOW_ESTABLISHED)
      rank = rank_of_new - idle;
    else if (state == FW_FLOW_CLOSING)
      rank = rank_of_closing - idle;
    else if (idle >= FW_FLOW_IDLE_WINDOWS)
      rank = rank_of_idle;
    else
      continue;
    if (rank < lowest) {
      lowest = rank;
      victim = i;
    }
  }
  return victim;
}

/* The flow of this fw_flow_hash(); with `claim` a new one (state EMPTY) if there is none and a slot
 * can be taken. NULL: none. */
FW_INLINE struct fw_flow* fw_flow_find(struct fw_env* env, const struct fw_config* cfg, fw_u64 h,
                                       fw_u32 window, int claim) {
  fw_u32 tag = fw_flow_tag(h), at = 0;
  struct fw_flow_bucket* bucket = fw_env_flows(env, fw_flow_bucket(cfg, h));
  fw_u64 found = 0, same;
  struct fw_flow* flow;

  if (!bucket) return NULL;
  for (fw_u32 i = FW_FLOW_SLOTS; i-- > 0;) {
    same = fw_if_equal(bucket->slot[i].tag, tag) & ~fw_if_equal(bucket->slot[i].seen_state & 7, 0);
    found |= same;
    at += (fw_u32)same & (i - at);
  }
  if (found) return &bucket->slot[at & (FW_FLOW_SLOTS - 1)];
  if (!claim) return NULL;
  at = fw_flow_victim(bucket, window);
  if (at >= FW_FLOW_SLOTS) return NULL;
  flow = &bucket->slot[at & (FW_FLOW_SLOTS - 1)];
  flow->tag = tag;
  flow->seen_state = window << 3 | FW_FLOW_EMPTY; /* the caller sets the state */
  flow->tcp.isn = flow->tcp.next = 0;
  fw_flow_filter_recompute(env, fw_flow_bucket(cfg, h), bucket);
  return flow;
}

/* 0: no flow of this hash says anything of its peer. */
FW_INLINE int fw_flow_may_be_known(struct fw_env* env, const struct fw_config* cfg, fw_u64 h) {
  return fw_flow_filter_has(env, fw_flow_bucket(cfg, h), fw_flow_tag(h));
}

/* Gives the flow of this hash a state that says something of its peer. */
FW_INLINE void fw_flow_publish(struct fw_env* env, const struct fw_config* cfg,
                               struct fw_flow* flow, fw_u64 h, fw_u32 window, fw_u32 state) {
  fw_flow_set(flow, window, state);
  fw_flow_filter_add(env, fw_flow_bucket(cfg, h), fw_flow_tag(h));
}

#endif
