/* SPDX-License-Identifier: MIT */
/* The stage of budgets: what unverified sources may send together, per class and
 * address, or per served port of it. Budgets act from the first excess packet on,
 * before the engine has seen the flood (docs/decisions/budgets.md).
 *
 * Volume alone is no evidence. A completed handshake and an answered request refund
 * their tokens (refund.h), so the clients of a busy server use up none. One source
 * can take few tokens, so a single busy sender, whom limits judge, cannot exhaust a
 * budget.
 *
 * Sources that were known before the load, and those with a verified flow (whose
 * address may be forged all the same), have a bucket of their own, in which a packet
 * costs a quarter. New sources share the other bucket; while more than half of it is
 * used, each prefix has a quota. */
#ifndef FW_POLICY_BUDGETS_H
#define FW_POLICY_BUDGETS_H

#include "context.h"
#include "refund.h"

/* Tunables. Each is a judgement that the gates of the captures test (docs/detection.md), except
 * where a measurement is named. */
enum {
  FW_BUDGET_PER_SOURCE = 16, /* quota of one source in a window: packets that take tokens ... */
  FW_BUDGET_EVERY = 64,      /* ... beyond it only one of so many does */
  FW_BUDGET_UNLIMITED = 255, /* no quota (fw_source.taken has 8 bits) */
  FW_BUDGET_PER_PREFIX = 16, /* quota of one prefix, while more than half of the budget is used */
  FW_BUDGET_RTT_SHIFT = 3,   /* the burst has room for the answers of an eighth of a second, or of a
                                quarter where a socket holds questions until its program runs */
  FW_BUDGET_EXHAUSTED_MS = 1000, /* sources over their quota are refused for so long after it */
  /* Measured, docs/decisions/budget-bursts.md: 50,000 questions a second lose none while the
   * program waits 50 ms for a CPU; a flood of 10,000 a second is refused after 21 ms. */
  FW_LISTENS_SHIFT = 3,      /* 8 bursts where a UDP socket holds packets until its program runs */
  FW_LARGE_RCVBUF_SHIFT = 5, /* 32 bursts where that socket has a large receive buffer */
  FW_ANSWER_MS = 8,          /* the first answers may take so long ... */
  FW_ANSWER_SHIFT = 2,       /* ... within 4 bursts */
};

/* How a packet asks a budget for tokens: flags, or-ed. */
enum fw_request {
  FW_REQUEST_KNOWN = FW_BUDGET_KNOWN, /* from a known source; else from a new one */
  FW_REQUEST_UNLIMITED = 2,           /* its source has no quota: all its packets take tokens */
  FW_REQUEST_TO_SOCKET = 4,           /* UDP to a listening socket, which holds it */
  FW_REQUEST_TO_LARGE_RCVBUF = 8,     /* and the socket has a large receive buffer */
  FW_REQUEST_PREFIX_QUOTA = 16,       /* the budget is short: its prefix has a quota, too */
  FW_REQUEST_WITHIN_QUOTA = 32,       /* of its source and prefix */
};
FW_INLINE fw_u32 fw_request_side(fw_u32 request) {
  return request & FW_REQUEST_KNOWN;
}

/* The burst, in ticks: larger where much was answered lately, since those answers take their time.
 * A budget that was idle in the window before has no rate yet: all its answers are added. */
FW_INLINE fw_u64 fw_budget_burst(const struct fw_budget* budget,
                                 const struct fw_budget_limit* limit, fw_u32 request) {
  fw_u64 burst = budget->port ? limit->served_burst : limit->burst;
  fw_u64 answers =
      budget->answered > budget->answered_before ? budget->answered : budget->answered_before;

  if (request & FW_REQUEST_TO_SOCKET)
    burst <<= request & FW_REQUEST_TO_LARGE_RCVBUF ? FW_LARGE_RCVBUF_SHIFT : FW_LISTENS_SHIFT;
  if (budget->answered_before) answers >>= FW_BUDGET_RTT_SHIFT - !!(request & FW_REQUEST_TO_SOCKET);
  burst += answers * limit->cost;
  return burst < FW_BUDGET_MOST ? burst : FW_BUDGET_MOST;
}

/* 1: more than half of a service's budget has been used for less than FW_ANSWER_MS, so the answers
 * may still come. A flood of 10,000 packets/s and more is refused within 21 ms (tests/policy). */
FW_INLINE int fw_budget_burst_is_available(const struct fw_budget* budget,
                                           const struct fw_budget_limit* limit, fw_u32 side,
                                           fw_u64 now_ns) {
  return budget->traffic_class == FW_CLASS_UDP_NEW && budget->port && side == FW_BUDGET_NEW &&
         fw_ms(now_ns) - budget->below_half_ms < FW_ANSWER_MS &&
         fw_budget_used(budget, side, now_ns) <= (fw_u64)limit->served_burst << FW_ANSWER_SHIFT;
}

/* 1: lately more than half was used and new sources were refused. Then sources over their quota are
 * refused as well: they are not one busy sender but many. */
