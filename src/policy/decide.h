/* SPDX-License-Identifier: MIT */
/* The firewall. A packet's whole way, in this order, with an early return per
 * stage:
 *
 *   parse -> link survival -> malformed -> exempt or allowed -> denied ->
 *   banned -> static rule -> proven? -> signatures -> limits per source ->
 *   budgets per class -> pass
 *
 * The same frame, tables and now_ns give the same verdict, event and tables
 * wherever this is compiled: in the XDP program and in the host library. In mode
 * observe everything happens but the drop. */
#ifndef FW_POLICY_DECIDE_H
#define FW_POLICY_DECIDE_H

#include "budgets.h"
#include "limits.h"
#include "names.h"
#include "one_way.h"
#include "parse.h"
#include "signatures.h"

enum { FW_SAMPLE_COST_TICKS = 62500 /* 1000/s a CPU and kind */, FW_SAMPLE_BURST_TICKS = 16000000 };
enum { FW_DHCP_COST_TICKS = 625000 /* 100/s */, FW_DHCP_BURST_TICKS = 62500000 };

FW_INLINE fw_u32 fw_byte_units(const struct fw_packet* p) {
  return (p->len_bytes + FW_BYTES_UNIT - 1) / FW_BYTES_UNIT;
}

/* The measures a packet counts under, as bits. */
FW_INLINE fw_u32 fw_measures_of(const struct fw_packet* p) {
  fw_u32 third = fw_measure_of(fw_classify(p, FW_PEER_UNKNOWN));

  return 1u << FW_MEASURE_PACKETS | 1u << FW_MEASURE_BYTES | 1u << third;
}

FW_INLINE int fw_keeps_link_alive(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  struct fw_shared* shared;

  if (fw_is_neighbour_discovery(p)) return 1;
  if (!fw_is_dhcp_answer(p)) return 0;
  shared = fw_env_shared(env); /* beyond 100/s it is a flood, and judged like any other */
  return shared && fw_rate_admit_shared(&shared->link_debt_until, now_ns, FW_DHCP_COST_TICKS,
                                        FW_DHCP_BURST_TICKS);
}

FW_INLINE fw_u32 fw_rule_of(struct fw_env* env, const struct fw_packet* p) {
  if (!fw_has_ports(p->proto) || p->fragment == FW_FRAG_LATER) return 0;
  return fw_rule_of_port(env, fw_port_index(p->proto, p->dport));
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
  e->observed = cfg->mode != FW_MODE_ENFORCE;
  if (fw_env_event(env, e) && counters) counters->events_lost++;
}

/* Bans who is above a limit. 1: it is done; 0: the cap per minute, or no room. */
FW_STAGE int fw_ban_excess(struct fw_env* env, const struct fw_charge* charge) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters;
  struct fw_mark ban;

  if (!cfg || !charge) return 0;
  __builtin_memset(&ban, 0, sizeof ban);
  ban.addr = charge->key;
  ban.since_ns = charge->now_ns;
  ban.hold_ms = cfg->rule[charge->rule & (FW_MAX_RULES - 1)].ban_ms;
  ban.until_ns = charge->now_ns + (fw_u64)ban.hold_ms * 1000000ULL;
  ban.ban_above = charge->limit;
  ban.window = fw_window(charge->now_ns);
  ban.kind = FW_MARK_BAN;
  ban.prefix_bits = (fw_u8)charge->bits;
  ban.rule = (fw_u8)charge->rule;
  ban.measure = (fw_u8)charge->measure;
  if (fw_may_ban(env, cfg, charge->now_ns) && fw_ban(env, &ban)) return 1;
  counters = fw_env_counters(env);
  if (counters) counters->bans_capped++;
  return 0;
}

