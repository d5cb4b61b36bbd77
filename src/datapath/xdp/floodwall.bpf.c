/* SPDX-License-Identifier: MIT */
/* The BPF programs: floodwall_in judges arriving packets at the driver (XDP),
 * floodwall_out records what this host sends (tc). The pair whose names end in _ip is
 * for interfaces whose frames begin with the IP header. */
#include "datapath/xdp/env_bpf.h"
#include "datapath/xdp/payload.h"
#include "datapath/xdp/question_answer.h"
#include "datapath/xdp/socket_lookup.h"
#include "datapath/xdp/syn_answer.h"
#include "policy/egress.h"
#include "policy/judge.h"

#ifndef TC_ACT_UNSPEC
#define TC_ACT_UNSPEC (-1) /* also TCX_NEXT: the next program or the stack decides */
#endif

enum { FW_NEAR_BYTES = 4096 }; /* what lies farther back is slower to read */

/* Copies a constant number of bytes of a packet, by as few loads as there can be. */
FW_INLINE void fw_copy(fw_u8* to, const fw_u8* from, fw_u32 size) {
  for (fw_u32 i = 0; i + 8 <= size; i += 8)
    ((fw_raw64*)(to + i))->word = ((const fw_raw64*)(from + i))->word;
  if (size & 4)
    ((fw_raw32*)(to + (size & ~7u)))->word = ((const fw_raw32*)(from + (size & ~7u)))->word;
  if (size & 2)
    ((fw_raw16*)(to + (size & ~3u)))->word = ((const fw_raw16*)(from + (size & ~3u)))->word;
  if (size & 1) to[size - 1] = from[size - 1];
}

struct fw_far_frame {
  void* ctx;
  int departs; /* 1: ctx is a struct __sk_buff, else a struct xdp_md; a constant where inlined */
};

/* From the first buffer without a call, which is where headers are. */
FW_INLINE long fw_frame_load(void* frame, fw_u32 offset, fw_u8* to, fw_u32 size) {
  const struct fw_far_frame* far = frame;
  struct __sk_buff* skb = far->ctx;
  struct xdp_md* xdp = far->ctx;
  const fw_u8* data = (void*)(long)(far->departs ? skb->data : xdp->data);
  const fw_u8* end = (void*)(long)(far->departs ? skb->data_end : xdp->data_end);

  if (offset < FW_NEAR_BYTES) {
    data += offset;
    if (data + size <= end) {
      fw_copy(to, data, size);
      return 0;
    }
  }
  return far->departs ? bpf_skb_load_bytes(skb, offset, to, size)
                      : bpf_xdp_load_bytes(xdp, offset, to, size);
}

FW_INLINE int fw_parse_far(struct fw_far_frame* far, fw_u32 bytes, fw_u32 link,
                           struct fw_packet* packet) {
  fw_u8 taken[FW_TAKE_MOST_BYTES] __attribute__((aligned(8)));
  struct fw_cursor frame = {.far = far, .taken = taken, .left_bytes = bytes};

  __builtin_memset(packet, 0, sizeof *packet);
  return fw_parse(&frame, (fw_u8)link, packet);
}

/* Any frame: one with many tags, with extension headers, or with headers in several buffers. */
FW_GLOBAL int fw_parse_odd(struct xdp_md* ctx, fw_u32 link, struct fw_packet* packet) {
  struct fw_far_frame far = {.ctx = ctx};

  return packet ? fw_parse_far(&far, (fw_u32)bpf_xdp_get_buff_len(ctx), link, packet)
                : FW_PARSED_NOT_IP;
}
FW_GLOBAL int fw_parse_odd_departing(struct __sk_buff* skb, fw_u32 link, struct fw_packet* packet) {
  struct fw_far_frame far = {.ctx = skb, .departs = 1};

  return packet ? fw_parse_far(&far, skb->len, link, packet) : FW_PARSED_NOT_IP;
}

