/* SPDX-License-Identifier: MIT */
/* Conversations, and how a peer proves itself: TCP by acknowledging the sequence
 * number this host chose (a spoofer cannot see it), everything else by having
 * been spoken to first, or by a dialogue of some turns and seconds.
 *
 * Replaced: empty, else unverified and oldest, else closing, else verified and idle
 * for two hours. An unverified conversation never displaces a verified one. */
#ifndef FW_POLICY_FLOWS_H
#define FW_POLICY_FLOWS_H

#include "flow_filter.h"
#include "sources.h"

enum { FW_EXCHANGE_TURNS = 4, FW_EXCHANGE_WINDOWS = 2, FW_MAX_UNVERIFIED_BYTES = 1 << 22 };

struct fw_tuple {
  const struct fw_addr *remote, *local;
  fw_u16 remote_port, local_port;
  fw_u8 proto;
};

FW_INLINE fw_u32 fw_flow_state(const struct fw_flow* flow) {
  return flow->seen_state & 7;
}
FW_INLINE void fw_flow_set(struct fw_flow* flow, fw_u32 window, fw_u32 state) {
  fw_u32 word = window << 3 | state;

  if (flow->seen_state != word) flow->seen_state = word; /* at most one write a second */
}
FW_INLINE int fw_flow_is_established(fw_u32 state) {
  return state == FW_FLOW_ESTABLISHED || state == FW_FLOW_CLOSING;
}

FW_INLINE fw_u64 fw_flow_hash(const struct fw_config* cfg, const struct fw_tuple* t) {
  fw_u64 ports = (fw_u64)t->remote_port << 24 | (fw_u64)t->local_port << 8 | t->proto;

  return fw_mix(fw_hash(cfg, t->remote, ports) ^ t->local->lo) ^ t->local->hi;
}

FW_INLINE fw_u32 fw_flow_tag(fw_u64 h) {
  return (fw_u32)(h >> 32) | 1;
}

/* The way that a new conversation takes; FW_FLOW_SLOTS: none. */
FW_INLINE fw_u32 fw_flow_weakest(const struct fw_flow_bucket* bucket, fw_u32 window) {
  fw_u32 way = FW_FLOW_SLOTS, weakest = 0xffffffff;

  for (fw_u32 i = 0; i < FW_FLOW_SLOTS; i++) {
    fw_u32 state = bucket->slot[i].seen_state & 7, strength;
    fw_u32 idle = fw_idle(window, bucket->slot[i].seen_state >> 3, 0x1fffffff);

    if (state == FW_FLOW_EMPTY)
      strength = 0;
    else if (state < FW_FLOW_ESTABLISHED)
      strength = 0x3fffffff - idle;
    else if (state == FW_FLOW_CLOSING)
      strength = 0x7fffffff - idle;
    else if (idle >= FW_FLOW_IDLE_WINDOWS)
      strength = 0x80000000;
    else
      continue;
    if (strength < weakest) {
      weakest = strength;
      way = i;
    }
  }
  return way;
}

/* The cell of the conversation of this fw_flow_hash(); with `claim` a new one (state EMPTY) if
 * there is none and there is room. NULL: none. */
FW_INLINE struct fw_flow* fw_flow_find(struct fw_env* env, const struct fw_config* cfg, fw_u64 h,
                                       fw_u32 window, int claim) {
  fw_u32 tag = fw_flow_tag(h), way = 0;
  struct fw_flow_bucket* bucket = fw_env_flows(env, (fw_u32)h & cfg->flow_mask);
  fw_u64 found = 0, same;
  struct fw_flow* flow;

  if (!bucket) return NULL;
  for (fw_u32 i = FW_FLOW_SLOTS; i-- > 0;) {
    same = fw_if_equal(bucket->slot[i].tag, tag) & ~fw_if_equal(bucket->slot[i].seen_state & 7, 0);
    found |= same;
    way += (fw_u32)same & (i - way);
  }
  if (found) return &bucket->slot[way & (FW_FLOW_SLOTS - 1)];
  if (!claim) return NULL;
  way = fw_flow_weakest(bucket, window);
  if (way >= FW_FLOW_SLOTS) return NULL;
  flow = &bucket->slot[way & (FW_FLOW_SLOTS - 1)];
  flow->tag = tag;
  flow->seen_state = window << 3; /* EMPTY: the caller says what it is */
  flow->isn = flow->next = 0;
  fw_flow_filter_renew(env, (fw_u32)h & cfg->flow_mask, bucket);
  return flow;
}

