/* SPDX-License-Identifier: MIT */
/* Answers a SYN above its budget: the frame is turned into the listener's SYN-ACK,
 * with a SYN cookie made by the kernel, and sent back. A sender that forged its
 * address never sees the answer; the kernel accepts a real client's ACK as if it
 * had answered itself. The only state until then is a flow, which verifies the
 * client when it acknowledges (docs/decisions/syn-cookies.md).
 *
 * SYNs with IP options or extension headers and fragments are not answered. Frames
 * are read and written by bpf_xdp_load_bytes() and bpf_xdp_store_bytes() only, so
 * a frame in several buffers is no special case. */
#ifndef FW_DATAPATH_XDP_SYN_ANSWER_H
#define FW_DATAPATH_XDP_SYN_ANSWER_H

#include "datapath/xdp/env_bpf.h"
#include "policy/syn_cookie.h"

enum fw_challenged {
  FW_CHALLENGED_NOT = 0,       /* no socket listens, or no answer is possible */
  FW_CHALLENGED = 1,           /* the frame is the answer */
  FW_CHALLENGED_BY_KERNEL = 2, /* left to the kernel */
  FW_BACKLOG_HAS_ROOM = 3,     /* the kernel makes no cookie yet (tcp_syncookies = 1) */
};

enum {
  FW_TCP_BYTES = 20,
  FW_TCP_MOST_BYTES = 60,
  FW_SYN_ACK_BYTES = 24,    /* one option: the MSS */
  FW_TTL = 64,              /* Linux's default */
  FW_COOKIE_WINDOW = 29200, /* 20 segments; less than the default receive buffer; judgement */
  FW_COOKIE_MSS_V4 = 1460,  /* an Ethernet MTU of 1500 less the headers */
  FW_COOKIE_MSS_V6 = 1440,
  FW_TCP_OPTION_MSS = 2, /* RFC 9293 3.2 */
  FW_TCP_OPTION_MSS_BYTES = 4,
  FW_IPV4_DONT_FRAGMENT = 0x4000,
  FW_AF_INET = 2, /* linux/socket.h */
  FW_AF_INET6 = 10,
  FW_NO_COOKIE_NEEDED = -2, /* ENOENT of bpf_tcp_gen_syncookie(): the listener is not under load */
  /* SYNs per CPU that are left to listeners whose backlog has room. Measured: with 4096 instead of
   * 5120 at once the backlog stays full while real clients are dropped (decisions/syn-cookies). */
  FW_LISTENER_COST_TICKS = 62500 /* 1000/s */,
  FW_LISTENER_BURST_TICKS =
      320000000 /* 5120: a backlog (somaxconn, 4096), and what leaves it meanwhile */
};

/* The headers of a frame that is answered; of a UDP one `tcp` has the transport header and the
 * beginning of the payload. */
struct fw_syn {
  fw_u8 link[24]; /* Ethernet and at most two tags: FW_SYN_LINK_BYTES, padded */
  fw_u8 ip[FW_IPV6_BYTES];
  fw_u8 tcp[FW_TCP_MOST_BYTES];
  fw_u32 link_bytes, ip_bytes;
  fw_u32 cookie;
  fw_u32 mss_bytes;
  fw_u32 answer_bytes; /* of its TCP header */
};

