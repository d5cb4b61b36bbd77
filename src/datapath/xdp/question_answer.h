/* SPDX-License-Identifier: MIT */
/* Answers a question over UDP in its own frame (policy/questions.h): one of A2S by a
 * challenge, one of DNS by itself with the bits "answer" and "truncated". Neither is
 * longer than the question, and none answers an answer. */
#ifndef FW_DATAPATH_XDP_QUESTION_ANSWER_H
#define FW_DATAPATH_XDP_QUESTION_ANSWER_H

#include "datapath/xdp/payload.h"
#include "datapath/xdp/syn_answer.h"

enum {
  FW_A2S_ANSWER_BYTES = 9, /* four times 0xff, 'A', the number */
  FW_A2S_CHALLENGE = 0x41,
  FW_DNS_ANSWER = 0x80, /* third byte: QR; of the others RD stays */
  FW_DNS_TRUNCATED = 0x02,
  FW_DNS_RECURSION_WANTED = 0x01,
  FW_DNS_CHECKING_DISABLED = 0x10, /* fourth byte; it is copied (RFC 4035 3.2.2) */
  FW_CHUNK_BYTES = 16,
};

/* The RFC 1071 sum of the question's payload from `at` on. */
FW_GLOBAL int fw_payload_sum(struct xdp_md* ctx, const struct fw_packet* p, fw_u32 at) {
  fw_u8 chunk[FW_CHUNK_BYTES];
  fw_u32 sum = 0, left, whole;
  fw_u64 beyond_one;

  if (!p) return 0;
  left = p->payload_bytes;
  left -=
      left < FW_DNS_LEAST_BYTES ? left : 4; /* what the answer changes is summed with its header */
  whole = left / FW_CHUNK_BYTES;
  for (fw_u32 i = 0; i < FW_DNS_MOST_BYTES / FW_CHUNK_BYTES && i < whole; i++) {
    if (bpf_xdp_load_bytes(ctx, at, chunk, FW_CHUNK_BYTES)) return 0;
    sum = fw_sum16(chunk, FW_CHUNK_BYTES, sum);
    at += FW_CHUNK_BYTES;
  }
  if (!(left % FW_CHUNK_BYTES)) return (int)sum;
  beyond_one = left % FW_CHUNK_BYTES - 1;
  FW_OPAQUE(beyond_one); /* the verifier of Linux 6.1 learns no bounds from "not 0" */
  beyond_one &= FW_CHUNK_BYTES - 1;
  __builtin_memset(chunk, 0, sizeof chunk);
  if (bpf_xdp_load_bytes(ctx, at, chunk, (fw_u32)beyond_one + 1)) return 0;
  return (int)fw_sum16(chunk, FW_CHUNK_BYTES, sum);
}

/* Reads the headers of a question, with the first bytes of its payload, into *syn. */
FW_GLOBAL int fw_question_read(struct xdp_md* ctx, const struct fw_packet* p, struct fw_syn* syn) {
  if (!p || !syn || bpf_xdp_load_bytes(ctx, 0, syn->link, FW_SYN_LINK_BYTES)) return 0;
  syn->link_bytes = fw_syn_ip_offset(syn->link, p->is_v6);
  if (!syn->link_bytes) return 0;
  syn->ip_bytes = p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES;
  if (bpf_xdp_load_bytes(ctx, syn->link_bytes, syn->ip, p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES))
    return 0;
  if (!fw_syn_ip_is_plain(syn->ip, p->is_v6, FW_IPPROTO_UDP)) return 0;
  return !bpf_xdp_load_bytes(ctx, syn->link_bytes + syn->ip_bytes, syn->tcp,
                             FW_UDP_BYTES + FW_A2S_ANSWER_BYTES);
}

/* Turns the headers and the first bytes of the payload into those of the answer. `sum` is that of
 * the rest of the payload. */
