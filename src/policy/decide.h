/* SPDX-License-Identifier: MIT */
/* The firewall. A packet's whole way, in this order, with an early return per
 * stage:
 *
 *   parse -> link survival -> malformed -> exempt or allowed -> denied ->
 *   banned -> static rule -> proven? -> limits per source -> pass
 *
 * The same frame, tables and now_ns give the same verdict, event and tables
 * wherever this is compiled: in the XDP program and in the host library. In mode
 * observe everything happens but the drop. */
#ifndef FW_POLICY_DECIDE_H
#define FW_POLICY_DECIDE_H

#include "classify.h"
#include "limits.h"
#include "lists.h"
#include "parse.h"

enum { FW_DHCP_COST_TICKS = 625000 /* 100/s */, FW_DHCP_BURST_TICKS = 62500000 };

FW_INLINE fw_u32 fw_byte_units(const struct fw_packet* p) {
  return (p->len_bytes + FW_BYTES_UNIT - 1) / FW_BYTES_UNIT;
}

/* The measures a packet counts under, as bits. */
FW_INLINE fw_u32 fw_measures_of(const struct fw_packet* p) {
  fw_u32 third = fw_measure_of(fw_classify(p, FW_PEER_UNKNOWN));

  return 1u << FW_MEASURE_PACKETS | 1u << FW_MEASURE_BYTES | 1u << third;
}

FW_STAGE int fw_keeps_link_alive(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  struct fw_shared* shared;

  if (!env || !p) return 0;
  if (fw_is_neighbour_discovery(p)) return 1;
  if (!fw_is_dhcp_answer(p)) return 0;
  shared = fw_env_shared(env); /* beyond 100/s it is a flood, and judged like any other */
  return shared && fw_rate_admit_shared(&shared->link_debt_until, now_ns, FW_DHCP_COST_TICKS,
                                        FW_DHCP_BURST_TICKS);
}

FW_INLINE fw_u32 fw_rule_of(struct fw_env* env, const struct fw_packet* p) {
  const struct fw_port_line* line;
  fw_u32 index = p->dport;

  if (!fw_has_ports(p->proto) || p->fragment == FW_FRAG_LATER) return 0;
  if (p->proto == 17) index += 65536;
  line = fw_env_port_line(env, index / FW_LINE_BYTES);
  return line ? line->rule[index & (FW_LINE_BYTES - 1)] : 0;
}

FW_INLINE void fw_report(struct fw_env* env, const struct fw_config* cfg, struct fw_event* e,
                         const struct fw_packet* p, const struct fw_decision* decision) {
  struct fw_counters* counters = fw_env_counters(env);

  e->dst = p->dst;
  e->len_bytes = p->len_bytes;
  e->sport = p->sport;
  e->dport = p->dport;
  e->proto = p->proto;
  e->klass = decision->klass;
  e->rule = decision->rule;
  e->observed = cfg->mode != FW_MODE_ENFORCE;
  if (fw_env_event(env, e) && counters) counters->events_lost++;
}

/* A source is above a limit: bans it where that is right (limits.h), and reports what is new. */
FW_STAGE int fw_answer_excess(struct fw_env* env, const struct fw_packet* p,
                              const struct fw_decision* decision, const struct fw_charge* charge) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters;
  struct fw_event event;
  struct fw_mark ban;

  if (!cfg || !p || !decision || !charge) return 0;
  __builtin_memset(&event, 0, sizeof event);
  event.time_ns = charge->now_ns;
  event.src = fw_source_key(cfg, p->src);
  event.prefix_bits = fw_is_v4(&p->src) ? 128 : cfg->source_bits_v6;
  event.value = charge->value;
  event.limit = charge->limit;
  event.measure = (fw_u8)charge->measure;

  if (charge->may_ban) {
    __builtin_memset(&ban, 0, sizeof ban);
    ban.addr = event.src;
    ban.since_ns = charge->now_ns;
    ban.hold_ms = cfg->rule[decision->rule].ban_ms;
    ban.until_ns = charge->now_ns + (fw_u64)ban.hold_ms * 1000000ULL;
    ban.ban_above = charge->limit;
    ban.window = fw_window(charge->now_ns);
    ban.kind = FW_MARK_BAN;
    ban.prefix_bits = event.prefix_bits;
    ban.rule = decision->rule;
    ban.measure = (fw_u8)charge->measure;
    if (fw_may_ban(env, cfg, charge->now_ns) && fw_ban(env, &ban)) {
      event.kind = FW_EVENT_BAN;
      fw_report(env, cfg, &event, p, decision);
      return 1;
    }
    counters = fw_env_counters(env);
    if (counters) counters->bans_capped++;
  }
  if (charge->is_news) {
    event.kind = FW_EVENT_LIMIT;
    fw_report(env, cfg, &event, p, decision);
  }
  return 0;
}