/* Sets the state of the conversation of this hash to one that says something of its peer. */
FW_INLINE void fw_flow_say(struct fw_env* env, const struct fw_config* cfg, struct fw_flow* flow,
                           fw_u64 h, fw_u32 window, fw_u32 state) {
  fw_flow_set(flow, window, state);
  fw_flow_filter_add(env, (fw_u32)h & cfg->flow_mask, fw_flow_tag(h));
}

/* ICMP and other protocols without ports are one conversation per pair of hosts. */
FW_INLINE int fw_has_ports(fw_u8 proto) {
  return proto == 6 || proto == 17;
}
FW_INLINE int fw_is_echo_request(const struct fw_packet* p) {
  return (p->proto == 1 && !p->is_v6 && p->icmp_type == 8) ||
         (p->proto == 58 && p->is_v6 && p->icmp_type == 128);
}

enum fw_peer { FW_PEER_UNKNOWN = 0, FW_PEER_ANSWERS = 1, FW_PEER_VERIFIED = 2 };
enum { FW_PEER_MASK = 0xff, FW_FLOW_COMPLETED = 0x100 };

FW_INLINE fw_u64 fw_arriving_hash(const struct fw_config* cfg, const struct fw_packet* p) {
  struct fw_tuple t = {&p->src, &p->dst, p->sport, p->dport, p->proto};

  if (!fw_has_ports(p->proto)) t.remote_port = t.local_port = 0;
  return fw_flow_hash(cfg, &t);
}

/* Has it a conversation that could tell who sent it? A later fragment's is not to be seen; who asks
 * for an echo or a connection only begins one. */
FW_INLINE int fw_is_of_flow(const struct fw_packet* p) {
  if (p->fragment == FW_FRAG_LATER || fw_is_echo_request(p)) return 0;
  return p->proto != 6 || (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) != FW_TCP_SYN;
}

/* What the conversation of an arriving packet says of its sender (enum fw_peer); one that says
 * something is noted to go on. FW_FLOW_COMPLETED is added where it completes a handshake. `h` is
 * its fw_arriving_hash(). */
FW_INLINE int fw_flow_arrive(struct fw_env* env, const struct fw_packet* p, fw_u64 h,
                             fw_u32 window) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_flow* flow;
  fw_u32 state;
  int completed = 0;

  if (!cfg || !fw_flow_filter_has(env, (fw_u32)h & cfg->flow_mask, fw_flow_tag(h)))
    return FW_PEER_UNKNOWN;
  flow = fw_flow_find(env, cfg, h, window, 0);
  if (!flow) return FW_PEER_UNKNOWN;
  state = fw_flow_state(flow);

  if (p->proto == 6) {
    if (state == FW_FLOW_HANDSHAKE && (p->tcp_flags & FW_TCP_ACK) &&
        p->ack - flow->isn - 1 < flow->next - flow->isn) {
      state = FW_FLOW_ESTABLISHED;
      completed = FW_FLOW_COMPLETED;
    }
    if (!fw_flow_is_established(state)) return FW_PEER_UNKNOWN;
    if (p->tcp_flags & (FW_TCP_FIN | FW_TCP_RST)) state = FW_FLOW_CLOSING;
    fw_flow_set(flow, window, state);
    return FW_PEER_VERIFIED | completed;
  }
  if (state == FW_FLOW_OUTBOUND || state == FW_FLOW_ESTABLISHED) {
    fw_flow_set(flow, window, state);
    return state == FW_FLOW_OUTBOUND ? FW_PEER_ANSWERS : FW_PEER_VERIFIED;
  }
  if (p->proto == 17 && flow->isn >= FW_EXCHANGE_TURNS &&
      (fw_s32)(window - flow->next) >= FW_EXCHANGE_WINDOWS) {
    fw_flow_set(flow, window, FW_FLOW_ESTABLISHED);
    return FW_PEER_VERIFIED;
  }
  return FW_PEER_UNKNOWN;
}

/* Notes that an unverified source's UDP packet reaches this host, whose answer makes a turn of a
 * dialogue. Packets that are dropped begin no conversation: a flood of them displaces none. */