/* Quickly if the frame is a plain one. Its length takes a helper call, which is avoided where the
 * IP packet ends with the first buffer (whatever follows in others would be padding). */
FW_INLINE int fw_parse_xdp(struct xdp_md* ctx, fw_u8 link, struct fw_packet* packet) {
  fw_u32 bytes = ctx->data_end - ctx->data,
         link_bytes = link == FW_LINK_ETHERNET ? FW_ETHERNET_BYTES : 0;
  struct fw_cursor frame = {.pos = (void*)(long)ctx->data,
                            .end = (void*)(long)ctx->data_end,
                            .left_bytes = bytes,
                            .is_quick = 1};
  int parsed = fw_parse(&frame, link, packet);

  if (parsed == FW_PARSED && packet->ip_len_bytes + link_bytes == bytes) return parsed;
  if (parsed != FW_PARSED_ODD && bpf_xdp_get_buff_len(ctx) == bytes) return parsed;
  return fw_parse_odd(ctx, link, packet);
}

/* Looks up the flow that an ICMP error in a plain frame quotes. */
FW_GLOBAL int fw_note_quote(struct xdp_md* ctx, struct fw_env* env, fw_u32 link,
                            struct fw_packet* packet) {
  struct fw_cursor frame = {.pos = (void*)(long)ctx->data,
                            .end = (void*)(long)ctx->data_end,
                            .left_bytes = ctx->data_end - ctx->data,
                            .is_quick = 1};

  if (!env || !packet) return 0;
  packet->quotes_flow = (fw_u32)fw_quotes_flow(env, &frame, (fw_u8)link, packet);
  return 1;
}

FW_INLINE int fw_parse_skb(struct __sk_buff* skb, fw_u8 link, struct fw_packet* packet) {
  struct fw_cursor frame = {.pos = (void*)(long)skb->data,
                            .end = (void*)(long)skb->data_end,
                            .left_bytes = skb->len,
                            .is_quick = 1};
  int parsed = fw_parse(&frame, link, packet);

  return parsed == FW_PARSED_ODD ? fw_parse_odd_departing(skb, link, packet) : parsed;
}

/* Shows the packet to the engine, with its first bytes. */
FW_INLINE void fw_show(struct xdp_md* ctx, fw_u8 link, struct fw_env* env,
                       const struct fw_packet* packet, const struct fw_decision* decision) {
  struct fw_sample* sample = bpf_ringbuf_reserve(&samples, sizeof *sample, 0);
  fw_u64 bytes = bpf_xdp_get_buff_len(ctx);
  struct fw_counters* counters;

  if (!sample) {
    counters = fw_env_counters(env, 0);
    if (counters) counters->samples_lost++;
    return;
  }
  __builtin_memset(sample, 0, sizeof *sample);
  sample->time_ns = fw_env_now(env);
  sample->packet = *packet;
  sample->kind = (fw_u8)(decision->sample - 1);
  sample->reason = decision->reason;
  sample->traffic_class = decision->traffic_class;
  sample->signature = decision->signature;
  sample->served = decision->served & (FW_SERVED | FW_OF_PARTNER);
  sample->link = link;
  if (bytes > FW_SAMPLE_HEAD_BYTES) bytes = FW_SAMPLE_HEAD_BYTES;
  FW_OPAQUE(bytes); /* else clang optimises the check below away, which the verifier needs */
  if (FW_IS_WITHIN(bytes, FW_ETHERNET_BYTES, FW_SAMPLE_HEAD_BYTES) &&
      !bpf_xdp_load_bytes(ctx, 0, sample->head, (fw_u32)bytes))
    sample->head_bytes = (fw_u16)bytes;
  bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
}

/* The reason of a packet that is to be dropped, after its sender or the kernel was asked: a SYN is
 * answered by a SYN cookie, and a socket that the tables do not know may be the kernel's.
 * Without an Ethernet header no SYN is answered: generic XDP would take the changed address for a
 * changed EtherType. */