/* Charges the packet to the meter at `index` under the limits of its rule. */
FW_STAGE int fw_charge(struct fw_env* env, const struct fw_packet* p,
                       const struct fw_decision* decision, fw_u32 index, struct fw_charge* charge) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_meter* meter = env ? fw_env_meter(env, index) : NULL;
  const struct fw_limit* limit;

  if (!cfg || !p || !decision || !meter || !charge) return 0;
  limit = cfg->rule[decision->rule].limit;
  charge->metered_ns = fw_meter_roll(meter, charge->now_ns);
  fw_charge_measure(charge, meter, &limit[FW_MEASURE_PACKETS], FW_MEASURE_PACKETS, 1);
  fw_charge_measure(charge, meter, &limit[FW_MEASURE_BYTES], FW_MEASURE_BYTES, fw_byte_units(p));
  switch (fw_measure_of(decision->klass)) { /* spelled out: the verifier wants constant offsets */
    case FW_MEASURE_SYN:
      fw_charge_measure(charge, meter, &limit[FW_MEASURE_SYN], FW_MEASURE_SYN, 1);
      break;
    case FW_MEASURE_UDP:
      fw_charge_measure(charge, meter, &limit[FW_MEASURE_UDP], FW_MEASURE_UDP, 1);
      break;
    case FW_MEASURE_ICMP:
      fw_charge_measure(charge, meter, &limit[FW_MEASURE_ICMP], FW_MEASURE_ICMP, 1);
      break;
    default:
      break;
  }
  return charge->excess != FW_EXCESS_NONE;
}

/* 1: the packet is above a limit of its source. */
FW_STAGE int fw_is_over_limit(struct fw_env* env, const struct fw_packet* p,
                              const struct fw_decision* decision, fw_u32 peer, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_source_bucket* bucket;
  struct fw_charge charge = {0};
  fw_u32 index, persisted;
  struct fw_addr key;
  fw_u64 found;

  if (!cfg || !p || !decision) return 0;
  if (fw_is_special(&p->src)) return 0; /* nobody's address */
  key = fw_source_key(cfg, p->src);
  found = fw_source_find(env, &key, cfg->rule[decision->rule].own ? decision->rule : 0,
                         peer != FW_PEER_UNKNOWN, now_ns);
  if (!(fw_u32)found) return 0;
  index = (fw_u32)found - 1;
  charge.now_ns = now_ns;
  if (!fw_charge(env, p, decision, index, &charge)) return 0;

  bucket = fw_env_sources(env, index / FW_SOURCE_WAYS);
  if (!bucket) return 1;
  persisted =
      fw_over(&bucket->way[index % FW_SOURCE_WAYS], fw_window(charge.metered_ns), &charge.is_news);
  charge.may_ban = charge.excess == FW_EXCESS_BAN && !(found & FW_TWIN_IS_PROVEN) &&
                   (peer == FW_PEER_PROVEN || persisted >= FW_PERSIST_WINDOWS);
  if (charge.may_ban || charge.is_news) fw_answer_excess(env, p, decision, &charge);
  return 1;
}