FW_INLINE int fw_budget_was_exhausted(const struct fw_budget_share* share, fw_u32 side,
                                      fw_u64 now_ns) {
  return side == FW_BUDGET_NEW && share->exhausted_ms &&
         fw_ms(now_ns) - share->exhausted_ms < FW_BUDGET_EXHAUSTED_MS;
}

/* 1: the budget admits the request. A request over its quota is admitted without taking tokens. */
FW_INLINE int fw_budget_admits(const struct fw_config* cfg, struct fw_budget_place at,
                               fw_u32 request, fw_u64 now_ns) {
  const struct fw_budget_limit* limit;
  fw_u32 side = fw_request_side(request);
  fw_u64 used, half;

  if (!at.budget || !at.share) return 1;
  limit = fw_budget_limit_of(cfg, at.budget);
  used = fw_budget_used(at.budget, side, now_ns);
  half = fw_budget_burst(at.budget, limit, request) >> 1;
  if (used <= half) {
    if (side == FW_BUDGET_NEW && at.budget->below_half_ms != fw_ms(now_ns))
      at.budget->below_half_ms = fw_ms(now_ns);
    if ((request & FW_REQUEST_WITHIN_QUOTA) || !fw_budget_was_exhausted(at.share, side, now_ns))
      return 1;
  } else {
    if ((request & FW_REQUEST_WITHIN_QUOTA) &&
        (used <= half << 1 || fw_budget_burst_is_available(at.budget, limit, side, now_ns)))
      return 1;
    if (side == FW_BUDGET_NEW) at.share->exhausted_ms = fw_ms(now_ns) | !fw_ms(now_ns);
  }
  return 0;
}

/* Counts the packet towards the quotas of its source and prefix. 1: it is within both. */
FW_INLINE int fw_count_towards_quota(struct fw_env* env, const struct fw_config* cfg,
                                     const struct fw_packet* p, fw_u8 traffic_class,
                                     fw_u32 slot_number, fw_u32 request, fw_u64 now_ns) {
  fw_u32 prefix_quota = FW_BUDGET_PER_PREFIX
                        << (request & FW_REQUEST_TO_SOCKET ? FW_LISTENS_SHIFT : 0);
  fw_u32 quota = request & FW_REQUEST_UNLIMITED ? FW_BUDGET_UNLIMITED : FW_BUDGET_PER_SOURCE;
  struct fw_source* source = fw_source_at(env, slot_number);
  struct fw_addr prefix;

  if (source) {
    if (++source->taken == 0) source->taken = 0x100 - FW_BUDGET_EVERY;
    if (source->taken > quota && source->taken % FW_BUDGET_EVERY) return 0;
    fw_source_add_unrefunded(source);
  }
  if (!(request & FW_REQUEST_PREFIX_QUOTA)) return 1;
  prefix = fw_fair_prefix(p->src);
  source = fw_source_at(
      env, fw_source_find(env, fw_hash(cfg, &prefix, FW_FAIR_PREFIX_SALT), 0, traffic_class, now_ns)
               .slot_number);
  if (!source) return 1;
  if (source->taken >= prefix_quota) return 0;
  source->taken++;
  return 1;
}

/* Takes a refused packet out of its source's quota again. Otherwise sources that send much would
 * use up their quotas with refused packets, and pass without tokens afterwards. A refused SYN is
 * also taken out of the unrefunded packets: it may be answered by a cookie, and the handshake must
 * not refund tokens that were never taken. */
FW_INLINE void fw_uncount(struct fw_env* env, fw_u32 slot_number, int is_syn_within_quota) {
  struct fw_source* source = fw_source_at(env, slot_number);

  if (!source) return;
  if (source->taken) source->taken--;
  if (is_syn_within_quota) fw_source_remove_unrefunded(source);
}

/* 1: unsolicited: nobody here asked for the packet. Known only where egress is seen. That includes
 * packets that a service leaves unanswered while it answers others; not those of a service that
 * never answers. */
FW_INLINE int fw_is_unsolicited(struct fw_env* env, fw_u8 traffic_class,
                                const struct fw_sender* sender, const struct fw_source* source) {
  const struct fw_shared* shared = fw_env_shared(env, 0);

  if (!shared || !shared->egress_seen) return 0;
  if (traffic_class == FW_CLASS_TCP_STRAY || traffic_class == FW_CLASS_UDP_REFLECTED) return 1;
  if (traffic_class != FW_CLASS_UDP_NEW) return 0;
  return sender->served == FW_PORT_CLOSED || ((sender->served & FW_PORT_ANSWERS) && source &&
                                              fw_source_unrefunded(source) == FW_UNREFUNDED_MOST);
}

/* What a packet asks for: a port, or a protocol that has none. */
FW_INLINE fw_u16 fw_service_of(const struct fw_packet* p) {
  return fw_has_ports(p->proto) ? p->dport : p->proto;
}