FW_GLOBAL int fw_question_turn(struct fw_syn* syn, const struct fw_packet* p, fw_u32 number,
                               fw_u32 sum) {
  fw_u8* payload = syn ? syn->tcp + FW_UDP_BYTES : NULL;
  fw_u32 bytes;

  if (!syn || !p) return 0;
  bytes = FW_UDP_BYTES +
          (p->question == FW_QUESTION_A2S ? (fw_u32)FW_A2S_ANSWER_BYTES : p->payload_bytes);
  fw_put16(syn->tcp, p->dport);
  fw_put16(syn->tcp + 2, p->sport);
  fw_put16(syn->tcp + 4, bytes);
  fw_put16(syn->tcp + 6, 0);
  if (p->question == FW_QUESTION_A2S) {
    payload[4] = FW_A2S_CHALLENGE;
    fw_put32(payload + 5, number);
    payload[9] = 0; /* to be summed by twos */
  } else {
    payload[2] = (fw_u8)(FW_DNS_ANSWER | FW_DNS_TRUNCATED | (payload[2] & FW_DNS_RECURSION_WANTED));
    payload[3] &= FW_DNS_CHECKING_DISABLED;
  }
  sum += fw_turn_round(syn, bytes, FW_IPPROTO_UDP);
  if (p->question == FW_QUESTION_A2S)
    sum = fw_fold16(fw_sum16(syn->tcp, FW_UDP_BYTES + FW_A2S_ANSWER_BYTES + 1, sum));
  else
    sum = fw_fold16(fw_sum16(syn->tcp, FW_UDP_BYTES + 4, sum));
  fw_put16(syn->tcp + 6, sum ? sum : 0xffff);
  return 1;
}

/* Writes the answer over the frame. 0: that failed, and the frame may be damaged. */
FW_GLOBAL int fw_question_write(struct xdp_md* ctx, struct fw_syn* syn, fw_u32 question) {
  fw_u32 headers;
  int failed;

  if (!syn) return 0;
  headers = syn->link_bytes + syn->ip_bytes;
  failed = bpf_xdp_store_bytes(ctx, 0, syn->link, FW_SYN_LINK_BYTES) != 0;
  if (syn->ip_bytes == FW_IPV6_BYTES)
    failed |= bpf_xdp_store_bytes(ctx, syn->link_bytes, syn->ip, FW_IPV6_BYTES) != 0;
  else
    failed |= bpf_xdp_store_bytes(ctx, syn->link_bytes, syn->ip, FW_IPV4_BYTES) != 0;
  if (question == FW_QUESTION_A2S)
    failed |= bpf_xdp_store_bytes(ctx, headers, syn->tcp, FW_UDP_BYTES + FW_A2S_ANSWER_BYTES) != 0;
  else
    failed |= bpf_xdp_store_bytes(ctx, headers, syn->tcp, FW_UDP_BYTES + 4) != 0;
  return !failed;
}

/* Answers the question to this host in the frame; 0: that is not possible. */
FW_GLOBAL int fw_question_answer_ours(struct xdp_md* ctx, struct fw_env* env,
                                      const struct fw_packet* p) {
  fw_u32 number = 0, sum = 0, headers;
  struct fw_syn syn;

  if (!env || !p || !p->question) return 0;
  __builtin_memset(&syn, 0, sizeof syn);
  if (!fw_question_read(ctx, p, &syn) || !fw_is_routed_here(ctx, &syn, FW_IPPROTO_UDP)) return 0;
  headers = syn.link_bytes + syn.ip_bytes + FW_UDP_BYTES;
  if (p->question == FW_QUESTION_A2S) {
    number = fw_challenge_number(env, p, fw_env_now(env) >> FW_CHALLENGE_SLOT_SHIFT);
    if (bpf_xdp_adjust_tail(ctx,
                            (int)(headers + FW_A2S_ANSWER_BYTES) - (int)bpf_xdp_get_buff_len(ctx)))
      return 0;
  } else {
    sum = (fw_u32)fw_payload_sum(ctx, p, headers + 4);
  }
  fw_question_turn(&syn, p, number, sum);
  return fw_question_write(ctx, &syn, p->question);
}

/* The same for any question. */
FW_INLINE int fw_question_answer(struct xdp_md* ctx, struct fw_env* env,
                                 const struct fw_packet* p) {
  return fw_question_is_served(env, p) && fw_syn_is_to_this_host(env, p, fw_env_now(env)) &&
         fw_question_answer_ours(ctx, env, p);
}

#endif
