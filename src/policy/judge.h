/* SPDX-License-Identifier: MIT */
/* The firewall. An arriving packet's whole way is fw_judge() below: a list of
 * stages in this order, each of which may end it.
 *
 *   headers          non-IP and ARP pass, malformed packets are dropped
 *   link control     packets that keep the link alive pass
 *   access lists     allowed pass; denied and banned are dropped
 *   service action   closed services drop, open services pass
 *   identify         finds the flow, the source and the traffic class
 *   fragments        later fragments of a datagram that passed, pass
 *   quotes           ICMP errors about flows of this host pass
 *   standing         most of what restricted sources send is dropped, most of what
 *                    exempt ones send passes
 *   signatures       drop what matches a flood in progress
 *   source limits    drop the excess of one source
 *   prefix limits    drop the excess of one prefix
 *   questions        ask back what unverified sources ask above what a service bears
 *   verified         verified peers, and peers that answer this host, pass
 *   budgets          drop the excess of all unverified sources together
 *
 * The same frame, tables and now_ns give the same verdict, events and tables in
 * the XDP program and in the host library. In mode observe everything is the same
 * except that nothing is dropped. */
#ifndef FW_POLICY_JUDGE_H
#define FW_POLICY_JUDGE_H

#include "access.h"
#include "account.h"
#include "budgets.h"
#include "fragments.h"
#include "identify.h"
#include "limits.h"
#include "link_control.h"
#include "questions.h"
#include "quotes.h"
#include "scans.h"
#include "signatures.h"
#include "standing.h"

/* Returns why the packet passes or is dropped; enum fw_reason. */
FW_INLINE fw_u32 fw_judge(struct fw_context* x, int parsed) {
  FW_STAGE(fw_stage_headers(parsed));
  FW_STAGE(fw_stage_link_control(x));
  FW_STAGE(fw_stage_access_lists(x));
  FW_STAGE(fw_stage_service_action(x));
  FW_STAGE(fw_stage_identify(x));
  FW_STAGE(fw_stage_fragments(x));
  FW_STAGE(fw_stage_quotes(x));
  FW_STAGE(fw_stage_standing(x));
  FW_STAGE(fw_stage_signatures(x));
  FW_STAGE(fw_stage_source_limits(x));
  FW_STAGE(fw_stage_prefix_limits(x));
  FW_STAGE(fw_stage_questions(x));
  FW_STAGE(fw_stage_verified(x));
  fw_watch_for_scan(x);
  FW_STAGE(fw_stage_budgets(x));
  return FW_REASON_PASS;
}

/* What the datapath may try before the packet is dropped for `reason`. */
FW_INLINE fw_u8 fw_ask(const struct fw_context* x, fw_u32 reason) {
  fw_u8 traffic_class = x->decision->traffic_class;

  if (reason != FW_REASON_BUDGET && reason != FW_REASON_SIGNATURE && reason != FW_REASON_LIMIT &&
      reason != FW_REASON_RESTRICT)
    return FW_ASK_NOTHING;
  if (traffic_class == FW_CLASS_TCP_STRAY) return FW_ASK_KERNEL;
  if (reason == FW_REASON_BUDGET && traffic_class == FW_CLASS_UDP_NEW && !x->sender->served)
    return FW_ASK_KERNEL;
  if (traffic_class == FW_CLASS_TCP_SYN && x->config->syn_cookies &&
      x->config->mode == FW_MODE_ENFORCE)
    return FW_ASK_SENDER;
  /* What one source sends above its limits is not answered: its address may be a third party's. */
  if ((reason == FW_REASON_BUDGET || reason == FW_REASON_SIGNATURE) &&
      fw_noted_question(x->packet) && fw_challenges(x))
    return FW_ASK_SENDER;
  return FW_ASK_NOTHING;
}

/* A UDP packet of an unknown peer that reaches the host begins a flow. */
FW_INLINE void fw_begin_flow(struct fw_env* env, const struct fw_packet* p,
                             const struct fw_decision* decision) {
  if (decision->traffic_class != FW_CLASS_UDP_NEW &&
      decision->traffic_class != FW_CLASS_UDP_REFLECTED)
    return;
  if (decision->verdict == FW_PASS || fw_env_is_past(env))
    fw_flow_record_question(env, p, fw_window(fw_env_now(env)));
}

/* Settles a packet for which its sender or the kernel was asked. */
FW_INLINE void fw_settle_asked(struct fw_env* env, const struct fw_packet* p,
                               struct fw_decision* decision, fw_u32 reason) {
  struct fw_capacity* capacity;

  if (reason == FW_REASON_CHALLENGE && p->proto == FW_IPPROTO_UDP && decision->budget) {
    capacity = fw_env_capacities(env, decision->budget - 1U);
    if (capacity) __sync_fetch_and_add(&capacity->challenged, 1);
  }
  fw_settle(env, p, decision, reason);
  fw_begin_flow(env, p, decision);
  fw_begin_datagram(env, p, decision);
}

/* 1: the datapath is to look for a number in the payload (echo_flow.h). */
FW_INLINE int fw_may_echo(const struct fw_packet* p, const struct fw_decision* decision) {
  return (decision->served & FW_AWAITS_ECHO) ||
         (p->proto == FW_IPPROTO_UDP && decision->verdict == FW_PASS &&
          decision->traffic_class == FW_CLASS_UDP_NEW &&
          p->payload_head >> 62 == 3 /* perhaps QUIC */);
}

/* Decides one ingress packet. `parsed` is what fw_parse() returned, *p what it filled in; *decision
 * is zero on entry. Without a configuration everything passes. If decision->ask is set, the
 * datapath may try that; in any case it has to call fw_settle_asked(), with decision->reason if it
 * achieved nothing. */
FW_INLINE void fw_decide(struct fw_env* env, int parsed, const struct fw_packet* p,
                         struct fw_decision* decision) {
  struct fw_sender sender; /* filled in by the identify stage; earlier ones need none */
  struct fw_context x = {0};
  fw_u32 reason;

  x.env = env;
  x.config = fw_env_config(env);
  x.counters = fw_env_counters(env, 0);
  x.packet = p;
  x.decision = decision;
  x.sender = &sender;
  if (!x.config || !x.counters || x.config->mode == FW_MODE_OFF) return;
  reason = fw_judge(&x, parsed);
  fw_account(&x, reason);
  decision->ask = fw_ask(&x, reason);
  if (decision->ask) {
    decision->reason = (fw_u8)reason;
    decision->verdict = FW_DROP;
    return;
  }
  fw_settle(env, p, decision, reason);
  fw_begin_flow(env, p, decision);
  fw_begin_datagram(env, p, decision);
}

#endif
