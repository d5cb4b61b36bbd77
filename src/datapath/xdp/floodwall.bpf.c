/* SPDX-License-Identifier: MIT */
/* The kernel's side: the policy at the driver (ingress), and what notes what
 * this host sends (egress). */
#include "datapath/xdp/env_bpf.h"
#include "policy/decide.h"

#ifndef TC_ACT_UNSPEC
#define TC_ACT_UNSPEC (-1) /* and TCX_NEXT: the next program, or the stack, goes on */
#endif

FW_STAGE int fw_parse_xdp(struct xdp_md* ctx, struct fw_packet* packet) {
  struct fw_cursor frame = {(void*)(long)ctx->data, (void*)(long)ctx->data_end, 0, 0};

  if (!packet) return FW_PARSED_NOT_IP;
  frame.left_bytes = (fw_u32)bpf_xdp_get_buff_len(ctx);
  return fw_parse(&frame, FW_LINK_ETHERNET, packet);
}

FW_STAGE int fw_parse_skb(struct __sk_buff* skb, struct fw_packet* packet) {
  struct fw_cursor frame = {(void*)(long)skb->data, (void*)(long)skb->data_end, skb->len, 0};

  if (!packet) return FW_PARSED_NOT_IP;
  return fw_parse(&frame, FW_LINK_ETHERNET, packet);
}

SEC("xdp.frags")
int floodwall_in(struct xdp_md* ctx) {
  struct fw_packet packet = {0};
  struct fw_decision decision = {0};
  struct fw_env env;

  fw_env_open(&env);
  fw_decide(&env, fw_parse_xdp(ctx, &packet), &packet, &decision, bpf_ktime_get_coarse_ns());
  return decision.verdict == FW_DROP ? XDP_DROP : XDP_PASS;
}

SEC("tc")
int floodwall_out(struct __sk_buff* skb) {
  struct fw_packet packet = {0};
  struct fw_env env;

  fw_env_open(&env);
  fw_note_egress(&env, fw_parse_skb(skb, &packet), &packet, bpf_ktime_get_coarse_ns());
  return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
