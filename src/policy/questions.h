/* SPDX-License-Identifier: MIT */
/* Questions over UDP that can be answered by a challenge, which only a receiver can
 * meet: to a DNS question "truncated, come by TCP" (RFC 1035 4.1.1, RFC 7766), to one
 * of a game server's A2S a number that the client has to return (Valve, Server
 * queries). No answer is longer than its question.
 *
 * They are answered so where unverified sources ask more than the service bears, or
 * always (service.challenge). Clients lose a round trip and nothing else. A number that
 * was returned verifies the flow; it also frees the source from challenges of this
 * service for a while, so that a server which gives numbers of its own and a client
 * which takes one only still understand each other (docs/decisions/udp-proof.md). */
#ifndef FW_POLICY_QUESTIONS_H
#define FW_POLICY_QUESTIONS_H

#include "capacity.h"
#include "context.h"
#include "echo_flow.h"
#include "siphash.h"
#include "syn_cookie.h"

enum {
  FW_DNS_PORT = 53,
  FW_DNS_BYTES = 12,       /* the header, RFC 1035 4.1.1 */
  FW_DNS_LEAST_BYTES = 17, /* and the shortest question */
  FW_DNS_MOST_BYTES = 512, /* a longer one is none of a resolver's */
  FW_A2S_INFO_BYTES = 25,
  FW_A2S_LIST_BYTES = 9, /* of PLAYER and RULES, with a number */
  FW_A2S_LIST_NUMBER = 5,
  FW_A2S_NUMBER_BYTES = 4,
  FW_QUESTIONS_BURST_TICKS = 62500000, /* a second's worth may come at once; judgement */
};
#define FW_A2S_INFO_HEAD 0xffffffff54536f75ULL /* "TSou", of "TSource Engine Query" */
#define FW_A2S_PLAYER_HEAD 0xffffffff55ULL
#define FW_A2S_RULES_HEAD 0xffffffff56ULL
/* In the first 8 bytes of DNS: an answer, another opcode, not one question, answers. */
#define FW_DNS_NO_QUESTION 0x0000f800fffeffffULL
#define FW_DNS_ONE_QUESTION 0x0000000000010000ULL

enum { FW_CHALLENGE_SLOT_SHIFT = 36 /* a number is of 68.7 s, and accepted for as long again */ };
/* In a question: asks for a number (Valve, Server queries). */
#define FW_CHALLENGE_WANTED 0xffffffffU

/* Is it a question, by its first bytes and its length? Enum fw_question. */
FW_INLINE fw_u32 fw_question_of(const struct fw_packet* p) {
  fw_u32 bytes = p->payload_bytes;

  if (p->proto != FW_IPPROTO_UDP || p->fragment != FW_FRAG_NONE) return FW_QUESTION_NONE;
  if (p->dport == FW_DNS_PORT)
    return bytes >= FW_DNS_LEAST_BYTES && bytes <= FW_DNS_MOST_BYTES &&
                   !(p->payload_head & FW_DNS_NO_QUESTION) && p->payload_head & FW_DNS_ONE_QUESTION
               ? FW_QUESTION_DNS
               : FW_QUESTION_NONE;
  if (p->payload_head == FW_A2S_INFO_HEAD &&
      (bytes == FW_A2S_INFO_BYTES || bytes == FW_A2S_INFO_BYTES + FW_A2S_NUMBER_BYTES))
    return FW_QUESTION_A2S;
  if (bytes == FW_A2S_LIST_BYTES &&
      (p->payload_head >> 24 == FW_A2S_PLAYER_HEAD || p->payload_head >> 24 == FW_A2S_RULES_HEAD))
    return FW_QUESTION_A2S;
  return FW_QUESTION_NONE;
}
/* 1: worth a look at whether it is a question. */
FW_INLINE int fw_looks_like_question(const struct fw_packet* p) {
  return p->proto == FW_IPPROTO_UDP &&
         (p->dport == FW_DNS_PORT || (fw_u32)(p->payload_head >> 32) == FW_CHALLENGE_WANTED);
}
/* What the datapath noted. */
FW_INLINE fw_u32 fw_noted_question(const struct fw_packet* p) {
  return p->proto == FW_IPPROTO_UDP && p->fragment == FW_FRAG_NONE ? p->question : 0;
}
/* Where an A2S question brings its number; 0: it brings none. */
FW_INLINE fw_u32 fw_a2s_number_offset(const struct fw_packet* p) {
  if (p->payload_bytes == FW_A2S_LIST_BYTES) return FW_A2S_LIST_NUMBER;
  return p->payload_bytes == FW_A2S_INFO_BYTES ? 0 : FW_A2S_INFO_BYTES;
}

/* The number for the packet's two addresses in a slot of time. Not of its ports: some clients open
 * a new socket for the question that brings the number. Never FW_CHALLENGE_WANTED. */
FW_GLOBAL fw_u32 fw_challenge_number(struct fw_env* env, const struct fw_packet* p, fw_u64 slot) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u32 number;

  if (!cfg || !p) return 0;
  number =
      (fw_u32)fw_siphash5(cfg->challenge_seed, p->src.hi, p->src.lo, p->dst.hi, p->dst.lo, slot);
  return number == FW_CHALLENGE_WANTED ? 0 : number;
}

/* 1: the question brings the number of now, or of the slot before. */
FW_INLINE int fw_challenge_is_right(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  fw_u64 slot = now_ns >> FW_CHALLENGE_SLOT_SHIFT;

  if (p->challenge == FW_CHALLENGE_WANTED) return 0;
  return p->challenge == fw_challenge_number(env, p, slot) ||
         p->challenge == fw_challenge_number(env, p, slot - 1);
}

