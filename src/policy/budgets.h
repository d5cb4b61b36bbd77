/* SPDX-License-Identifier: MIT */
/* Budgets: what sources that have not verified themselves may send together, per
 * class and address, or per port where a service of this host answers. They
 * hold from the first excess packet on, before anybody has looked at the flood.
 *
 * Volume alone is no evidence. A budget is drawn on by packets that got nothing
 * in return: a completed handshake and an answered request are refunded, so a
 * busy server's clients owe nothing. One source can draw little of it, so a
 * single busy sender (judged by limits per source) cannot exhaust it either.
 *
 * Who pays: a source with a verified flow nothing; one that was known before the
 * trouble began has a side of its own, on which a packet costs a quarter; new
 * ones share the rest, and when that runs short no prefix gets more than a few.
 *
 * Nothing shared is written per packet: every CPU draws batches. */
#ifndef FW_POLICY_BUDGETS_H
#define FW_POLICY_BUDGETS_H

#include "classify.h"

enum {
  FW_BUDGET_PROBES = 4, /* places of the table that one is looked for in */
  FW_BUDGET_BATCH = 8,
  FW_BUDGET_PER_SOURCE = 16, /* packets of one source that are charged in a window, then ... */
  FW_BUDGET_EVERY = 64,      /* ... every so many of them */
  FW_BUDGET_PER_PREFIX = 16, /* and of one prefix, while the budget is more than half owed */
  FW_BUDGET_ALL_SHIFT = 1,   /* all addresses together may owe twice as much as one */
  FW_BUDGET_RTT_SHIFT = 3,   /* answers that are still due: those of an eighth of a second, or, of a
                                program whose socket holds the questions, of a quarter */
  FW_BUDGET_FLUSH_MS = 10,
  FW_BUDGET_EXHAUSTED_MS = 1000, /* who may not draw waits until there was half of it for so long */
  FW_KNOWN_SHIFT = 2,
  FW_LISTENS_SHIFT = 3,      /* UDP to a socket may wait for its program to be scheduled ... */
  FW_LARGE_RCVBUF_SHIFT = 5, /* ... longer where the socket holds as many packets */
  FW_ANSWER_MS = 8, /* and at first, so long for the answers to come: four bursts at most */
  FW_ANSWER_SHIFT = 2,
  FW_UNDER_LOAD_NS = 2000000000,
  FW_ANY_SERVED = 1,       /* the port of all addresses' budget for ports that are served: a flood
                              of closed ones takes nothing from it */
  FW_PREFIX_RULE = 0x1000, /* cells of prefixes beside those of sources */
};
#define FW_NO_BUDGET 0xffffffffU
/* Ticks (9 minutes) that may be owed at most: with a batch of the dearest packets on top it is not
 * yet taken for a clock that stepped back, and forgiven. */
#define FW_BUDGET_MOST (1ULL << 35)

/* What is known of a port of this host: FW_PORT_*. `index` as of fw_port_line. */
FW_INLINE fw_u32 fw_port_index(fw_u8 proto, fw_u16 port) {
  return port + (proto == 17 ? 65536u : 0u);
}
FW_INLINE fw_u32 fw_is_served(struct fw_env* env, fw_u8 proto, fw_u16 port) {
  fw_u32 index = fw_port_index(proto, port);
  const struct fw_port_line* line = fw_env_served(env, index / FW_LINE_BYTES);

  return line ? line->rule[index & (FW_LINE_BYTES - 1)] : 0;
}
FW_INLINE void fw_note_served(struct fw_env* env, fw_u8 proto, fw_u16 port) {
  fw_u32 index = fw_port_index(proto, port);
  struct fw_port_line* line = fw_env_served(env, index / FW_LINE_BYTES);

  if (line && !(line->rule[index & (FW_LINE_BYTES - 1)] & FW_PORT_ANSWERS))
    line->rule[index & (FW_LINE_BYTES - 1)] |= FW_PORT_ANSWERS;
}

FW_INLINE int fw_class_has_port(fw_u8 traffic_class) {
  return traffic_class == FW_CLASS_TCP_SYN || traffic_class == FW_CLASS_TCP_STRAY ||
         traffic_class == FW_CLASS_UDP_NEW;
}

FW_INLINE void fw_budget_roll(struct fw_budget* budget, fw_u32 window) {
  fw_u32 passed = window - budget->window;

  if (!passed) return;
  fw_rate_roll(&budget->charged, &budget->charged_before, passed);
  budget->answered_before = passed == 1 ? budget->answered : 0;
  budget->answered = 0;
  budget->window = window;
}

/* The index of a budget. It names itself when it is first used; where its first place has another
 * name it is one of the next, and only when they are all taken two budgets share a place. */