/* Reports that a source or prefix is above a limit, or banned for it. */
FW_STAGE int fw_report_excess(struct fw_env* env, const struct fw_packet* p,
                              const struct fw_decision* decision, const struct fw_charge* charge,
                              fw_u32 kind) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_event event;

  if (!cfg || !p || !decision || !charge) return 0;
  __builtin_memset(&event, 0, sizeof event);
  event.time_ns = charge->now_ns;
  event.src = charge->key;
  event.prefix_bits = (fw_u8)charge->bits;
  event.rule = (fw_u8)charge->rule;
  event.value = charge->value;
  event.limit = charge->limit;
  event.measure = (fw_u8)charge->measure;
  event.kind = (fw_u8)kind;
  fw_report(env, cfg, &event, p, decision);
  return 1;
}

/* Charges the packet to the meter at `index` under the limits of charge->rule. */
FW_STAGE int fw_charge(struct fw_env* env, const struct fw_packet* p,
                       const struct fw_decision* decision, fw_u32 index, struct fw_charge* charge) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_meter* meter = env ? fw_env_meter(env, index) : NULL;
  const struct fw_limit* limit;

  if (!cfg || !p || !decision || !meter || !charge) return 0;
  limit = cfg->rule[charge->rule & (FW_MAX_RULES - 1)].limit;
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

/* 1: the packet is above a limit of its source, or of its prefix. */
FW_STAGE int fw_is_over_limit(struct fw_env* env, const struct fw_packet* p,
                              const struct fw_decision* decision, const struct fw_sender* sender,
                              fw_u64 now_ns) {
  struct fw_source_bucket* bucket;
  struct fw_charge charge = {0};
  fw_u32 index, persisted;

  if (!env || !p || !decision || !sender) return 0;
  if (!(fw_u32)sender->found) return 0;
  index = (fw_u32)sender->found - 1;
  charge.now_ns = now_ns;
  charge.key = sender->key;
  charge.bits = sender->bits;
  charge.rule = sender->is_prefix ? FW_RULE_OF_PREFIXES : decision->rule;
  if (!fw_charge(env, p, decision, index, &charge)) return 0;

  bucket = fw_env_sources(env, index / FW_SOURCE_WAYS);
  if (!bucket) return 1;
  persisted =
      fw_over(&bucket->way[index % FW_SOURCE_WAYS], fw_window(charge.metered_ns), &charge.is_news);
  charge.may_ban = charge.excess == FW_EXCESS_BAN && !(sender->found & FW_TWIN_IS_PROVEN) &&
                   (sender->peer == FW_PEER_PROVEN || persisted >= FW_PERSIST_WINDOWS);
  if (charge.may_ban && fw_ban_excess(env, &charge))
    fw_report_excess(env, p, decision, &charge, FW_EVENT_BAN);
  else if (charge.is_news)
    fw_report_excess(env, p, decision, &charge, FW_EVENT_LIMIT);
  return 1;
}

/* A packet to a port where no service answers: a source that tries many of them is scanning. */
FW_STAGE int fw_note_closed_port(struct fw_env* env, const struct fw_packet* p,
                                 const struct fw_decision* decision, fw_u32 cell, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_source_bucket* bucket;
  struct fw_event event;
  struct fw_source* source;
  fw_u16 ports;

  if (!cfg || !p || !decision || !cell || !cfg->scan_ports) return 0;
  bucket = fw_env_sources(env, (cell - 1) / FW_SOURCE_WAYS);
  if (!bucket) return 0;
  source = &bucket->way[(cell - 1) % FW_SOURCE_WAYS];
  ports = source->ports | (fw_u16)(1u << (fw_mix(p->dport) & 15));
  if (ports == source->ports) return 0;
  source->ports = ports;
  if (fw_count_bits(ports) != cfg->scan_ports) return 0;
  __builtin_memset(&event, 0, sizeof event);
  event.time_ns = now_ns;
  event.src = fw_source_key(cfg, p->src);
  event.prefix_bits = fw_source_bits(cfg, &p->src);
  event.rule = decision->rule;
  event.value = event.limit = cfg->scan_ports;
  event.kind = FW_EVENT_SCAN;
  fw_report(env, cfg, &event, p, decision);
  return 1;
}

