/* SPDX-License-Identifier: MIT */
/* The firewall. A packet's whole way, in this order, with an early return per
 * stage:
 *
 *   parse -> link survival -> malformed -> exempt or allowed -> denied ->
 *   banned -> static rule -> verified? -> signatures -> limits per source ->
 *   budgets per class -> pass
 *
 * The same frame, tables and now_ns give the same verdict, event and tables
 * wherever this is compiled: in the XDP program and in the host library. In mode
 * observe everything happens but the drop. */
#ifndef FW_POLICY_DECIDE_H
#define FW_POLICY_DECIDE_H

#include "budgets.h"
#include "hits.h"
#include "limits.h"
#include "names.h"
#include "one_way.h"
#include "parse.h"
#include "refund.h"
#include "scans.h"
#include "signatures.h"

enum { FW_DHCP_COST_TICKS = 625000 /* 100/s */, FW_DHCP_BURST_TICKS = 62500000 };

FW_INLINE int fw_keeps_link_alive(struct fw_env* env, const struct fw_packet* p) {
  struct fw_shared* shared;

  if (fw_is_neighbour_discovery(p)) return 1;
  if (!fw_is_dhcp_answer(p)) return 0;
  shared = fw_env_shared(env); /* beyond 100/s it is a flood, and judged like any other */
  return shared && fw_rate_admit_shared(&shared->link_tat_ticks, fw_env_now(env),
                                        FW_DHCP_COST_TICKS, FW_DHCP_BURST_TICKS);
}

FW_INLINE fw_u32 fw_rule_of(struct fw_env* env, const struct fw_packet* p) {
  if (!fw_has_ports(p->proto) || p->fragment == FW_FRAG_LATER) return 0;
  return fw_rule_of_port(env, fw_port_index(p->proto, p->dport));
}

/* Does an unverified source's UDP packet pass, and begin a conversation? A guess: not in a flood.
 */
FW_INLINE int fw_may_begin(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  const struct fw_shared* shared = fw_env_shared(env);

  return p->proto == 17 && shared && shared->under_load_until_ns <= now_ns &&
         !fw_has_signatures(env, FW_CLASS_UDP_NEW) &&
         !fw_has_signatures(env, FW_CLASS_UDP_REFLECTED);
}

/* Asks for the cache lines of the source and of the conversation side by side, of the latter where
 * it will be begun. The source's meters are not asked for: of a flood's sources most have none. */
FW_INLINE void fw_touch(struct fw_env* env, const struct fw_config* cfg, fw_u64 source_hash,
                        fw_u64 flow_hash, int begins) {
  const struct fw_source_bucket* sources =
      fw_env_sources(env, (fw_u32)source_hash & cfg->source_mask);
  const struct fw_flow_bucket* flows =
      begins ? fw_env_flows(env, (fw_u32)flow_hash & cfg->flow_mask) : NULL;

  if (sources) (void)FW_READ(sources->slot[0].tag);
  if (flows) (void)FW_READ(flows->slot[0].tag);
}

/* What the packet's conversation says of its sender; see fw_flow_arrive(). */
FW_INLINE fw_u32 fw_arrived(struct fw_env* env, const struct fw_config* cfg,
                            const struct fw_packet* p, fw_u64 source_hash, fw_u64 now_ns) {
  const struct fw_shared* shared = fw_env_shared(env);
  int is_of_flow = fw_is_of_flow(p), is_deaf = p->proto == 6 && shared && !shared->egress_seen;
  fw_u32 arrived = FW_PEER_UNKNOWN;
  fw_u64 h;

  if (!is_of_flow && !is_deaf) return arrived;
  h = fw_arriving_hash(cfg, p);
  fw_touch(env, cfg, source_hash, h, fw_may_begin(env, p, now_ns));
  if (is_of_flow) arrived = (fw_u32)fw_flow_arrive(env, p, h, fw_window(now_ns));
  if (arrived || !is_deaf) return arrived;
  arrived = (fw_u32)fw_flow_go_on(env, p, h, fw_window(now_ns));
  if (arrived & FW_FLOW_COMPLETED) fw_note_served(env, 6, p->dport);
  if (arrived & FW_FLOW_GOES_ON)
    fw_refund(env, &p->src, &p->dst, FW_REFUND_STRAY + p->dport, now_ns);
  return arrived;
}

