/* SPDX-License-Identifier: MIT */
/* Asks the kernel for the socket of a packet before it is refused. The flow table
 * may not know a TCP connection: it was made before the start, its answers leave by
 * another interface, or the table was full. The daemon may not know yet that a UDP
 * socket listens. Both are entered into the tables, so they are asked for once. */
#ifndef FW_DATAPATH_XDP_SOCKET_LOOKUP_H
#define FW_DATAPATH_XDP_SOCKET_LOOKUP_H

#include "datapath/xdp/env_bpf.h"
#include "policy/flows.h"

FW_INLINE void fw_put_be32(__u32* word, fw_u32 value) {
  *word = __builtin_bswap32(value);
}
FW_INLINE void fw_put_be64(__u32* words, fw_u64 value) {
  fw_put_be32(words, (fw_u32)(value >> 32));
  fw_put_be32(words + 1, (fw_u32)value);
}

FW_INLINE void fw_fill_tuple(struct bpf_sock_tuple* tuple, const struct fw_packet* p) {
  __builtin_memset(tuple, 0, sizeof *tuple);
  if (p->is_v6) {
    fw_put_be64(tuple->ipv6.saddr, p->src.hi);
    fw_put_be64(tuple->ipv6.saddr + 2, p->src.lo);
    fw_put_be64(tuple->ipv6.daddr, p->dst.hi);
    fw_put_be64(tuple->ipv6.daddr + 2, p->dst.lo);
    tuple->ipv6.sport = __builtin_bswap16(p->sport);
    tuple->ipv6.dport = __builtin_bswap16(p->dport);
  } else {
    fw_put_be32(&tuple->ipv4.saddr, (fw_u32)p->src.lo);
    fw_put_be32(&tuple->ipv4.daddr, (fw_u32)p->dst.lo);
    tuple->ipv4.sport = __builtin_bswap16(p->sport);
    tuple->ipv4.dport = __builtin_bswap16(p->dport);
  }
}

/* The socket's state (BPF_TCP_*); 0: there is none. */
FW_INLINE fw_u32 fw_tcp_socket_state(struct xdp_md* ctx, const struct fw_packet* p) {
  struct bpf_sock_tuple tuple;
  struct bpf_sock* socket;
  fw_u32 state;

  fw_fill_tuple(&tuple, p);
  if (p->is_v6)
    socket = bpf_skc_lookup_tcp(ctx, &tuple, sizeof tuple.ipv6, BPF_F_CURRENT_NETNS, 0);
  else
    socket = bpf_skc_lookup_tcp(ctx, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0);
  if (!socket) return 0;
  state = socket->state;
  bpf_sk_release(socket);
  return state;
}

/* ---- connection tracking, for connections that are forwarded (DNAT, containers). The kernel's
 * functions for BPF are in nf_conntrack, which need not be there: programs.cpp sets HAS_CONNTRACK.
 */

const volatile fw_u32 HAS_CONNTRACK = 0;

struct nf_conn {
  unsigned long status;
} __attribute__((preserve_access_index));
struct bpf_ct_opts { /* as first published, in Linux 5.18; later versions take its size, too */
  fw_s32 netns_id;
  fw_s32 error;
  fw_u8 l4proto;
  fw_u8 dir;
  fw_u8 reserved[2];
};
struct nf_conn* bpf_xdp_ct_lookup(struct xdp_md*, struct bpf_sock_tuple*, fw_u32,
                                  struct bpf_ct_opts*, fw_u32)
__ksym __weak;
void bpf_ct_release(struct nf_conn*) __ksym __weak;

enum { FW_IPS_ASSURED = 1 << 2 /* linux/netfilter/nf_conntrack_common.h: answered, and goes on */ };