FW_INLINE fw_u32 fw_budget_index(struct fw_env* env, const struct fw_addr* dst, fw_u8 traffic_class,
                                 fw_u16 port) {
  const struct fw_config* cfg = fw_env_config(env);
  fw_u32 first, index;
  fw_u64 name;

  if (!cfg) return FW_NO_BUDGET;
  name = dst->hi ^ ((fw_u64)port << 8 | traffic_class); /* nobody else chooses these: mixed once */
  first = (fw_u32)fw_mix((dst->lo ^ cfg->seed[0]) + name * 0x9e3779b97f4a7c15ULL);
  for (fw_u32 i = 0; i < FW_BUDGET_PROBES; i++) {
    struct fw_budget* budget;

    index = (first + i) & (FW_BUDGET_SLOTS - 1);
    budget = fw_env_budget(env, index);
    if (!budget) return FW_NO_BUDGET;
    if (!budget->used) {
      budget->dst = *dst;
      budget->port = port;
      budget->traffic_class = traffic_class;
      budget->used = 1;
      return index;
    }
    if (budget->dst.lo == dst->lo && budget->dst.hi == dst->hi && budget->port == port &&
        budget->traffic_class == traffic_class)
      return index;
  }
  return first & (FW_BUDGET_SLOTS - 1);
}

/* How a packet asks a budget for room. */
enum { FW_MAY_DRAW = 1, FW_TO_SOCKET = 2, FW_TO_LARGE_RCVBUF = 4 };

/* What may be owed now: more where much was answered lately, for those answers take their time.
 * What was idle in the window before has no rate yet: it may owe as much as it was answered. */
FW_INLINE fw_u64 fw_budget_burst(const struct fw_budget* budget,
                                 const struct fw_budget_limit* limit, fw_u32 how) {
  fw_u64 burst = budget->port ? limit->served_burst : limit->burst;
  fw_u64 answers =
      budget->answered > budget->answered_before ? budget->answered : budget->answered_before;

  if (how & FW_TO_SOCKET)
    burst <<= how & FW_TO_LARGE_RCVBUF ? FW_LARGE_RCVBUF_SHIFT : FW_LISTENS_SHIFT;
  if (budget->answered_before) answers >>= FW_BUDGET_RTT_SHIFT - !!(how & FW_TO_SOCKET);
  burst += answers * limit->cost;
  return burst < FW_BUDGET_MOST ? burst : FW_BUDGET_MOST;
}

/* Ticks owed. More than 2^36 (18 minutes) is a clock that stepped back. */
FW_INLINE fw_u64 fw_budget_owed(const struct fw_budget* budget, fw_u32 side, fw_u64 now_ns) {
  fw_u64 tick = now_ns >> FW_TICK_SHIFT, until = budget->tat_ticks[side & 1];
  fw_u64 owed = until > tick ? until - tick : 0;

  return owed >> 36 ? 0 : owed;
}

FW_INLINE void fw_budget_refuse(struct fw_env* env, struct fw_budget* budget,
                                struct fw_budget_share* share, fw_u64 now_ns) {
  struct fw_shared* shared = fw_env_shared(env);
  fw_u32 now_ms = fw_ms(now_ns);

  share->refused++;
  if (now_ms - share->flushed_ms < FW_BUDGET_FLUSH_MS) return;
  share->flushed_ms = now_ms;
  __sync_fetch_and_add(&budget->refused, share->refused);
  share->refused = 0;
  if (shared) shared->under_load_until_ns = now_ns + FW_UNDER_LOAD_NS;
}

/* 1: more than half of a service's budget has been owed for so short a time that the answers may
 * still come. A flood of 10,000 packets/s and more is refused after some 20 ms all the same. */
FW_INLINE int fw_budget_is_fresh(const struct fw_budget* budget,
                                 const struct fw_budget_limit* limit, fw_u32 side, fw_u64 now_ns) {
  return budget->traffic_class == FW_CLASS_UDP_NEW && budget->port && side == FW_BUDGET_NEW &&
         fw_ms(now_ns) - budget->below_half_ms < FW_ANSWER_MS &&
         fw_budget_owed(budget, side, now_ns) <= (fw_u64)limit->served_burst << FW_ANSWER_SHIFT;
}

/* Was more than half owed lately, and new sources refused? Then those that drew enough are no
 * single busy sender, but many, and wait: they would pass for nothing whenever less than half is
 * owed. */
FW_INLINE int fw_budget_is_short(const struct fw_budget_share* share, fw_u32 side, fw_u64 now_ns) {
  return side == FW_BUDGET_NEW && share->exhausted_ms &&
         fw_ms(now_ns) - share->exhausted_ms < FW_BUDGET_EXHAUSTED_MS;
}