/* Is it this kind's turn to be shown to the engine? */
FW_STAGE int fw_take_sample(struct fw_env* env, const struct fw_packet* p,
                            struct fw_decision* decision, fw_u32 kind, fw_u64 now_ns) {
  struct fw_cpu* cpu = env ? fw_env_cpu(env) : NULL;

  if (!cpu || !p || !decision || kind >= FW_SAMPLE_KINDS) return 0;
  if (!fw_rate_admit_shared(&cpu->samples_debt_until[kind], now_ns, FW_SAMPLE_COST_TICKS,
                            FW_SAMPLE_BURST_TICKS))
    return 0;
  decision->sample = (fw_u8)(kind + 1);
  decision->served = fw_has_ports(p->proto) && fw_is_served(env, p->proto, p->dport);
  return 1;
}

/* 1: the packet is above a limit of the prefix that its source is in. */
FW_INLINE int fw_is_over_prefix_limit(struct fw_env* env, const struct fw_config* cfg,
                                      const struct fw_packet* p, const struct fw_decision* decision,
                                      fw_u32 peer, fw_u64 now_ns) {
  fw_u8 bits = fw_limit_bits(cfg, &p->src);
  struct fw_sender prefix;

  if (!bits || fw_is_special(&p->src)) return 0;
  prefix = (struct fw_sender){fw_mask(p->src, bits), 0, peer, 1, bits, 0, 0};
  prefix.found = fw_source_find(env, fw_hash(cfg, &prefix.key, FW_RULE_OF_PREFIXES + 1),
                                peer != FW_PEER_UNKNOWN, now_ns);
  return fw_is_over_limit(env, p, decision, &prefix, now_ns);
}

/* What the packet's conversation says of its sender; see fw_flow_arrive(). */
FW_INLINE fw_u32 fw_arrived(struct fw_env* env, const struct fw_config* cfg,
                            const struct fw_packet* p, fw_u64 now_ns) {
  const struct fw_shared* shared = fw_env_shared(env);
  int is_of_flow = fw_is_of_flow(p), is_deaf = p->proto == 6 && shared && !shared->egress_seen;
  fw_u32 arrived = FW_PEER_UNKNOWN;
  fw_u64 h;

  if (!is_of_flow && !is_deaf) return arrived;
  h = fw_arriving_hash(cfg, p);
  if (is_of_flow) arrived = (fw_u32)fw_flow_arrive(env, p, h, fw_window(now_ns));
  if (arrived || !is_deaf) return arrived;
  arrived = (fw_u32)fw_flow_go_on(env, p, h, fw_window(now_ns));
  if (arrived & FW_FLOW_COMPLETED) fw_note_served(env, 6, p->dport);
  if (arrived & FW_FLOW_GOES_ON) fw_repay(env, &p->src, &p->dst, FW_REPAY_STRAY + p->dport, now_ns);
  return arrived;
}

/* Asks for the source's cache line while the conversation's is waited for, and for the page of its
 * meters, whichever way it has: 1 M sources passed 719 -> 659 ns. */
FW_INLINE void fw_touch_source(struct fw_env* env, const struct fw_config* cfg, fw_u64 h) {
  const struct fw_source_bucket* bucket = fw_env_sources(env, (fw_u32)h & cfg->source_mask);
  const struct fw_meter* meter = fw_env_meter(env, ((fw_u32)h & cfg->source_mask) * FW_SOURCE_WAYS);

  if (bucket) (void)FW_READ(bucket->way[0].tag);
  if (meter) (void)FW_READ(meter->seen_ms);
}

