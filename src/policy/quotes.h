/* SPDX-License-Identifier: MIT */
/* ICMP errors about what this host sent: unreachable, too big, time exceeded. Such an
 * error quotes the beginning of the packet that it is about (RFC 792, RFC 4443 3), so
 * its flow can be looked up. Without these errors a connection behind a link of a
 * smaller MTU hangs, so they pass within a budget of their own, in a flood too
 * (docs/decisions/what-passes-unjudged.md). */
#ifndef FW_POLICY_QUOTES_H
#define FW_POLICY_QUOTES_H

#include "context.h"
#include "flows.h"
#include "parse.h"

enum {
  /* 1,000/s and 1,000 at once pass; above that, errors are judged like other ICMP. Judgement: twice
   * what a host with thousands of connections gets when a route breaks. */
  FW_QUOTES_COST_TICKS = 62500,
  FW_QUOTES_BURST_TICKS = 62500000,
};

/* An error that quotes a packet, not an answer or a redirect. */
FW_INLINE int fw_is_icmp_error(const struct fw_packet* p) {
  if (p->fragment == FW_FRAG_LATER) return 0;
  if (p->is_v6)
    return p->proto == FW_IPPROTO_ICMPV6 && p->icmp_type >= FW_ICMPV6_UNREACHABLE &&
           p->icmp_type <= FW_ICMPV6_PARAMETER_PROBLEM;
  return p->proto == FW_IPPROTO_ICMP &&
         (p->icmp_type == FW_ICMP_UNREACHABLE || p->icmp_type == FW_ICMP_TIME_EXCEEDED ||
          p->icmp_type == FW_ICMP_PARAMETER_PROBLEM);
}

/* The quoted IP header. Returns 0 if it is none, or of a later fragment: that has no ports. */
FW_INLINE int fw_quoted_v4(struct fw_cursor* c, struct fw_packet* quoted) {
  const fw_u8* p = fw_take(c, 20);

  if (!p || p[0] >> 4 != 4 || (p[0] & 15) < 5) return 0;
  if (fw_be16(p + 6) & FW_IPV4_FRAGMENT_OFFSET) return 0;
  quoted->src.lo = 0xffff00000000ULL | fw_be32(p + 12);
  quoted->dst.lo = 0xffff00000000ULL | fw_be32(p + 16);
  quoted->proto = p[9];
  return fw_skip(c, (p[0] & 15u) * 4 - 20);
}
FW_INLINE int fw_quoted_v6(struct fw_cursor* c, struct fw_packet* quoted) {
  const fw_u8* p = fw_take(c, 40);

  if (!p || p[0] >> 4 != 6) return 0;
  quoted->src.hi = fw_be64(p + 8);
  quoted->src.lo = fw_be64(p + 16);
  quoted->dst.hi = fw_be64(p + 24);
  quoted->dst.lo = fw_be64(p + 32);
  quoted->proto = p[6];
  if (quoted->proto != FW_IPPROTO_FRAGMENT) return 1;
  p = fw_take(c, 8);
  if (!p || (fw_be16(p + 2) & FW_IPV6_FRAGMENT_OFFSET)) return 0;
  quoted->proto = p[0];
  return 1;
}

/* Does the error in the frame quote a packet of a flow that this host answered or began? `c` is a
 * quick cursor at the beginning of the frame, *p is the parsed error. */
FW_INLINE int fw_quotes_flow(struct fw_env* env, struct fw_cursor* c, fw_u8 link,
                             const struct fw_packet* p) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_packet quoted = {0};
  const struct fw_flow* flow;
  const fw_u8* ports;
  fw_u32 type = FW_ETHERTYPE_IPV4;
  struct fw_tuple t;
  fw_u64 h;

  if (!cfg || p->ip_len_bytes < p->payload_bytes) return 0;
  if (link != FW_LINK_IP) type = fw_parse_link(c);
  if (type != FW_ETHERTYPE_IPV4 && type != FW_ETHERTYPE_IPV6) return 0;
  if (!fw_skip(c, p->ip_len_bytes - p->payload_bytes)) return 0;
  c->left_bytes = p->payload_bytes;
  if (!(p->is_v6 ? fw_quoted_v6(c, &quoted) : fw_quoted_v4(c, &quoted))) return 0;
  if (quoted.src.hi != p->dst.hi || quoted.src.lo != p->dst.lo) return 0;
  if (fw_has_ports(quoted.proto)) {
    ports = fw_take(c, 4);
    if (!ports) return 0;
    quoted.sport = fw_be16(ports);
    quoted.dport = fw_be16(ports + 2);
  }
  t.remote = &quoted.dst;
  t.local = &quoted.src;
  t.remote_port = quoted.dport;
  t.local_port = quoted.sport;
  t.proto = quoted.proto;
  h = fw_flow_hash(cfg, &t);
  if (!fw_flow_may_be_known(env, cfg, h)) return 0;
  flow = fw_flow_find(env, cfg, h, 0, 0);
  return flow && fw_flow_state(flow) >=
                     (quoted.proto == FW_IPPROTO_TCP ? FW_FLOW_HANDSHAKE : FW_FLOW_REPLIED);
}

FW_INLINE fw_u32 fw_stage_quotes(struct fw_context* x) {
  struct fw_shared* shared;

  if (!fw_is_icmp_error(x->packet) || !x->packet->quotes_flow) return FW_CONTINUE;
  shared = fw_env_shared(x->env, 0);
  return shared && fw_rate_admit64(&shared->quotes_tat_ticks, x->now_ns, FW_QUOTES_COST_TICKS,
                                   FW_QUOTES_BURST_TICKS)
             ? FW_REASON_QUOTE
             : FW_CONTINUE;
}

#endif