FW_INLINE fw_u32 fw_asked(struct xdp_md* ctx, fw_u8 link, struct fw_env* env,
                          const struct fw_packet* packet, struct fw_decision* decision) {
  int challenged, known;

  if (decision->ask == FW_ASK_KERNEL && packet->proto == FW_IPPROTO_UDP) {
    if (!fw_syn_is_to_this_host(env, packet, fw_env_now(env)) ||
        !fw_udp_socket_takes(ctx, env, packet, fw_env_now(env)))
      return decision->reason;
    decision->sample = 0;
    return FW_REASON_PASS;
  }
  if (decision->ask == FW_ASK_KERNEL) {
    known = fw_kernel_knows(ctx, env, packet, fw_env_now(env));
    if (!known) return decision->reason;
    if (known == FW_KNOWN_ANEW) /* its handshake was not seen */
      fw_refund(env, &packet->src, &packet->dst, FW_CLASS_TCP_SYN, packet->dport, fw_env_now(env));
    decision->sample = 0; /* it is no excess */
    return FW_REASON_PASS;
  }
  if (link == FW_LINK_IP) return decision->reason;
  if (packet->proto == FW_IPPROTO_UDP) {
    if (!fw_question_answer(ctx, env, packet)) return decision->reason;
    decision->sample = 0; /* its sender will prove itself, or stay away */
    return FW_REASON_CHALLENGE;
  }
  challenged = fw_challenge(ctx, env, packet, fw_env_now(env));
  if (challenged == FW_CHALLENGED) return FW_REASON_CHALLENGE;
  return challenged == FW_CHALLENGED_BY_KERNEL ? FW_REASON_PASS : decision->reason;
}

FW_INLINE int fw_judge_frame(struct xdp_md* ctx, fw_u8 link) {
  struct fw_packet packet = {0};
  struct fw_decision decision = {0};
  struct fw_env env;
  int parsed;

  fw_env_open(&env);
  parsed = fw_parse_xdp(ctx, link, &packet);
  if (parsed == FW_PARSED && fw_is_icmp_error(&packet)) fw_note_quote(ctx, &env, link, &packet);
  if (link == FW_LINK_ETHERNET && parsed == FW_PARSED && fw_looks_like_question(&packet))
    fw_note_question(ctx, &packet);
  fw_decide(&env, parsed, &packet, &decision);
  if (decision.ask)
    fw_settle_asked(&env, &packet, &decision, fw_asked(ctx, link, &env, &packet, &decision));
  if (link == FW_LINK_ETHERNET && fw_may_echo(&packet, &decision))
    fw_look_for_echo(ctx, &env, &packet);
  if (decision.sample) fw_show(ctx, link, &env, &packet, &decision);
  if (decision.reason == FW_REASON_CHALLENGE) return XDP_TX;
  return decision.verdict == FW_DROP ? XDP_DROP : XDP_PASS;
}

FW_INLINE int fw_record_frame(struct __sk_buff* skb, fw_u8 link) {
  struct fw_packet packet = {0};
  struct fw_env env;
  int parsed;

  fw_env_open(&env);
  parsed = fw_parse_skb(skb, link, &packet);
  fw_record_egress(&env, parsed, &packet, fw_env_now(&env));
  if (link == FW_LINK_ETHERNET && parsed == FW_PARSED && fw_may_choose(&packet))
    fw_record_choice(skb, &env, &packet);
  return TC_ACT_UNSPEC;
}

SEC("xdp.frags")
int floodwall_in(struct xdp_md* ctx) {
  return fw_judge_frame(ctx, FW_LINK_ETHERNET);
}
SEC("xdp.frags")
int floodwall_in_ip(struct xdp_md* ctx) {
  return fw_judge_frame(ctx, FW_LINK_IP);
}
SEC("tc")
int floodwall_out(struct __sk_buff* skb) {
  return fw_record_frame(skb, FW_LINK_ETHERNET);
}
SEC("tc")
int floodwall_out_ip(struct __sk_buff* skb) {
  return fw_record_frame(skb, FW_LINK_IP);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
