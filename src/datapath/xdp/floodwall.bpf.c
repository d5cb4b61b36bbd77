/* SPDX-License-Identifier: MIT */
/* The BPF programs: floodwall_in judges arriving packets at the driver (XDP),
 * floodwall_out records what this host sends (tc). */
#include "datapath/xdp/env_bpf.h"
#include "datapath/xdp/socket_lookup.h"
#include "datapath/xdp/syn_answer.h"
#include "policy/egress.h"
#include "policy/judge.h"

#ifndef TC_ACT_UNSPEC
#define TC_ACT_UNSPEC (-1) /* also TCX_NEXT: the next program or the stack decides */
#endif

/* Parses a frame in several buffers. Only the first buffer is read; the others count as not
 * captured. */
FW_GLOBAL int fw_parse_long(struct xdp_md* ctx, struct fw_packet* packet) {
  struct fw_cursor frame = {(void*)(long)ctx->data, (void*)(long)ctx->data_end, 0, 0};

  if (!packet) return FW_PARSED_NOT_IP;
  __builtin_memset(packet, 0, sizeof *packet);
  frame.left_bytes = (fw_u32)bpf_xdp_get_buff_len(ctx);
  return fw_parse(&frame, FW_LINK_ETHERNET, packet);
}

/* The frame's length takes a helper call, which is avoided where the IP packet ends with the first
 * buffer (whatever follows in others would be padding). */
FW_INLINE int fw_parse_xdp(struct xdp_md* ctx, struct fw_packet* packet) {
  fw_u32 bytes = ctx->data_end - ctx->data;
  struct fw_cursor frame = {(void*)(long)ctx->data, (void*)(long)ctx->data_end, bytes, 0};
  int parsed = fw_parse(&frame, FW_LINK_ETHERNET, packet);

  if (parsed == FW_PARSED && packet->ip_len_bytes + FW_ETHERNET_BYTES == bytes) return parsed;
  return bpf_xdp_get_buff_len(ctx) == bytes ? parsed : fw_parse_long(ctx, packet);
}

/* Looks up the flow that an ICMP error quotes. */
FW_GLOBAL int fw_note_quote(struct xdp_md* ctx, struct fw_env* env, struct fw_packet* packet) {
  fw_u32 bytes = ctx->data_end - ctx->data;
  struct fw_cursor frame = {(void*)(long)ctx->data, (void*)(long)ctx->data_end, bytes, 0};

  if (!env || !packet) return 0;
  packet->quotes_flow = (fw_u32)fw_quotes_flow(env, &frame, FW_LINK_ETHERNET, packet);
  return 1;
}

FW_INLINE int fw_parse_skb(struct __sk_buff* skb, struct fw_packet* packet) {
  struct fw_cursor frame = {(void*)(long)skb->data, (void*)(long)skb->data_end, skb->len, 0};

  return fw_parse(&frame, FW_LINK_ETHERNET, packet);
}

/* Shows the packet to the engine, with its first bytes. */
FW_INLINE void fw_show(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* packet,
                       const struct fw_decision* decision) {
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
  sample->served = decision->served;
  if (bytes > FW_SAMPLE_HEAD_BYTES) bytes = FW_SAMPLE_HEAD_BYTES;
  FW_OPAQUE(bytes); /* else clang optimises the check below away, which the verifier needs */
  if (FW_IS_WITHIN(bytes, FW_ETHERNET_BYTES, FW_SAMPLE_HEAD_BYTES) &&
      !bpf_xdp_load_bytes(ctx, 0, sample->head, (fw_u32)bytes))
    sample->head_bytes = (fw_u16)bytes;
  bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
}

/* The reason of a packet that is to be dropped, after its sender or the kernel was asked: a SYN is
 * answered by a SYN cookie, and a connection that the flow table does not know may be the kernel's.
 */
FW_INLINE fw_u32 fw_asked(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* packet,
                          struct fw_decision* decision) {
  int challenged, known;

  if (decision->ask == FW_ASK_KERNEL) {
    known = fw_kernel_knows(ctx, env, packet, fw_env_now(env));
    if (!known) return decision->reason;
    if (known == FW_KNOWN_NOW) /* here, since the chain of calls may have 512 bytes of stack */
      fw_refund(env, &packet->src, &packet->dst, FW_CLASS_TCP_SYN, packet->dport, fw_env_now(env));
    decision->sample = 0; /* it is no excess */
    return FW_REASON_PASS;
  }
  challenged = fw_challenge(ctx, env, packet, fw_env_now(env));
  if (challenged == FW_CHALLENGED) return FW_REASON_CHALLENGE;
  return challenged == FW_CHALLENGED_BY_KERNEL ? FW_REASON_PASS : decision->reason;
}

SEC("xdp.frags")
int floodwall_in(struct xdp_md* ctx) {
  struct fw_packet packet = {0};
  struct fw_decision decision = {0};
  struct fw_env env;
  int parsed;

  fw_env_open(&env);
  parsed = fw_parse_xdp(ctx, &packet);
  if (parsed == FW_PARSED && fw_is_icmp_error(&packet)) fw_note_quote(ctx, &env, &packet);
  fw_decide(&env, parsed, &packet, &decision);
  if (decision.ask) fw_settle(&env, &packet, &decision, fw_asked(ctx, &env, &packet, &decision));
  if (decision.sample) fw_show(ctx, &env, &packet, &decision);
  if (decision.reason == FW_REASON_CHALLENGE) return XDP_TX;
  return decision.verdict == FW_DROP ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int floodwall_out(struct __sk_buff* skb) {
  struct fw_packet packet = {0};
  struct fw_env env;

  fw_env_open(&env);
  fw_record_egress(&env, fw_parse_skb(skb, &packet), &packet, fw_env_now(&env));
  return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