/* Records that the packet's source returned a number to this service. */
FW_INLINE fw_u64 fw_asker_hash(const struct fw_config* cfg, const struct fw_packet* p) {
  struct fw_tuple t = {&p->src, &p->dst, 0, p->dport, FW_IPPROTO_OF_ASKER};

  return fw_flow_hash(cfg, &t);
}
FW_INLINE void fw_asker_record(struct fw_env* env, const struct fw_config* cfg, fw_u64 h,
                               fw_u32 window) {
  struct fw_flow* flow = fw_flow_find(env, cfg, h, window, 1);

  if (flow) fw_flow_prove(env, cfg, flow, h, window);
}
/* 1: it did so lately. Packets do not renew that, since its address may be forged in them. */
FW_INLINE int fw_asker_is_known(struct fw_env* env, const struct fw_config* cfg, fw_u64 h,
                                fw_u32 window) {
  const struct fw_flow* flow =
      fw_flow_may_be_known(env, cfg, h) ? fw_flow_find(env, cfg, h, window, 0) : NULL;

  return flow && flow->acquaintance.echo == FW_ECHO_PROVEN &&
         fw_idle(window & 0x1fffffff, fw_flow_seen_window(flow), 0x1fffffff) <
             FW_VERIFIED_IDLE_WINDOWS;
}

/* 1: the question returns the number that the datapath gave, or the service itself: its flow is
 * verified, and its source asks this service unchallenged. */
FW_GLOBAL int fw_question_proves(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u32 window = fw_window(now_ns), of_service;
  struct fw_flow* flow;
  fw_u64 h;

  if (!cfg || !p || p->challenge == FW_CHALLENGE_WANTED) return 0;
  h = fw_arriving_hash(cfg, p);
  flow = fw_flow_find(env, cfg, h, window, 0);
  of_service =
      FW_ECHO_OURS | fw_echo_digest_of(cfg, (fw_u64)p->challenge << 32, 0, 0, FW_A2S_NUMBER_BYTES);
  if (!(flow && flow->udp.echo == of_service) && !fw_challenge_is_right(env, p, now_ns)) return 0;
  fw_asker_record(env, cfg, h, window);
  fw_asker_record(env, cfg, fw_asker_hash(cfg, p), window);
  return 1;
}

/* Ticks that a question of an unverified source costs of what is answered as asked. A challenge is
 * no loss to a client of A2S, so there the service's budget is enough; a resolver pays for TCP, so
 * DNS is challenged above the configured capacity, or when the service bears less. That it bears
 * more is no reason to answer more forged questions. */
FW_INLINE fw_u32 fw_question_cost(const struct fw_config* cfg, const struct fw_capacity* capacity,
                                  fw_u32 question, fw_u64 now_ns) {
  fw_u32 borne = fw_capacity_cost(cfg, capacity, now_ns);
  fw_u32 budget = cfg->budget[FW_CLASS_UDP_NEW].cost;

  if (borne > cfg->capacity_cost) return borne; /* the service suffers */
  borne = cfg->capacity_cost;
  if (!budget) return borne;
  return question == FW_QUESTION_A2S || !borne || budget < borne ? budget : borne;
}

/* 1: a service answers there; for DNS also by TCP, without which a resolver would be lost. */
FW_INLINE int fw_question_is_served(struct fw_env* env, const struct fw_packet* p) {
  return fw_port_served(env, FW_IPPROTO_UDP, p->dport) &&
         (p->question != FW_QUESTION_DNS || fw_port_served(env, FW_IPPROTO_TCP, p->dport));
}

/* Index + 1 of the service's budget if the question is to be challenged; else 0. */
FW_GLOBAL int fw_question_is_over(struct fw_env* env, const struct fw_packet* p, fw_u32 mode,
                                  fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_capacity* capacity;
  fw_u32 index, cost;

  if (!cfg || !p || !fw_question_is_served(env, p)) return 0;
  index = fw_budget_index(env, &p->dst, (fw_u32)FW_CLASS_UDP_NEW << 16 | p->dport, now_ns);
  capacity = fw_env_capacities(env, index);
  if (!capacity) return 0;
  cost = fw_question_cost(cfg, capacity, p->question, now_ns);
  if (mode != FW_CHALLENGE_ON &&
      (!cost || fw_rate_admit64(&capacity->questions_tat_ticks, now_ns, cost,
                                cost > FW_QUESTIONS_BURST_TICKS ? cost : FW_QUESTIONS_BURST_TICKS)))
    return 0;
  if (fw_asker_is_known(env, cfg, fw_asker_hash(cfg, p), fw_window(now_ns))) return 0;
  return fw_syn_is_to_this_host(env, p, now_ns) ? (int)index + 1 : 0;
}

/* 1: questions to the packet's service may be challenged. */
FW_INLINE int fw_challenges(const struct fw_context* x) {
  return x->config->mode == FW_MODE_ENFORCE &&
         x->config->rule[x->decision->rule].challenge != FW_CHALLENGE_OFF;
}

/* A question above what its service bears. The datapath answers it; where it cannot, the packet is
 * treated as above the service's budget. */
FW_INLINE fw_u32 fw_stage_questions(struct fw_context* x) {
  int index;

  if (!fw_noted_question(x->packet) || !fw_challenges(x)) return FW_CONTINUE;
  if (x->sender->peer == FW_PEER_VERIFIED || x->sender->peer == FW_PEER_ANSWERS) return FW_CONTINUE;
  index = fw_question_is_over(x->env, x->packet, x->config->rule[x->decision->rule].challenge,
                              x->now_ns);
  if (!index) return FW_CONTINUE;
  x->decision->budget = (fw_u16)index;
  return FW_REASON_BUDGET;
}

#endif
