/* SPDX-License-Identifier: MIT */
/* The stage that identifies a packet: its source key, what its flow tells about the
 * sender, its destination port and its traffic class. Later stages use these. */
#ifndef FW_POLICY_IDENTIFY_H
#define FW_POLICY_IDENTIFY_H

#include "one_way.h"
#include "questions.h"
#include "refund.h"
#include "tables/prefetch.h"
#include "tables/signature_match.h"

/* Prefetch hint: will this packet begin a flow? UDP that passes does; in a flood most is dropped.
 */
FW_INLINE int fw_will_create_flow(struct fw_context* x, const struct fw_shared* shared) {
  return x->packet->proto == FW_IPPROTO_UDP && shared &&
         shared->under_load_until_ns[FW_CLASS_UDP_NEW] <= x->now_ns &&
         !fw_signatures_exist(x->env, FW_CLASS_UDP_NEW) &&
         !fw_signatures_exist(x->env, FW_CLASS_UDP_REFLECTED);
}

/* What the packet's flow tells about its sender. */
FW_INLINE struct fw_arrival fw_arrive(struct fw_context* x) {
  const struct fw_shared* shared = fw_env_shared(x->env, 0);
  const struct fw_packet* p = x->packet;
  int may_be_of_flow = fw_may_be_of_flow(p);
  int egress_unseen = p->proto == FW_IPPROTO_TCP && shared && !shared->egress_seen;
  struct fw_arrival arrival = fw_arrival_of(FW_PEER_UNKNOWN, 0);
  fw_u64 h;

  if (!may_be_of_flow && !egress_unseen) return arrival;
  h = fw_arriving_hash(x->config, p);
  fw_prefetch(x->env, x->config, x->source_hash, h, fw_will_create_flow(x, shared));
  if (may_be_of_flow) arrival = fw_flow_arrive(x->env, x->config, p, h, x->now_ns);
  if (!arrival.peer && p->proto == FW_IPPROTO_UDP)
    arrival.peer = (fw_u32)fw_partner_arrive(x->env, p, fw_window(x->now_ns));
  if (arrival.peer & FW_PEER_ABOVE_USUAL)
    arrival.peer =
        fw_goes_first(x->env, p, x->now_ns) ? FW_PEER_ACQUAINTED : (fw_u32)FW_PEER_UNKNOWN;
  if (arrival.peer || !egress_unseen) return arrival;
  arrival = fw_one_way_arrive(x->env, p, h, fw_window(x->now_ns));
  if (arrival.completes_handshake) fw_port_set_answers(x->env, FW_IPPROTO_TCP, p->dport);
  if (arrival.goes_on) fw_refund(x->env, &p->src, &p->dst, FW_CLASS_TCP_STRAY, p->dport, x->now_ns);
  return arrival;
}

/* The bound of traffic_class is always met; the verifier needs it. */
FW_INLINE fw_u32 fw_stage_identify(struct fw_context* x) {
  const struct fw_packet* p = x->packet;
  struct fw_sender* sender = x->sender;
  struct fw_arrival arrival;
  fw_u32 traffic_class;

  __builtin_memset(sender, 0, sizeof *sender);
  sender->key = fw_source_key(x->config, p->src);
  x->source_hash = fw_source_hash(x->config, &sender->key, x->decision->rule);
  arrival = fw_arrive(x);
  sender->peer = arrival.peer;
  if (arrival.awaits_echo) x->decision->served |= FW_AWAITS_ECHO;
  if (arrival.was_answered) x->decision->served |= FW_OF_PARTNER;
  if (fw_noted_question(p) == FW_QUESTION_A2S && sender->peer != FW_PEER_ANSWERS &&
      sender->peer != FW_PEER_VERIFIED && fw_question_proves(x->env, p, x->now_ns))
    sender->peer = FW_PEER_VERIFIED;
  x->completes_handshake = arrival.completes_handshake;
  traffic_class = fw_classify(p, sender->peer);
  if (!sender->peer) {
    sender->served = (fw_u8)fw_port_served(x->env, p->proto, p->dport);
    if ((sender->served & FW_PORT_ANSWERS) && traffic_class == FW_CLASS_UDP_REFLECTED)
      traffic_class = FW_CLASS_UDP_NEW; /* a resolver may ask from port 53 */
  }
  if (traffic_class >= FW_CLASS_COUNT) return FW_REASON_PASS;
  x->decision->traffic_class = (fw_u8)traffic_class;
  if (arrival.completes_handshake)
    fw_refund(x->env, &p->src, &p->dst, FW_CLASS_TCP_SYN, p->dport, x->now_ns);
  return FW_CONTINUE;
}

/* A peer passes: it is within its limits here. */
FW_INLINE fw_u32 fw_stage_verified(const struct fw_context* x) {
  return x->sender->peer ? FW_REASON_VERIFIED : FW_CONTINUE;
}

#endif