/* A packet that no name decides about: classes, signatures, limits, budgets. */
FW_INLINE fw_u32 fw_judge_unverified(struct fw_env* env, const struct fw_config* cfg,
                                     struct fw_counters* counters, const struct fw_packet* p,
                                     struct fw_decision* decision, fw_u64 now_ns) {
  struct fw_sender sender = {fw_source_key(cfg, p->src), 0, FW_PEER_UNKNOWN, 0, 0, 0, 0};
  fw_u64 source_hash = fw_source_hash(cfg, &sender.key, decision->rule);
  fw_u32 arrived, traffic_class;

  arrived = fw_arrived(env, cfg, p, source_hash, now_ns);
  sender.peer = arrived & FW_PEER_MASK;
  traffic_class = fw_classify(p, sender.peer);
  if (!sender.peer && fw_has_ports(p->proto)) {
    sender.served = (fw_u8)fw_is_served(env, p->proto, p->dport);
    if ((sender.served & FW_PORT_ANSWERS) && traffic_class == FW_CLASS_UDP_REFLECTED)
      traffic_class = FW_CLASS_UDP_NEW;
  }
  if (traffic_class >= FW_CLASS_COUNT) return FW_REASON_PASS;
  decision->traffic_class = (fw_u8)traffic_class;
  counters->class_packets[traffic_class]++;
  counters->class_bytes[traffic_class] += p->len_bytes;
  if (arrived & FW_FLOW_COMPLETED) {
    counters->class_answered[FW_CLASS_TCP_SYN]++;
    fw_refund(env, &p->src, &p->dst, p->dport, now_ns);
  }

  if (!sender.peer) {
    counters->class_unverified[traffic_class]++;
    if (fw_has_signatures(env, traffic_class))
      decision->signature = (fw_u8)fw_signature_find(env, p, traffic_class);
    if (decision->signature && !fw_source_is_verified(env, &sender.key, decision->rule, now_ns)) {
      counters->signature_packets[(decision->signature - 1) & (FW_MAX_SIGNATURES - 1)]++;
      fw_take_sample(env, p, decision, FW_SAMPLE_REFUSED, now_ns);
      return FW_REASON_SIGNATURE;
    }
  }
  sender.bits = fw_source_bits(cfg, &p->src);
  if (!fw_is_special(&p->src))
    sender.found = fw_source_find(env, source_hash, sender.peer != FW_PEER_UNKNOWN, now_ns);
  if (fw_is_over_limit(env, p, decision, &sender, now_ns)) return FW_REASON_LIMIT;
  if (fw_is_over_prefix_limit(env, cfg, p, decision, &sender, now_ns)) return FW_REASON_LIMIT;
  if (sender.peer) {
    fw_take_sample(env, p, decision, FW_SAMPLE_TRUSTED, now_ns);
    return FW_REASON_VERIFIED;
  }
  if (sender.found & FW_SOURCE_IS_NEW) counters->class_new_sources[traffic_class]++;
  if (!sender.served && (traffic_class == FW_CLASS_TCP_SYN || traffic_class == FW_CLASS_UDP_NEW))
    fw_note_closed_port(env, cfg, p, decision, (fw_u32)sender.found, now_ns);
  if (fw_is_over_budget(env, p, decision->traffic_class, &sender, now_ns)) {
    fw_take_sample(env, p, decision, FW_SAMPLE_REFUSED, now_ns);
    return FW_REASON_BUDGET;
  }
  fw_take_sample(env, p, decision,
                 sender.found & FW_SOURCE_HAS_VERIFIED ? FW_SAMPLE_TRUSTED : FW_SAMPLE_NEW, now_ns);
  return FW_REASON_PASS;
}

/* What is done about a parsed packet, and why. Fills traffic_class and rule of *decision. */
FW_INLINE fw_u32 fw_judge(struct fw_env* env, const struct fw_config* cfg,
                          struct fw_counters* counters, int parsed, const struct fw_packet* p,
                          struct fw_decision* decision) {
  const struct fw_rule* rule;
  fw_u64 names, now_ns;

  if (parsed == FW_PARSED_NOT_IP) return FW_REASON_NOT_IP;
  if (parsed == FW_PARSED_ARP) return FW_REASON_LINK;
  if (parsed == FW_PARSED_MALFORMED) return FW_REASON_MALFORMED;
  if (fw_keeps_link_alive(env, p)) return FW_REASON_LINK;

  names = fw_names(env, cfg, counters, &p->src);
  if (FW_NAMES_ENTRY(names) == FW_ENTRY_EXEMPT) return FW_REASON_EXEMPT;
  if (FW_NAMES_ENTRY(names) == FW_ENTRY_ALLOW) return FW_REASON_ALLOW;
  if (FW_NAMES_LISTS(names) & FW_LIST_ALLOW) return FW_REASON_ALLOW;
  if (FW_NAMES_LISTS(names) & FW_LIST_DENY) return FW_REASON_DENY;
  now_ns = fw_env_now(env);
  if (FW_NAMES_ENTRY(names) == FW_ENTRY_BAN) {
    fw_entry_hit(env, FW_NAMES_INDEX(names), p, now_ns);
    return FW_REASON_BAN;
  }

  decision->rule = (fw_u8)fw_rule_of(env, p);
  rule = &cfg->rule[decision->rule];
  if (rule->action == FW_ACTION_DROP) return FW_REASON_CLOSED;
  if (rule->action == FW_ACTION_PASS) return FW_REASON_OPEN;

  return fw_judge_unverified(env, cfg, counters, p, decision, now_ns);
}

