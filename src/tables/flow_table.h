/* SPDX-License-Identifier: MIT */
/* Finds a flow's slot: one bucket of four, one cache line, behind a Bloom filter. A
 * new flow takes an empty slot, else that of the unestablished flow seen longest
 * ago, else of an acquaintance that was idle for half a minute, else of a closing
 * flow, else of an established one that was idle for two hours, else none. So an
 * unestablished flow never displaces an established one that is in use. */
#ifndef FW_TABLES_FLOW_TABLE_H
#define FW_TABLES_FLOW_TABLE_H

#include "flow_filter.h"
#include "hash.h"
#include "rate.h"

enum {
  FW_FLOW_IDLE_WINDOWS = 6705, /* 2 hours: tcp_keepalive_time of Linux */
  /* 30 s: NAT's timeout of UDP (nf_conntrack_udp_timeout), which dialogues keep alive. */
  FW_ACQUAINTANCE_IDLE_WINDOWS = 28,
};

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
/* Writes only if something changed: for a flow in the same state once a window. */
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

/* The slot that a new flow takes, which is the one with the lowest rank; FW_FLOW_SLOTS: none. */
FW_INLINE fw_u32 fw_flow_victim(const struct fw_flow_bucket* bucket, fw_u32 window) {
  const fw_u32 rank_of_new = 0x1fffffff, rank_of_acquaintance = 0x3fffffff,
               rank_of_closing = 0x7fffffff, rank_of_idle = 0x80000000;
  fw_u32 victim = FW_FLOW_SLOTS, lowest = 0xffffffff;

  for (fw_u32 i = 0; i < FW_FLOW_SLOTS; i++) {
    fw_u32 state = fw_flow_state(&bucket->slot[i]), rank;
    fw_u32 idle = fw_idle(window, fw_flow_seen_window(&bucket->slot[i]), 0x1fffffff);

    if (state == FW_FLOW_EMPTY)
      rank = 0;
    else if (state < FW_FLOW_ESTABLISHED)
      rank = rank_of_new - idle;
    else if (state == FW_FLOW_ACQUAINTED && idle >= FW_ACQUAINTANCE_IDLE_WINDOWS)
      rank = rank_of_acquaintance - idle;
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

/* The flow with this fw_flow_hash(). With `claim` takes a slot for a new one (state EMPTY) if there
 * is none. NULL: no flow, or no slot. */
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

/* 0: there is no flow with this hash that this host answered or began. */
FW_INLINE int fw_flow_may_be_known(struct fw_env* env, const struct fw_config* cfg, fw_u64 h) {
  return fw_flow_filter_has(env, fw_flow_bucket(cfg, h), fw_flow_tag(h));
}

/* Sets a state that belongs in the filter, and adds the flow to it. */
FW_INLINE void fw_flow_publish(struct fw_env* env, const struct fw_config* cfg,
                               struct fw_flow* flow, fw_u64 h, fw_u32 window, fw_u32 state) {
  fw_flow_set(flow, window, state);
  fw_flow_filter_add(env, fw_flow_bucket(cfg, h), fw_flow_tag(h));
}

#endif