FW_STAGE int fw_flow_ask(struct fw_env* env, const struct fw_packet* p, fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;

  if (!cfg || !p) return 0;
  flow = fw_flow_find(env, cfg, fw_arriving_hash(cfg, p), window, 1);
  if (!flow || fw_flow_state(flow) > FW_FLOW_REPLIED) return 0;
  if (fw_flow_state(flow) == FW_FLOW_EMPTY) flow->next = window;
  fw_flow_set(flow, window, FW_FLOW_NEW);
  return 1;
}

/* Notes a number that a SYN was answered with where the answer does not come by fw_flow_depart().
 * 0: the conversation stands already, and nobody can begin it anew by a SYN. */
FW_STAGE int fw_flow_offer(struct fw_env* env, const struct fw_packet* syn, fw_u32 isn,
                           fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  struct fw_tuple t;
  fw_u64 h;

  if (!cfg || !syn) return 0;
  t = (struct fw_tuple){&syn->src, &syn->dst, syn->sport, syn->dport, syn->proto};
  h = fw_flow_hash(cfg, &t);
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow) return 1; /* no room: the kernel will know its cookie all the same */
  if (fw_flow_state(flow) == FW_FLOW_ESTABLISHED) return 0;
  flow->isn = isn;
  flow->next = isn + 1;
  fw_flow_say(env, cfg, flow, h, window, FW_FLOW_HANDSHAKE);
  return 1;
}

/* Notes a packet that this host sends. FW_DEPART_ANSWER: it answers an unverified source: the
 * second half of a TCP handshake, or the first UDP packet back since the peer asked;
 * FW_DEPART_MORE: another one, since the peer may have asked several times before it was answered.
 * FW_DEPART_GOES_ON: it is of a connection that stood before we looked, so what came of it was no
 * stray. */
enum { FW_DEPART_ANSWER = 1, FW_DEPART_MORE = 2, FW_DEPART_GOES_ON = 3 };

FW_INLINE int fw_flow_depart(struct fw_env* env, const struct fw_packet* p, fw_u32 window) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_flow* flow;
  struct fw_tuple t;
  fw_u32 state, end;
  int answers = 0;
  fw_u64 h;

  if (!cfg) return 0;
  t = (struct fw_tuple){&p->dst, &p->src, p->dport, p->sport, p->proto};
  if (p->fragment == FW_FRAG_LATER || fw_is_special(&p->dst)) return 0;
  if (!fw_has_ports(p->proto)) {
    if ((p->proto == 1 || p->proto == 58) && !fw_is_echo_request(p)) return 0;
    t.remote_port = t.local_port = 0;
  }
  h = fw_flow_hash(cfg, &t);
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow) return 0;
  state = fw_flow_state(flow);

  if (p->proto != 6) {
    if (state == FW_FLOW_NEW) {
      flow->isn++; /* a turn of the dialogue */
      state = FW_FLOW_REPLIED;
      if (p->proto == 17) answers = FW_DEPART_ANSWER;
    } else if (state == FW_FLOW_REPLIED) {
      if (p->proto == 17) answers = FW_DEPART_MORE;
    } else if (state == FW_FLOW_EMPTY) {
      state = FW_FLOW_OUTBOUND;
    }
  } else if (p->tcp_flags & FW_TCP_SYN) {
    flow->isn = p->seq;
    flow->next = p->seq + 1;
    state = FW_FLOW_HANDSHAKE;
    if (p->tcp_flags & FW_TCP_ACK) answers = FW_DEPART_ANSWER;
  } else if (fw_flow_is_established(state)) {
    if (p->tcp_flags & (FW_TCP_FIN | FW_TCP_RST)) state = FW_FLOW_CLOSING;
  } else {
    end = p->seq + p->payload_bytes;
    if (state < FW_FLOW_HANDSHAKE) { /* stood before we looked: it will acknowledge what we send */
      if (p->tcp_flags & FW_TCP_RST) return 0;
      answers = FW_DEPART_GOES_ON;
      flow->isn = p->seq - 1;
      flow->next = end;
    } else if (end - flow->isn < FW_MAX_UNVERIFIED_BYTES && (fw_s32)(end - flow->next) > 0) {
      flow->next = end;
    }
    state = FW_FLOW_HANDSHAKE;
  }
  fw_flow_say(env, cfg, flow, h, window, state);
  return answers;
}

#endif