/* 1: there is room in a budget for packets of new or known sources. */
FW_INLINE int fw_budget_admits(struct fw_env* env, fw_u32 index, fw_u32 side, fw_u32 how,
                               fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_budget* budget = fw_env_budget(env, index);
  struct fw_budget_share* share = fw_env_budget_share(env, index);
  const struct fw_budget_limit* limit;
  fw_u64 owed, half;

  if (!cfg || !budget || !share) return 1;
  limit = &cfg->budget[budget->traffic_class & (FW_CLASS_SLOTS - 1)];
  owed = fw_budget_owed(budget, side, now_ns);
  half = fw_budget_burst(budget, limit, how) >> 1;
  if (owed <= half) {
    if (side == FW_BUDGET_NEW && budget->below_half_ms != fw_ms(now_ns))
      budget->below_half_ms = fw_ms(now_ns);
    /* Who drew enough goes on for nothing, until it is short. */
    if ((how & FW_MAY_DRAW) || !fw_budget_is_short(share, side, now_ns)) return 1;
  } else {
    if ((how & FW_MAY_DRAW) &&
        (owed <= half << 1 || fw_budget_is_fresh(budget, limit, side, now_ns)))
      return 1;
    if (side == FW_BUDGET_NEW) share->exhausted_ms = fw_ms(now_ns) | !fw_ms(now_ns);
  }
  fw_budget_refuse(env, budget, share, now_ns);
  return 0;
}

/* Draws a batch. */
FW_INLINE void fw_budget_draw(struct fw_env* env, fw_u32 index, fw_u32 side, fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_budget* budget = fw_env_budget(env, index);
  fw_u64 cost;

  if (!cfg || !budget) return;
  cost = cfg->budget[budget->traffic_class & (FW_CLASS_SLOTS - 1)].cost;
  if (side == FW_BUDGET_KNOWN) cost >>= FW_KNOWN_SHIFT;
  if (!(budget->dst.lo | budget->dst.hi)) cost >>= FW_BUDGET_ALL_SHIFT;
  budget->tat_ticks[side & 1] =
      (now_ns >> FW_TICK_SHIFT) + fw_budget_owed(budget, side, now_ns) + cost * FW_BUDGET_BATCH;
  fw_budget_roll(budget, fw_window(now_ns));
  budget->charged += FW_BUDGET_BATCH;
}

FW_INLINE fw_u32 fw_rule_of_port(struct fw_env* env, fw_u32 index) {
  const struct fw_port_line* line = fw_env_port_line(env, index / FW_LINE_BYTES);

  return line ? line->rule[index & (FW_LINE_BYTES - 1)] : 0;
}

/* The prefix that shares fairly with others: a /24 or /48. */
FW_INLINE struct fw_addr fw_prefix_key(struct fw_addr a) {
  return fw_mask(a, fw_is_v4(&a) ? 96 + 24 : 48);
}

/* May this source, and under pressure its prefix, draw on the budget once more? `most` is how often
 * the source may in a window, besides every FW_BUDGET_EVERYth packet. */
enum { FW_DRAW_PRESSED = 0x100, FW_DRAW_FROM_SOCKET = 0x200 };

FW_INLINE int fw_may_draw(struct fw_env* env, const struct fw_packet* p, fw_u32 cell, fw_u32 most,
                          fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_source* source;
  struct fw_addr key;

  if (!cfg) return 1;
  source = fw_source_at(env, cell);
  if (source) {
    if (++source->charged == 0) source->charged = 0x100 - FW_BUDGET_EVERY;
    if (source->charged > (most & 0xff) && source->charged % FW_BUDGET_EVERY) return 0;
    if ((source->age_owes & 0xf) < 0xf) source->age_owes++;
  }
  if (!(most & FW_DRAW_PRESSED)) return 1;
  key = fw_prefix_key(p->src);
  source = fw_source_at(
      env, (fw_u32)fw_source_find(env, fw_hash(cfg, &key, FW_PREFIX_RULE + 1), 0, now_ns));
  if (!source) return 1;
  if (source->charged >= FW_BUDGET_PER_PREFIX
                             << (most & FW_DRAW_FROM_SOCKET ? FW_LISTENS_SHIFT : 0))
    return 0;
  source->charged++;
  return 1;
}

/* How a packet that is of no verified peer stands with the budgets. */
struct fw_standing {
  fw_u32 side;    /* FW_BUDGET_* */
  fw_u32 is_free; /* 1: charged to none */
  fw_u32 most;    /* see fw_may_draw() */
};