/* 1: the packet is of a connection that was answered, of whichever host behind this one. */
FW_GLOBAL int fw_conntrack_knows(struct xdp_md* ctx, const struct fw_packet* p) {
  struct bpf_ct_opts opts = {.netns_id = BPF_F_CURRENT_NETNS, .l4proto = FW_IPPROTO_TCP};
  struct bpf_sock_tuple tuple;
  struct nf_conn* connection;
  int knows;

  if (!p || !HAS_CONNTRACK) return 0;
  fw_fill_tuple(&tuple, p);
  if (p->is_v6)
    connection = bpf_xdp_ct_lookup(ctx, &tuple, sizeof tuple.ipv6, &opts, sizeof opts);
  else
    connection = bpf_xdp_ct_lookup(ctx, &tuple, sizeof tuple.ipv4, &opts, sizeof opts);
  if (!connection) return 0;
  knows = (connection->status & FW_IPS_ASSURED) != 0;
  bpf_ct_release(connection);
  return knows;
}

enum fw_known {
  FW_KNOWN_NOT = 0,
  FW_KNOWN = 1,
  FW_KNOWN_ANEW = 2, /* and it was just entered into the flow table */
};

/* Is the packet of a connection of this host, whatever its state? A listener alone is none. */
FW_GLOBAL int fw_kernel_knows(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* p,
                              fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u32 state, window = fw_window(now_ns);
  struct fw_flow* flow;
  fw_u64 h;

  if (!cfg || !p || p->proto != FW_IPPROTO_TCP || p->fragment == FW_FRAG_LATER) return 0;
  state = fw_tcp_socket_state(ctx, p);
  /* Where ports are forwarded no SYN is answered by a cookie (host/port_forwarding.hpp). */
  if (!state || state == BPF_TCP_LISTEN)
    return cfg->syn_cookies ? FW_KNOWN_NOT : fw_conntrack_knows(ctx, p);
  if (state == BPF_TCP_NEW_SYN_RECV || state == BPF_TCP_SYN_RECV || state == BPF_TCP_SYN_SENT ||
      state == BPF_TCP_TIME_WAIT)
    return FW_KNOWN; /* the handshake is not complete, or the connection is over */
  h = fw_arriving_hash(cfg, p);
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow || fw_state_is_established(fw_flow_state(flow))) return FW_KNOWN;
  fw_flow_publish(env, cfg, flow, h, window, FW_FLOW_ESTABLISHED);
  return FW_KNOWN_ANEW;
}

enum { FW_CLOSED_MS = 9 /* a closed port is asked for every 10 ms and CPU at most; judgement */ };

/* 1: lately there was no socket. Else this is the time at which there was none. */
FW_INLINE int fw_port_was_closed(struct fw_env* env, fw_u16 port, fw_u64 now_ns) {
  struct fw_cpu* cpu = fw_env_cpu_state(env, 0);
  fw_u16 now_ms = (fw_u16)fw_ms(now_ns);
  fw_u32* slot;

  if (!cpu) return 1;
  slot = &cpu->closed_ports[port & (FW_CLOSED_PORTS - 1)];
  if (*slot >> 16 == port && (fw_u16)(now_ms - (fw_u16)*slot) < FW_CLOSED_MS) return 1;
  *slot = (fw_u32)port << 16 | now_ms;
  return 0;
}

/* 1: a UDP socket takes the packet. If it takes those of others, too, its port is served from now
 * on. */
FW_GLOBAL int fw_udp_socket_takes(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* p,
                                  fw_u64 now_ns) {
  struct bpf_sock_tuple tuple;
  struct bpf_sock* socket;
  fw_u32 state;

  if (!env || !p || fw_port_was_closed(env, p->dport, now_ns)) return 0;
  fw_fill_tuple(&tuple, p);
  if (p->is_v6)
    socket = bpf_sk_lookup_udp(ctx, &tuple, sizeof tuple.ipv6, BPF_F_CURRENT_NETNS, 0);
  else
    socket = bpf_sk_lookup_udp(ctx, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0);
  if (!socket) return 0;
  state = socket->state;
  bpf_sk_release(socket);
  if (state != BPF_TCP_ESTABLISHED) fw_port_set_listens(env, FW_IPPROTO_UDP, p->dport);
  return 1;
}

#endif