/* A packet that no name decides about: classes, signatures, limits, budgets. */
FW_INLINE fw_u32 fw_judge_stranger(struct fw_env* env, const struct fw_config* cfg,
                                   const struct fw_packet* p, struct fw_decision* decision,
                                   fw_u64 now_ns) {
  struct fw_counters* counters = fw_env_counters(env);
  struct fw_sender sender = {fw_source_key(cfg, p->src), 0, FW_PEER_UNKNOWN, 0, 0, 0, 0};
  fw_u64 source_hash = fw_source_hash(cfg, &sender.key, decision->rule);
  fw_u32 arrived, klass;

  fw_touch_source(env, cfg, source_hash);
  arrived = fw_arrived(env, cfg, p, now_ns);
  sender.peer = arrived & FW_PEER_MASK;
  klass = fw_classify(p, sender.peer);
  if (!sender.peer && fw_has_ports(p->proto)) {
    sender.served = (fw_u8)fw_is_served(env, p->proto, p->dport);
    if ((sender.served & FW_PORT_ANSWERS) && klass == FW_CLASS_UDP_REFLECTED)
      klass = FW_CLASS_UDP_NEW;
  }
  if (!counters || klass >= FW_CLASS_COUNT) return FW_REASON_PASS;
  decision->klass = (fw_u8)klass;
  counters->class_packets[klass]++;
  counters->class_bytes[klass] += p->len_bytes;
  if (arrived & FW_FLOW_COMPLETED) {
    counters->class_answered[FW_CLASS_TCP_SYN]++;
    fw_repay(env, &p->src, &p->dst, p->dport, now_ns);
  }

  if (!sender.peer) {
    counters->class_strangers[klass]++;
    if (fw_has_signatures(env, klass))
      decision->signature = (fw_u8)fw_signature_find(env, p, klass);
    if (decision->signature && !fw_source_is_proven(env, &sender.key, decision->rule, now_ns)) {
      counters->signature_packets[(decision->signature - 1) & (FW_MAX_SIGNATURES - 1)]++;
      fw_take_sample(env, p, decision, FW_SAMPLE_REFUSED, now_ns);
      return FW_REASON_SIGNATURE;
    }
  }
  sender.bits = fw_source_bits(cfg, &p->src);
  if (!fw_is_special(&p->src))
    sender.found = fw_source_find(env, source_hash, sender.peer != FW_PEER_UNKNOWN, now_ns);
  if (fw_is_over_limit(env, p, decision, &sender, now_ns)) return FW_REASON_LIMIT;
  if (fw_is_over_prefix_limit(env, cfg, p, decision, sender.peer, now_ns)) return FW_REASON_LIMIT;
  if (sender.peer) {
    fw_take_sample(env, p, decision, FW_SAMPLE_TRUSTED, now_ns);
    return FW_REASON_PROVEN;
  }
  if (sender.found & FW_SOURCE_IS_NEW) counters->class_new_sources[klass]++;
  if (!sender.served && (klass == FW_CLASS_TCP_SYN || klass == FW_CLASS_UDP_NEW))
    fw_note_closed_port(env, p, decision, (fw_u32)sender.found, now_ns);
  if (fw_is_over_budget(env, p, decision->klass, &sender, now_ns)) {
    fw_take_sample(env, p, decision, FW_SAMPLE_REFUSED, now_ns);
    return FW_REASON_BUDGET;
  }
  fw_take_sample(env, p, decision,
                 sender.found & FW_TWIN_IS_PROVEN ? FW_SAMPLE_TRUSTED : FW_SAMPLE_NEW, now_ns);
  return FW_REASON_PASS;
}