FW_INLINE struct fw_standing fw_standing_of(struct fw_env* env, fw_u8 traffic_class,
                                            const struct fw_sender* sender) {
  const struct fw_shared* shared = fw_env_shared(env);
  const struct fw_source* source = fw_source_at(env, (fw_u32)sender->found);
  struct fw_standing standing = {FW_BUDGET_NEW, 0, FW_BUDGET_PER_SOURCE};
  /* What is of use to nobody here, as far as one can tell who sees both directions: also what a
   * service that answers others leaves unanswered. One that never answers may want it all. */
  fw_u32 useless =
      shared && shared->egress_seen &&
      (traffic_class == FW_CLASS_TCP_STRAY || traffic_class == FW_CLASS_UDP_REFLECTED ||
       (traffic_class == FW_CLASS_UDP_NEW &&
        (sender->served == FW_PORT_CLOSED ||
         ((sender->served & FW_PORT_ANSWERS) && source && (source->age_owes & 0xf) == 0xf))));

  if (useless) standing.most = 0xff;
  if (sender->found & FW_SOURCE_HAS_VERIFIED) {
    standing.side = FW_BUDGET_KNOWN;
    standing.is_free = !useless;
  } else if (source && traffic_class != FW_CLASS_TCP_SYN && fw_source_is_known(source)) {
    standing.side = FW_BUDGET_KNOWN;
  }
  return standing;
}

/* Takes back what fw_may_draw() noted of a packet that was refused: or sources that send much, many
 * together, would spend their draws on refusals, and what they send next would cost nobody a thing.
 * Nor does a SYN owe then: it may still lead to a handshake (it is answered by a cookie), which
 * must not refund what was never charged. */
FW_INLINE void fw_take_back(struct fw_env* env, fw_u32 cell, int owes_nothing) {
  struct fw_source* source = fw_source_at(env, cell);

  if (!source) return;
  if (source->charged) source->charged--;
  if (owes_nothing && (source->age_owes & 0xf)) source->age_owes--;
}

/* 1: the packet's class is over its budget, and its sender has to pay. */
FW_STAGE int fw_is_over_budget(struct fw_env* env, const struct fw_packet* p, fw_u8 traffic_class,
                               const struct fw_sender* sender, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  const struct fw_budget_limit* limit;
  struct fw_budget_share* share;
  const struct fw_budget* budget;
  struct fw_standing standing;
  struct fw_addr dst;
  fw_u32 index, all, how;
  fw_u8* credit;
  fw_u64 owed, half;
  fw_u16 port = 0;

  if (!cfg || !p || !sender) return 0;
  limit = &cfg->budget[traffic_class & (FW_CLASS_SLOTS - 1)];
  if (!limit->cost) return 0;
  standing = fw_standing_of(env, traffic_class, sender);
  if (standing.is_free) return 0;
  if (sender->served && fw_class_has_port(traffic_class)) port = p->dport;
  dst = p->dst;
  index = fw_budget_index(env, &dst, traffic_class, port);
  budget = fw_env_budget(env, index);
  share = fw_env_budget_share(env, index);
  if (!budget || !share) return 0;
  credit = &share->credit[standing.side & 1];
  how = traffic_class == FW_CLASS_UDP_NEW && (sender->served & FW_PORT_LISTENS) ? FW_TO_SOCKET : 0;
  if (how && (sender->served & FW_PORT_LARGE_RCVBUF)) how |= FW_TO_LARGE_RCVBUF;
  /* Where nothing is left it does not matter what the prefix has had. */
  owed = fw_budget_owed(budget, standing.side, now_ns);
  half = fw_budget_burst(budget, limit, how) >> 1;
  if (owed > half && (owed <= half << 1 || *credit) &&
      !fw_budget_is_fresh(budget, limit, standing.side, now_ns))
    standing.most |= FW_DRAW_PRESSED;
  if (how) standing.most |= FW_DRAW_FROM_SOCKET;
  if (fw_may_draw(env, p, (fw_u32)sender->found, standing.most, now_ns)) how |= FW_MAY_DRAW;
  if ((how & FW_MAY_DRAW) && *credit) {
    --*credit;
    return 0;
  }

  if (fw_budget_admits(env, index, standing.side, how, now_ns)) {
    dst.hi = dst.lo = 0;
    all = fw_budget_index(env, &dst, traffic_class, port ? FW_ANY_SERVED : 0);
    if (fw_budget_admits(env, all, standing.side, how, now_ns)) {
      if (!(how & FW_MAY_DRAW)) return 0;
      fw_budget_draw(env, index, standing.side, now_ns);
      fw_budget_draw(env, all, standing.side, now_ns);
      *credit = FW_BUDGET_BATCH - 1;
      return 0;
    }
  }
  fw_take_back(env, (fw_u32)sender->found,
               traffic_class == FW_CLASS_TCP_SYN && (how & FW_MAY_DRAW));
  return 1;
}

#endif