FW_INLINE int fw_reason_drops(fw_u32 reason) {
  const fw_u32 drops = 1u << FW_REASON_MALFORMED | 1u << FW_REASON_DENY | 1u << FW_REASON_BAN |
                       1u << FW_REASON_CLOSED | 1u << FW_REASON_SIGNATURE | 1u << FW_REASON_LIMIT |
                       1u << FW_REASON_BUDGET | 1u << FW_REASON_CHALLENGE;

  return drops >> (reason & 31) & 1;
}

/* Says what is done with the packet, and counts it: once per packet. */
FW_INLINE void fw_settle(struct fw_env* env, struct fw_counters* counters,
                         const struct fw_packet* p, struct fw_decision* decision, fw_u32 reason) {
  const struct fw_config* cfg = fw_env_config(env);
  fw_u32 drop = (fw_u32)fw_reason_drops(reason);
  fw_u64 at = reason;

  if (!cfg || !counters) return;
  decision->reason = (fw_u8)reason;
  decision->observed = drop && cfg->mode == FW_MODE_OBSERVE;
  decision->verdict = drop && !decision->observed ? FW_DROP : FW_PASS;
  FW_OPAQUE(at); /* the very register that is compared must be the index, for older verifiers */
  if (at < FW_REASON_COUNT) {
    counters->packets[at]++;
    counters->bytes[at] += p->len_bytes;
  }
  counters->observed_drops += decision->observed;
}

/* Decides one ingress packet: `parsed` is what fw_parse() said and left in *p. *decision is zero on
 * entry. Without a policy everything passes. With decision->challenge the datapath may answer the
 * packet (a SYN), and then settles it itself: under the reason given if it does nothing. */
FW_INLINE void fw_decide(struct fw_env* env, int parsed, const struct fw_packet* p,
                         struct fw_decision* decision) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env);
  fw_u32 reason;

  if (!cfg || !counters || cfg->mode == FW_MODE_OFF) return;
  reason = fw_judge(env, cfg, counters, parsed, p, decision);
  if (cfg->syn_cookies && cfg->mode == FW_MODE_ENFORCE &&
      decision->traffic_class == FW_CLASS_TCP_SYN &&
      (reason == FW_REASON_BUDGET || reason == FW_REASON_SIGNATURE)) {
    decision->reason = (fw_u8)reason;
    decision->verdict = FW_DROP;
    decision->challenge = 1;
    return;
  }
  fw_settle(env, counters, p, decision, reason);
  if ((decision->traffic_class == FW_CLASS_UDP_NEW ||
       decision->traffic_class == FW_CLASS_UDP_REFLECTED) &&
      (decision->verdict == FW_PASS || fw_env_is_past(env)))
    fw_flow_ask(env, p, fw_window(fw_env_now(env)));
}

/* Notes one packet that this host sends. */
FW_INLINE void fw_note_egress(struct fw_env* env, int parsed, const struct fw_packet* p,
                              fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env);
  struct fw_shared* shared;
  fw_u32 departs;

  if (!cfg || !counters || cfg->mode == FW_MODE_OFF || parsed != FW_PARSED) return;
  counters->packets[FW_REASON_OUTGOING]++;
  counters->bytes[FW_REASON_OUTGOING] += p->len_bytes;
  shared = fw_env_shared(env);
  if (shared && !shared->egress_seen) shared->egress_seen = 1;
  departs = (fw_u32)fw_flow_depart(env, p, fw_window(now_ns));
  if (departs == FW_DEPART_GOES_ON)
    fw_refund(env, &p->dst, &p->src, FW_REFUND_STRAY + p->sport, now_ns);
  if (departs != FW_DEPART_ANSWER && departs != FW_DEPART_MORE) return;
  fw_note_served(env, p->proto, p->sport);
  if (p->proto != 17) return;
  counters->class_answered[FW_CLASS_UDP_NEW] += departs == FW_DEPART_ANSWER;
  fw_refund(env, &p->dst, &p->src, fw_port_index(17, p->sport), now_ns);
}

#endif