/* The sender's request; enum fw_request. */
FW_INLINE fw_u32 fw_request_of(fw_u8 traffic_class, const struct fw_sender* sender,
                               const struct fw_source* source, int unsolicited) {
  fw_u32 request = unsolicited ? FW_REQUEST_UNLIMITED : 0;

  if (sender->has_verified ||
      (source && traffic_class != FW_CLASS_TCP_SYN && fw_source_is_known(source)))
    request |= FW_REQUEST_KNOWN;
  if (traffic_class == FW_CLASS_UDP_NEW && (sender->served & FW_PORT_LISTENS)) {
    request |= FW_REQUEST_TO_SOCKET;
    if (sender->served & FW_PORT_LARGE_RCVBUF) request |= FW_REQUEST_TO_LARGE_RCVBUF;
  }
  return request;
}

/* 1: more than half of the budget is used, and some is left: then a prefix has a quota. */
FW_INLINE int fw_budget_is_short(const struct fw_budget* budget,
                                 const struct fw_budget_limit* limit, fw_u32 request, fw_u32 credit,
                                 fw_u64 now_ns) {
  fw_u64 used = fw_budget_used(budget, fw_request_side(request), now_ns);
  fw_u64 half = fw_budget_burst(budget, limit, request) >> 1;

  return used > half && (used <= half << 1 || credit) &&
         !fw_budget_burst_is_available(budget, limit, fw_request_side(request), now_ns);
}

/* Which budget refuses the packet: its own one's index + 1, or-ed with FW_REFUSED_BY_ALL if that of
 * all addresses does. 0: none does, and tokens were taken. */
enum { FW_REFUSED_BY_ALL = 1 << 16 };
FW_GLOBAL int fw_is_over_budget(struct fw_env* env, const struct fw_packet* p, fw_u8 traffic_class,
                                const struct fw_sender* sender, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_budget_place own, of_all;
  const struct fw_budget_limit* limit;
  const struct fw_source* source;
  fw_u32 request, side, index, refused_by;
  fw_u16 port = 0;
  int unsolicited;

  if (!cfg || !p || !sender) return 0;
  limit = &cfg->budget[traffic_class & (FW_CLASS_SLOTS - 1)];
  if (!limit->cost) return 0;
  source = fw_source_at(env, sender->slot_number);
  unsolicited = fw_is_unsolicited(env, traffic_class, sender, source);
  request = fw_request_of(traffic_class, sender, source, unsolicited);
  side = fw_request_side(request);
  if (sender->served && fw_class_has_port(traffic_class)) port = fw_service_of(p);
  index = fw_budget_index(env, &p->dst, (fw_u32)traffic_class << 16 | port, now_ns);
  own = fw_budget_at(env, index);
  refused_by = index + 1;
  if (!own.budget || !own.share) return 0;
  if (fw_budget_is_short(own.budget, limit, request, own.share->credit[side], now_ns))
    request |= FW_REQUEST_PREFIX_QUOTA;
  if (fw_count_towards_quota(env, cfg, p, traffic_class, sender->slot_number, request, now_ns))
    request |= FW_REQUEST_WITHIN_QUOTA;
  if ((request & FW_REQUEST_WITHIN_QUOTA) && own.share->credit[side]) {
    own.share->credit[side]--;
    return 0;
  }

  if (fw_budget_admits(cfg, own, request, now_ns)) {
    refused_by |= FW_REFUSED_BY_ALL;
    of_all = fw_budget_find_of_all(env, traffic_class, port);
    if (fw_budget_admits(cfg, of_all, request, now_ns)) {
      if (!(request & FW_REQUEST_WITHIN_QUOTA)) return 0;
      fw_budget_take_batch(cfg, own.budget, side, now_ns);
      if (of_all.budget && of_all.budget != own.budget)
        fw_budget_take_batch(cfg, of_all.budget, side, now_ns);
      own.share->credit[side] = FW_BUDGET_BATCH - 1;
      return 0;
    }
  }
  fw_uncount(env, sender->slot_number,
             traffic_class == FW_CLASS_TCP_SYN && (request & FW_REQUEST_WITHIN_QUOTA));
  return (int)refused_by;
}

FW_INLINE fw_u32 fw_stage_budgets(struct fw_context* x) {
  struct fw_decision* decision = x->decision;
  fw_u32 refused_by =
      (fw_u32)fw_is_over_budget(x->env, x->packet, decision->traffic_class, x->sender, x->now_ns);

  if (!refused_by) return FW_CONTINUE;
  decision->budget = (fw_u16)refused_by;
  decision->of_all = refused_by >= FW_REFUSED_BY_ALL;
  return FW_REASON_BUDGET;
}

/* Counts a packet that the budget at `index` refused, or that of all addresses in its stead. */
FW_GLOBAL int fw_count_refused(struct fw_env* env, fw_u32 index, fw_u32 by_all, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  const struct fw_budget* budget = env ? fw_env_budgets(env, index) : NULL;

  if (!cfg || !budget) return 0;
  fw_budget_count_refused(env,
                          by_all ? fw_budget_find_of_all(env, budget->traffic_class, budget->port)
                                 : fw_budget_at(env, index),
                          now_ns);
  return 1;
}

#endif