FW_INLINE void fw_put16(fw_u8* p, fw_u32 value) {
  p[0] = (fw_u8)(value >> 8);
  p[1] = (fw_u8)value;
}
FW_INLINE void fw_put32(fw_u8* p, fw_u32 value) {
  fw_put16(p, value >> 16);
  fw_put16(p + 2, value);
}
/* RFC 1071; `size` is even and constant. */
FW_INLINE fw_u32 fw_sum16(const fw_u8* p, fw_u32 size, fw_u32 sum) {
  for (fw_u32 i = 0; i + 1 < size; i += 2) sum += fw_be16(p + i);
  return sum;
}
FW_INLINE fw_u32 fw_fold16(fw_u32 sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/* Reads the headers of a plain SYN: Ethernet with up to two tags, IP without options. */
FW_GLOBAL int fw_syn_read(struct xdp_md* ctx, const struct fw_packet* p, struct fw_syn* syn) {
  fw_u64 tcp_bytes;

  if (!p || !syn || p->fragment != FW_FRAG_NONE) return 0;
  if (bpf_xdp_load_bytes(ctx, 0, syn->link, FW_SYN_LINK_BYTES)) return 0;
  syn->link_bytes = fw_syn_ip_offset(syn->link, p->is_v6);
  if (!syn->link_bytes) return 0;
  syn->ip_bytes = p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES;
  if (bpf_xdp_load_bytes(ctx, syn->link_bytes, syn->ip, p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES))
    return 0;
  if (!fw_syn_ip_is_plain(syn->ip, p->is_v6, FW_IPPROTO_TCP)) return 0;
  tcp_bytes = p->l4_header_bytes;
  if (!FW_IS_WITHIN(tcp_bytes, FW_TCP_BYTES, FW_TCP_MOST_BYTES)) return 0;
  return !bpf_xdp_load_bytes(ctx, syn->link_bytes + syn->ip_bytes, syn->tcp, (fw_u32)tcp_bytes);
}

/* Is the packet routed to this host, and not forwarded? */
FW_GLOBAL int fw_is_routed_here(struct xdp_md* ctx, const struct fw_syn* syn, fw_u32 proto) {
  struct bpf_fib_lookup fib;
  long route;

  if (!syn) return 0;
  __builtin_memset(&fib, 0, sizeof fib);
  fib.l4_protocol = (fw_u8)proto;
  fib.ifindex = ctx->ingress_ifindex;
  if (syn->ip_bytes == FW_IPV6_BYTES) {
    fib.family = FW_AF_INET6;
    __builtin_memcpy(fib.ipv6_src, syn->ip + 8, 16);
    __builtin_memcpy(fib.ipv6_dst, syn->ip + 24, 16);
  } else {
    fib.family = FW_AF_INET;
    __builtin_memcpy(&fib.ipv4_src, syn->ip + 12, 4);
    __builtin_memcpy(&fib.ipv4_dst, syn->ip + 16, 4);
  }
  route = bpf_fib_lookup(ctx, &fib, sizeof fib, 0);
  return route == BPF_FIB_LKUP_RET_NOT_FWDED || route == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

enum { FW_BACKLOG_SALT = 0x1004 };
/* Judgement: far below the two minutes for which the kernel accepts cookies after it was full
 * (TCP_SYNCOOKIE_VALID, include/net/tcp.h), as the service may be restarted meanwhile. */
#define FW_BACKLOG_NS 10000000000ULL

FW_INLINE int fw_syn_take_cookie(struct fw_syn* syn, long cookie) {
  syn->cookie = (fw_u32)cookie;
  syn->mss_bytes = (fw_u32)((fw_u64)cookie >> 32) & 0xffff;
  return FW_CHALLENGED;
}

/* What becomes of a SYN of which fw_syn_cookie() said `outcome`. A backlog that was full counts as
 * full for a while, as far as this CPU remembers: the kernel accepts cookies for so long, too. So
 * the listener is not given SYNs to fill it again and again. */
FW_GLOBAL int fw_consider_backlog(struct fw_env* env, const struct fw_packet* p, struct fw_syn* syn,
                                  int outcome, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_cpu* cpu = env ? fw_env_cpu_state(env, 0) : NULL;
  struct fw_backlog* backlog;
  fw_u64 listener, tcp_bytes;
  long cookie;

  if (!cfg || !cpu || !p || !syn) return FW_CHALLENGED_NOT;
  listener = fw_hash(cfg, &p->dst, FW_BACKLOG_SALT + ((fw_u64)p->dport << 16));
  backlog = &cpu->backlogs[listener & (FW_BACKLOGS - 1)];
  if (outcome == FW_CHALLENGED) {
    backlog->listener = listener;
    backlog->full_ns = now_ns;
  }
  tcp_bytes = p->l4_header_bytes;
  if (outcome == FW_BACKLOG_HAS_ROOM && backlog->listener == listener &&
      now_ns - backlog->full_ns < FW_BACKLOG_NS &&
      FW_IS_WITHIN(tcp_bytes, FW_TCP_BYTES, FW_TCP_MOST_BYTES)) {
    if (p->is_v6)
      cookie = bpf_tcp_raw_gen_syncookie_ipv6((void*)syn->ip, (void*)syn->tcp, (fw_u32)tcp_bytes);
    else
      cookie = bpf_tcp_raw_gen_syncookie_ipv4((void*)syn->ip, (void*)syn->tcp, (fw_u32)tcp_bytes);
    if (cookie >= 0) outcome = fw_syn_take_cookie(syn, cookie);
  }
  if (outcome != FW_CHALLENGED_BY_KERNEL && outcome != FW_BACKLOG_HAS_ROOM) return outcome;
  return fw_rate_admit64(&cpu->listener_tat_ticks, now_ns, FW_LISTENER_COST_TICKS,
                         FW_LISTENER_BURST_TICKS)
             ? FW_CHALLENGED_BY_KERNEL
             : FW_CHALLENGED_NOT;
}

/* Asks the kernel for a SYN cookie of the listening socket. */
FW_GLOBAL int fw_syn_cookie(struct xdp_md* ctx, const struct fw_packet* p, struct fw_syn* syn) {
  struct bpf_sock_tuple tuple;
  struct bpf_sock* socket;
  int outcome = FW_CHALLENGED_NOT;
  fw_u64 tcp_bytes;
  fw_u32 state;
  long cookie;

  if (!p || !syn) return FW_CHALLENGED_NOT;
  __builtin_memset(&tuple, 0, sizeof tuple);
  if (p->is_v6) {
    __builtin_memcpy(tuple.ipv6.saddr, syn->ip + 8, 16);
    __builtin_memcpy(tuple.ipv6.daddr, syn->ip + 24, 16);
    __builtin_memcpy(&tuple.ipv6.sport, syn->tcp, 4); /* and dport */
    socket = bpf_skc_lookup_tcp(ctx, &tuple, sizeof tuple.ipv6, BPF_F_CURRENT_NETNS, 0);
  } else {
    __builtin_memcpy(&tuple.ipv4.saddr, syn->ip + 12, 8); /* and daddr */
    __builtin_memcpy(&tuple.ipv4.sport, syn->tcp, 4);
    socket = bpf_skc_lookup_tcp(ctx, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0);
  }
  if (!socket) return FW_CHALLENGED_NOT;
  state = socket->state;
  tcp_bytes = p->l4_header_bytes;
  if (state == BPF_TCP_NEW_SYN_RECV || state == BPF_TCP_TIME_WAIT) {
    outcome = FW_CHALLENGED_BY_KERNEL; /* a retransmitted SYN, or a reused port */
  } else if (state == BPF_TCP_LISTEN && FW_IS_WITHIN(tcp_bytes, FW_TCP_BYTES, FW_TCP_MOST_BYTES)) {
    cookie = bpf_tcp_gen_syncookie(socket, syn->ip, p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES,
                                   (void*)syn->tcp, (fw_u32)tcp_bytes);
    outcome = cookie == FW_NO_COOKIE_NEEDED ? FW_BACKLOG_HAS_ROOM : FW_CHALLENGED_NOT;
    if (cookie >= 0) outcome = fw_syn_take_cookie(syn, cookie);
  }
  bpf_sk_release(socket);
  return outcome;
}

/* Turns the TCP header into that of the SYN-ACK: ports swapped, the cookie as sequence number
 * (RFC 9293). */
FW_INLINE void fw_syn_ack_tcp(struct fw_syn* syn) {
  fw_u32 seq = fw_be32(syn->tcp + 4),
         most = syn->ip_bytes == FW_IPV6_BYTES ? FW_COOKIE_MSS_V6 : FW_COOKIE_MSS_V4;
  fw_u16 sport = fw_be16(syn->tcp);

  fw_put16(syn->tcp, fw_be16(syn->tcp + 2));
  fw_put16(syn->tcp + 2, sport);
  fw_put32(syn->tcp + 4, syn->cookie);
  fw_put32(syn->tcp + 8, seq + 1);
  syn->tcp[12] = (fw_u8)(syn->answer_bytes / 4 << 4);
  syn->tcp[13] = FW_TCP_SYN | FW_TCP_ACK;
  fw_put16(syn->tcp + 14, FW_COOKIE_WINDOW);
  fw_put32(syn->tcp + 16, 0); /* checksum, urgent pointer */
  fw_put32(syn->tcp + 20, 0);
  if (syn->answer_bytes < FW_SYN_ACK_BYTES) return;
  syn->tcp[20] = FW_TCP_OPTION_MSS;
  syn->tcp[21] = FW_TCP_OPTION_MSS_BYTES;
  fw_put16(syn->tcp + 22, syn->mss_bytes < most ? syn->mss_bytes : most);
}

/* Turns the link and IP headers round, for `bytes` of transport. Returns the sum of the
 * pseudo-header. */
FW_INLINE fw_u32 fw_turn_round(struct fw_syn* syn, fw_u32 bytes, fw_u8 proto) {
  fw_u8 swapped[16];

  __builtin_memcpy(swapped, syn->link, 6);
  __builtin_memcpy(syn->link, syn->link + 6, 6);
  __builtin_memcpy(syn->link + 6, swapped, 6);
  if (syn->ip_bytes == FW_IPV6_BYTES) {
    fw_put32(syn->ip, 6u << 28);
    fw_put16(syn->ip + 4, bytes);
    syn->ip[7] = FW_TTL;
    __builtin_memcpy(swapped, syn->ip + 8, 16);
    __builtin_memcpy(syn->ip + 8, syn->ip + 24, 16);
    __builtin_memcpy(syn->ip + 24, swapped, 16);
    return fw_sum16(syn->ip + 8, 32, proto + bytes);
  }
  syn->ip[1] = 0;
  fw_put16(syn->ip + 2, FW_IPV4_BYTES + bytes);
  fw_put32(syn->ip + 4, FW_IPV4_DONT_FRAGMENT); /* and no identification */
  syn->ip[8] = FW_TTL;
  fw_put16(syn->ip + 10, 0);
  __builtin_memcpy(swapped, syn->ip + 12, 4);
  __builtin_memcpy(syn->ip + 12, syn->ip + 16, 4);
  __builtin_memcpy(syn->ip + 16, swapped, 4);
  fw_put16(syn->ip + 10, fw_fold16(fw_sum16(syn->ip, FW_IPV4_BYTES, 0)));
  return fw_sum16(syn->ip + 12, 8, proto + bytes);
}

/* Turns the headers in *syn into those of the SYN-ACK, checksums included. */
FW_GLOBAL int fw_syn_ack(struct fw_syn* syn) {
  fw_u32 sum;

  if (!syn) return 0;
  fw_syn_ack_tcp(syn);
  sum = fw_turn_round(syn, syn->answer_bytes, FW_IPPROTO_TCP);
  fw_put16(syn->tcp + 16, fw_fold16(fw_sum16(syn->tcp, FW_SYN_ACK_BYTES, sum)));
  return 1;
}

/* Makes the frame as long as the answer; without the MSS option where the buffer cannot grow. */
FW_GLOBAL int fw_syn_resize(struct xdp_md* ctx, struct fw_syn* syn) {
  fw_u32 headers;

  if (!syn) return 0;
  headers = syn->link_bytes + syn->ip_bytes;
  syn->answer_bytes = FW_SYN_ACK_BYTES;
  if (!bpf_xdp_adjust_tail(ctx, (int)(headers + FW_SYN_ACK_BYTES) - (int)bpf_xdp_get_buff_len(ctx)))
    return 1;
  syn->answer_bytes = FW_TCP_BYTES;
  return !bpf_xdp_adjust_tail(ctx, (int)(headers + FW_TCP_BYTES) - (int)bpf_xdp_get_buff_len(ctx));
}

/* Writes the answer over the frame. 0: that failed, and the frame is damaged. */
FW_GLOBAL int fw_syn_ack_write(struct xdp_md* ctx, struct fw_syn* syn) {
  fw_u32 headers;
  int failed;

  if (!syn) return 0;
  headers = syn->link_bytes + syn->ip_bytes;
  /* Sizes are constant for older verifiers. The bytes behind the link header are overwritten next.
   */
  failed = bpf_xdp_store_bytes(ctx, 0, syn->link, FW_SYN_LINK_BYTES) != 0;
  if (syn->ip_bytes == FW_IPV6_BYTES)
    failed |= bpf_xdp_store_bytes(ctx, syn->link_bytes, syn->ip, FW_IPV6_BYTES) != 0;
  else
    failed |= bpf_xdp_store_bytes(ctx, syn->link_bytes, syn->ip, FW_IPV4_BYTES) != 0;
  if (syn->answer_bytes == FW_SYN_ACK_BYTES)
    failed |= bpf_xdp_store_bytes(ctx, headers, syn->tcp, FW_SYN_ACK_BYTES) != 0;
  else
    failed |= bpf_xdp_store_bytes(ctx, headers, syn->tcp, FW_TCP_BYTES) != 0;
  return !failed;
}

/* Answers the SYN to this host in the frame; enum fw_challenged. */
FW_GLOBAL int fw_challenge_ours(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* p,
                                fw_u64 now_ns) {
  struct fw_syn syn;
  int outcome;

  if (!env || !p) return FW_CHALLENGED_NOT;
  __builtin_memset(&syn, 0, sizeof syn);
  if (!fw_syn_read(ctx, p, &syn) || !fw_is_routed_here(ctx, &syn, FW_IPPROTO_TCP))
    return FW_CHALLENGED_NOT;
  outcome = fw_consider_backlog(env, p, &syn, fw_syn_cookie(ctx, p, &syn), now_ns);
  if (outcome != FW_CHALLENGED) return outcome;
  if (!fw_flow_offer(env, p, syn.cookie, fw_window(now_ns))) return FW_CHALLENGED_NOT;
  if (!fw_syn_resize(ctx, &syn)) return FW_CHALLENGED_NOT;
  fw_syn_ack(&syn);
  return fw_syn_ack_write(ctx, &syn) ? FW_CHALLENGED : FW_CHALLENGED_NOT;
}

/* Answers the SYN in the frame; enum fw_challenged. The destination is checked here and not in the
 * function that is called, since a chain of BPF calls shares 512 bytes of stack. */
FW_INLINE int fw_challenge(struct xdp_md* ctx, struct fw_env* env, const struct fw_packet* p,
                           fw_u64 now_ns) {
  if (!fw_syn_is_to_this_host(env, p, now_ns)) return FW_CHALLENGED_NOT;
  return fw_challenge_ours(ctx, env, p, now_ns);
}

#endif