/* What is done about a parsed packet, and why. Fills klass and rule of *decision. */
FW_INLINE fw_u32 fw_judge(struct fw_env* env, const struct fw_config* cfg, int parsed,
                          const struct fw_packet* p, struct fw_decision* decision, fw_u64 now_ns) {
  struct fw_counters* counters;
  const struct fw_rule* rule;
  fw_u64 mark;
  fw_u32 listed, peer;

  if (parsed == FW_PARSED_NOT_IP) return FW_REASON_NOT_IP;
  if (parsed == FW_PARSED_ARP) return FW_REASON_LINK;
  if (parsed == FW_PARSED_MALFORMED) return FW_REASON_MALFORMED;
  if (fw_keeps_link_alive(env, p, now_ns)) return FW_REASON_LINK;

  mark = fw_mark_find(env, &p->src, now_ns);
  if (mark >> 32 == FW_MARK_EXEMPT) return FW_REASON_EXEMPT;
  if (mark >> 32 == FW_MARK_ALLOW) return FW_REASON_ALLOW;
  listed = fw_list_find(env, &p->src);
  if (listed & FW_LIST_ALLOW) return FW_REASON_ALLOW;
  if (listed & FW_LIST_DENY) return FW_REASON_DENY;
  if (mark >> 32 == FW_MARK_BAN) {
    fw_mark_hit(env, (fw_u32)mark, fw_measures_of(p), fw_byte_units(p), now_ns);
    return FW_REASON_BAN;
  }

  decision->rule = (fw_u8)fw_rule_of(env, p);
  rule = &cfg->rule[decision->rule];
  if (rule->action == FW_ACTION_DROP) return FW_REASON_CLOSED;
  if (rule->action == FW_ACTION_PASS) return FW_REASON_OPEN;

  peer = (fw_u32)fw_flow_arrive(env, p, fw_window(now_ns));
  decision->klass = fw_classify(p, peer);
  counters = fw_env_counters(env);
  if (counters && decision->klass < FW_CLASS_COUNT) {
    counters->class_packets[decision->klass]++;
    counters->class_bytes[decision->klass] += p->len_bytes;
  }
  if (fw_is_over_limit(env, p, decision, peer, now_ns)) return FW_REASON_LIMIT;
  return peer ? FW_REASON_PROVEN : FW_REASON_PASS;
}

FW_INLINE int fw_reason_drops(fw_u32 reason) {
  const fw_u32 drops = 1u << FW_REASON_MALFORMED | 1u << FW_REASON_DENY | 1u << FW_REASON_BAN |
                       1u << FW_REASON_CLOSED | 1u << FW_REASON_SIGNATURE | 1u << FW_REASON_LIMIT |
                       1u << FW_REASON_BUDGET;

  return drops >> (reason & 31) & 1;
}

/* Decides one ingress packet: `parsed` is what fw_parse() said and left in *p. *decision is zero on
 * entry. Without a policy everything passes. */
FW_INLINE void fw_decide(struct fw_env* env, int parsed, const struct fw_packet* p,
                         struct fw_decision* decision, fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env);
  fw_u32 reason, drop;

  if (!cfg || !counters || cfg->mode == FW_MODE_OFF) return;
  reason = fw_judge(env, cfg, parsed, p, decision, now_ns);
  drop = (fw_u32)fw_reason_drops(reason);
  decision->reason = (fw_u8)reason;
  decision->observed = drop && cfg->mode == FW_MODE_OBSERVE;
  decision->verdict = drop && !decision->observed ? FW_DROP : FW_PASS;
  if (reason < FW_REASON_COUNT) {
    counters->packets[reason]++;
    counters->bytes[reason] += p->len_bytes;
  }
  counters->observed_drops += decision->observed;
}

/* Notes one packet that this host sends. */
FW_INLINE void fw_note_egress(struct fw_env* env, int parsed, const struct fw_packet* p,
                              fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env);

  if (!cfg || !counters || cfg->mode == FW_MODE_OFF || parsed != FW_PARSED) return;
  counters->packets[FW_REASON_OUTGOING]++;
  counters->bytes[FW_REASON_OUTGOING] += p->len_bytes;
  fw_flow_depart(env, p, fw_window(now_ns));
}

#endif