/* What is done about a parsed packet, and why. Fills klass and rule of *decision. */
FW_INLINE fw_u32 fw_judge(struct fw_env* env, const struct fw_config* cfg, int parsed,
                          const struct fw_packet* p, struct fw_decision* decision, fw_u64 now_ns) {
  const struct fw_rule* rule;
  fw_u64 names;

  if (parsed == FW_PARSED_NOT_IP) return FW_REASON_NOT_IP;
  if (parsed == FW_PARSED_ARP) return FW_REASON_LINK;
  if (parsed == FW_PARSED_MALFORMED) return FW_REASON_MALFORMED;
  if (fw_keeps_link_alive(env, p, now_ns)) return FW_REASON_LINK;

  names = fw_names(env, &p->src, now_ns);
  if (FW_NAMES_MARK(names) == FW_MARK_EXEMPT) return FW_REASON_EXEMPT;
  if (FW_NAMES_MARK(names) == FW_MARK_ALLOW) return FW_REASON_ALLOW;
  if (FW_NAMES_LISTS(names) & FW_LIST_ALLOW) return FW_REASON_ALLOW;
  if (FW_NAMES_LISTS(names) & FW_LIST_DENY) return FW_REASON_DENY;
  if (FW_NAMES_MARK(names) == FW_MARK_BAN) {
    fw_mark_hit(env, FW_NAMES_INDEX(names), fw_measures_of(p), fw_byte_units(p), now_ns);
    return FW_REASON_BAN;
  }

  decision->rule = (fw_u8)fw_rule_of(env, p);
  rule = &cfg->rule[decision->rule];
  if (rule->action == FW_ACTION_DROP) return FW_REASON_CLOSED;
  if (rule->action == FW_ACTION_PASS) return FW_REASON_OPEN;

  return fw_judge_stranger(env, cfg, p, decision, now_ns);
}

FW_INLINE int fw_reason_drops(fw_u32 reason) {
  const fw_u32 drops = 1u << FW_REASON_MALFORMED | 1u << FW_REASON_DENY | 1u << FW_REASON_BAN |
                       1u << FW_REASON_CLOSED | 1u << FW_REASON_SIGNATURE | 1u << FW_REASON_LIMIT |
                       1u << FW_REASON_BUDGET | 1u << FW_REASON_CHALLENGE;

  return drops >> (reason & 31) & 1;
}

/* Says what is done with the packet, and counts it: once per packet. */
FW_INLINE void fw_settle(struct fw_env* env, const struct fw_packet* p,
                         struct fw_decision* decision, fw_u32 reason) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env);
  fw_u32 drop = (fw_u32)fw_reason_drops(reason);

  if (!cfg || !counters) return;
  decision->reason = (fw_u8)reason;
  decision->observed = drop && cfg->mode == FW_MODE_OBSERVE;
  decision->verdict = drop && !decision->observed ? FW_DROP : FW_PASS;
  if (reason < FW_REASON_COUNT) {
    counters->packets[reason]++;
    counters->bytes[reason] += p->len_bytes;
  }
  counters->observed_drops += decision->observed;
}

/* Decides one ingress packet: `parsed` is what fw_parse() said and left in *p. *decision is zero on
 * entry. Without a policy everything passes. With decision->challenge the datapath may answer the
 * packet (a SYN), and then settles it itself: under the reason given if it does nothing. */
FW_INLINE void fw_decide(struct fw_env* env, int parsed, const struct fw_packet* p,
                         struct fw_decision* decision, fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env);
  fw_u32 reason;

  if (!cfg || !counters || cfg->mode == FW_MODE_OFF) return;
  reason = fw_judge(env, cfg, parsed, p, decision, now_ns);
  if (cfg->syn_cookies && cfg->mode == FW_MODE_ENFORCE && decision->klass == FW_CLASS_TCP_SYN &&
      (reason == FW_REASON_BUDGET || reason == FW_REASON_SIGNATURE)) {
    decision->reason = (fw_u8)reason;
    decision->verdict = FW_DROP;
    decision->challenge = 1;
    return;
  }
  fw_settle(env, p, decision, reason);
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
    fw_repay(env, &p->dst, &p->src, FW_REPAY_STRAY + p->sport, now_ns);
  if (departs != FW_DEPART_ANSWER && departs != FW_DEPART_MORE) return;
  fw_note_served(env, p->proto, p->sport);
  if (p->proto != 17) return;
  counters->class_answered[FW_CLASS_UDP_NEW] += departs == FW_DEPART_ANSWER;
  fw_repay(env, &p->dst, &p->src, fw_port_index(17, p->sport), now_ns);
}

#endif
