/* SPDX-License-Identifier: MIT */
/* Reads the beginning of a UDP payload, for the few packets whose protocol has a
 * number that proves an address (policy/echo.h), or that ask a question which can be
 * answered (policy/questions.h). Only frames are read that could be answered, too:
 * Ethernet with at most two tags, IP without options or extension headers. */
#ifndef FW_DATAPATH_XDP_PAYLOAD_H
#define FW_DATAPATH_XDP_PAYLOAD_H

#include "datapath/xdp/env_bpf.h"
#include "policy/questions.h"

/* The offset of the UDP payload; 0: the frame is not plain. `load` is the program type's helper. */
#define FW_PAYLOAD_OFFSET(name, context, load)                                        \
  FW_GLOBAL int name(struct context* ctx, const struct fw_packet* p) {                \
    fw_u8 link[24], ip[16]; /* FW_SYN_LINK_BYTES; what fw_syn_ip_is_plain() reads */  \
    fw_u32 offset;                                                                    \
                                                                                      \
    if (!p || load(ctx, 0, link, FW_SYN_LINK_BYTES)) return 0;                        \
    offset = fw_syn_ip_offset(link, p->is_v6);                                        \
    if (!offset || load(ctx, offset, ip, sizeof ip)) return 0;                        \
    if (!fw_syn_ip_is_plain(ip, p->is_v6, FW_IPPROTO_UDP)) return 0;                  \
    return (int)(offset + (p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES) + FW_UDP_BYTES); \
  }
FW_PAYLOAD_OFFSET(fw_xdp_payload_offset, xdp_md, bpf_xdp_load_bytes)
FW_PAYLOAD_OFFSET(fw_skb_payload_offset, __sk_buff, bpf_skb_load_bytes)

/* Reads as much of the payload as numbers are looked for in. */
#define FW_PAYLOAD_LOAD(payload, ctx, p, payload_offset, load)                                  \
  do {                                                                                          \
    fw_u64 size_ = (p)->payload_bytes;                                                          \
    int offset_ = payload_offset(ctx, p);                                                       \
                                                                                                \
    if (size_ > FW_PAYLOAD_HEAD_BYTES) size_ = FW_PAYLOAD_HEAD_BYTES;                           \
    FW_OPAQUE(size_); /* as in fw_show() */                                                     \
    if (!offset_ || !FW_IS_WITHIN(size_, FW_ECHO_LEAST_BYTES, FW_PAYLOAD_HEAD_BYTES)) return 0; \
    if (load(ctx, (fw_u32)offset_, (payload)->bytes, (fw_u32)size_)) return 0;                  \
    (payload)->size = (fw_u32)size_;                                                            \
  } while (0)

FW_GLOBAL int fw_look_for_echo(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* p) {
  struct fw_payload payload;

  if (!env || !p) return 0;
  __builtin_memset(&payload, 0, sizeof payload);
  FW_PAYLOAD_LOAD(&payload, ctx, p, fw_xdp_payload_offset, bpf_xdp_load_bytes);
  return fw_echo_arrive(env, p, &payload, fw_window(fw_env_now(env)));
}

FW_GLOBAL int fw_record_choice(struct __sk_buff* skb, struct fw_env* env,
                               const struct fw_packet* p) {
  struct fw_payload payload;

  if (!env || !p) return 0;
  __builtin_memset(&payload, 0, sizeof payload);
  FW_PAYLOAD_LOAD(&payload, skb, p, fw_skb_payload_offset, bpf_skb_load_bytes);
  return fw_echo_depart(env, p, &payload);
}

/* Notes that the packet is a question which can be answered. */
FW_GLOBAL int fw_note_question(struct xdp_md* ctx, struct fw_packet* packet) {
  fw_u32 number = FW_CHALLENGE_WANTED, at;
  int offset;

  if (!packet || !fw_question_of(packet)) return 0;
  offset = fw_xdp_payload_offset(ctx, packet);
  if (!offset) return 0;
  at = packet->dport == FW_DNS_PORT ? 0 : fw_a2s_number_offset(packet);
  if (at && bpf_xdp_load_bytes(ctx, (fw_u32)offset + at, &number, sizeof number)) return 0;
  packet->question = fw_question_of(packet);
  packet->challenge = __builtin_bswap32(number);
  return 1;
}

#endif
