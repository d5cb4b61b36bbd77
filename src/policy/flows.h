/* SPDX-License-Identifier: MIT */
/* How a flow verifies its peer. A TCP peer acknowledges the sequence number that
 * this host chose, which the forger of an address cannot see; a UDP peer may return
 * such a number, too (echo.h). Else a UDP peer proves nothing: one that this host sent
 * to first ANSWERS, and one whose questions were answered several times over some
 * seconds is ACQUAINTED (acquaintance.h); once, before its service began to suffer.
 *
 * A packet of an unknown peer begins a flow only when it reaches the host
 * (fw_flow_record_question), so a flood that is dropped displaces no flow. */
#ifndef FW_POLICY_FLOWS_H
#define FW_POLICY_FLOWS_H

#include "acquaintance.h"
#include "classify.h"
#include "tables/address.h"
#include "tables/flow_table.h"

enum {
  /* A UDP peer is an acquaintance after so many answered questions over so many windows. Judgement:
   * it proves nothing, since a service also answers forged questions. */
  FW_EXCHANGE_ANSWERS = 4,
  FW_EXCHANGE_WINDOWS = 2,
  FW_MAX_UNVERIFIED_BYTES = 1 << 22, /* what is sent before an acknowledgement at most: the default
                                        maximum of net.ipv4.tcp_wmem, 4 MiB */
};

FW_INLINE fw_u64 fw_arriving_hash(const struct fw_config* cfg, const struct fw_packet* p) {
  struct fw_tuple t = {&p->src, &p->dst, p->sport, p->dport, p->proto};

  if (!fw_has_ports(p->proto)) t.remote_port = t.local_port = 0;
  return fw_flow_hash(cfg, &t);
}

FW_INLINE fw_u64 fw_departing_hash(const struct fw_config* cfg, const struct fw_packet* p) {
  struct fw_tuple t = {&p->dst, &p->src, p->dport, p->sport, p->proto};

  if (!fw_has_ports(p->proto)) t.remote_port = t.local_port = 0;
  return fw_flow_hash(cfg, &t);
}

/* Can the packet belong to an existing flow? A later fragment cannot, as its ports are unknown. An
 * echo request or a SYN begins a new one. */
FW_INLINE int fw_may_be_of_flow(const struct fw_packet* p) {
  if (p->fragment == FW_FRAG_LATER || fw_is_echo_request(p)) return 0;
  return p->proto != FW_IPPROTO_TCP || !fw_is_syn(p);
}

/* What the flow of an arriving packet tells about its sender. */
struct fw_arrival {
  fw_u32 peer;               /* enum fw_peer */
  fw_u8 completes_handshake; /* 1: this packet verified the peer */
  fw_u8 goes_on;      /* 1: recognised as a connection from before the start, see one_way.h */
  fw_u8 awaits_echo;  /* 1: UDP: the packet may have what this host chose, see echo.h */
  fw_u8 was_answered; /* 1: UDP: this host has sent something to the flow before */
};

FW_INLINE struct fw_arrival fw_arrival_of(fw_u32 peer, int completes_handshake) {
  struct fw_arrival arrival = {peer, (fw_u8)completes_handshake, 0, 0, 0};

  return arrival;
}

FW_INLINE struct fw_arrival fw_tcp_arrive(struct fw_flow* flow, const struct fw_packet* p,
                                          fw_u32 window) {
  fw_u32 state = fw_flow_state(flow);
  int completes = 0;

  if (state == FW_FLOW_HANDSHAKE && (p->tcp_flags & FW_TCP_ACK) &&
      p->ack - flow->tcp.isn - 1 < flow->tcp.next - flow->tcp.isn) {
    state = FW_FLOW_ESTABLISHED;
    completes = 1;
  }
  if (!fw_state_is_established(state)) return fw_arrival_of(FW_PEER_UNKNOWN, 0);
  if (p->tcp_flags & (FW_TCP_FIN | FW_TCP_RST)) state = FW_FLOW_CLOSING;
  fw_flow_set(flow, window, state);
  return fw_arrival_of(FW_PEER_VERIFIED, completes);
}

/* 1: a dialogue of several questions that were answered, over some seconds. */
FW_INLINE int fw_is_dialogue(const struct fw_flow* flow, fw_u32 window) {
  fw_u32 passed = window - (flow->udp.exchanges >> FW_EXCHANGES_SHIFT);

  return (flow->udp.exchanges & FW_EXCHANGES_MOST) >= FW_EXCHANGE_ANSWERS &&
         (fw_s32)(passed << FW_EXCHANGES_SHIFT) >= FW_EXCHANGE_WINDOWS << FW_EXCHANGES_SHIFT;
}

/* 1: the service suffers, and it answered this peer before: one exchange is enough then, since a
 * service that suffers makes none (fw_flow_depart). */
FW_INLINE int fw_was_here_before(struct fw_env* env, const struct fw_flow* flow,
                                 const struct fw_packet* p, fw_u64 now_ns) {
  return (flow->udp.exchanges & FW_EXCHANGES_MOST) &&
         fw_restricted_udp_service(env, &p->dst, p->dport, now_ns);
}

/* Looks up the flow of an arriving packet, and updates its state. `h` is its fw_arriving_hash(). */
FW_INLINE struct fw_arrival fw_flow_arrive(struct fw_env* env, const struct fw_config* cfg,
                                           const struct fw_packet* p, fw_u64 h, fw_u64 now_ns) {
  struct fw_arrival arrival = fw_arrival_of(FW_PEER_UNKNOWN, 0);
  fw_u32 window = fw_window(now_ns), state;
  struct fw_flow* flow;

  if (!fw_flow_may_be_known(env, cfg, h)) return arrival;
  flow = fw_flow_find(env, cfg, h, window, 0);
  if (!flow) return arrival;
  if (p->proto == FW_IPPROTO_TCP) return fw_tcp_arrive(flow, p, window);

  state = fw_flow_state(flow);
  if (state == FW_FLOW_OUTBOUND) {
    fw_flow_set(flow, window, state);
    return fw_arrival_of(FW_PEER_ANSWERS, 0);
  }
  if (p->proto == FW_IPPROTO_UDP) {
    arrival.awaits_echo = fw_echo_is_awaited(flow->udp.echo);
    arrival.was_answered = (flow->udp.exchanges & FW_EXCHANGES_MOST) != 0;
  }
  if (p->proto == FW_IPPROTO_UDP && state < FW_FLOW_HANDSHAKE &&
      (fw_is_dialogue(flow, window) || fw_was_here_before(env, flow, p, now_ns))) {
    flow->acquaintance.usual = flow->acquaintance.count = 0;
    state = FW_FLOW_ACQUAINTED;
  }
  if (state == FW_FLOW_ACQUAINTED) arrival.peer = fw_acquaintance_arrive(env, flow, window);
  return arrival;
}

/* The peer to whom this host sends on a UDP port of the peer's (fw_flow_depart) may send to the
 * same port here, from whichever port: so do VXLAN, syslog relays and others. Enum fw_peer. */
FW_GLOBAL int fw_partner_arrive(struct fw_env* env, const struct fw_packet* p, fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u64 h;

  if (!cfg || !p) return FW_PEER_UNKNOWN;
  h = fw_partner_hash(cfg, &p->src, &p->dst, p->dport);
  if (!fw_flow_may_be_known(env, cfg, h)) return FW_PEER_UNKNOWN;
  flow = fw_flow_find(env, cfg, h, window, 0);
  if (!flow || fw_flow_state(flow) != FW_FLOW_ACQUAINTED) return FW_PEER_UNKNOWN;
  return (int)fw_acquaintance_arrive(env, flow, window);
}

/* Records to which port of the peer this host sends UDP. */
FW_GLOBAL int fw_partner_depart(struct fw_env* env, const struct fw_packet* p, fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u64 h;

  if (!cfg || !p) return 0;
  h = fw_partner_hash(cfg, &p->dst, &p->src, p->dport);
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow) return 0;
  if (fw_flow_state(flow) != FW_FLOW_ACQUAINTED)
    fw_flow_publish(env, cfg, flow, h, window, FW_FLOW_ACQUAINTED);
  return 1;
}

/* Records that a UDP packet of an unknown peer reaches this host; an answer to it makes an
 * exchange. Returns 0 if nothing was recorded. */
FW_GLOBAL int fw_flow_record_question(struct fw_env* env, const struct fw_packet* p,
                                      fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;

  if (!cfg || !p) return 0;
  flow = fw_flow_find(env, cfg, fw_arriving_hash(cfg, p), window, 1);
  if (!flow || fw_flow_state(flow) > FW_FLOW_REPLIED) return 0;
  if (fw_flow_state(flow) == FW_FLOW_EMPTY) flow->udp.exchanges = window << FW_EXCHANGES_SHIFT;
  fw_flow_set(flow, window, FW_FLOW_NEW);
  return 1;
}

/* Records the sequence number of an answer to a SYN that fw_flow_depart() will not see. Returns 0
 * if the flow is established: a SYN, which may be forged, must not reset it. */
FW_GLOBAL int fw_flow_offer(struct fw_env* env, const struct fw_packet* syn, fw_u32 isn,
                            fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u64 h;

  if (!cfg || !syn) return 0;
  h = fw_arriving_hash(cfg, syn);
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow) return 1; /* no slot: the kernel will accept its cookie all the same */
  if (fw_flow_state(flow) == FW_FLOW_ESTABLISHED) return 0;
  flow->tcp.isn = isn;
  flow->tcp.next = isn + 1;
  fw_flow_publish(env, cfg, flow, h, window, FW_FLOW_HANDSHAKE);
  return 1;
}

/* What a packet that this host sends is to its flow. */
enum fw_departure {
  FW_DEPARTS = 0,
  FW_DEPARTS_ANSWER = 1,  /* answers an unverified source: a SYN-ACK, or the first UDP packet since
                             the peer's question */
  FW_DEPARTS_MORE = 2,    /* another answer, perhaps to another question */
  FW_DEPARTS_GOES_ON = 3, /* of a connection from before the start, which so far was out of state */
};

FW_INLINE fw_u32 fw_tcp_depart(struct fw_flow* flow, const struct fw_packet* p, fw_u32* state) {
  fw_u32 end = p->seq + p->payload_bytes;

  if (p->tcp_flags & FW_TCP_SYN) {
    flow->tcp.isn = p->seq;
    flow->tcp.next = p->seq + 1;
    *state = FW_FLOW_HANDSHAKE;
    return p->tcp_flags & FW_TCP_ACK ? FW_DEPARTS_ANSWER : FW_DEPARTS;
  }
  if (fw_state_is_established(*state)) {
    if (p->tcp_flags & (FW_TCP_FIN | FW_TCP_RST)) *state = FW_FLOW_CLOSING;
    return FW_DEPARTS;
  }
  if (*state <
      FW_FLOW_HANDSHAKE) { /* from before the start: the peer will acknowledge this segment */
    flow->tcp.isn = p->seq - 1;
    flow->tcp.next = end;
    *state = FW_FLOW_HANDSHAKE;
    return FW_DEPARTS_GOES_ON;
  }
  if (end - flow->tcp.isn < FW_MAX_UNVERIFIED_BYTES && (fw_s32)(end - flow->tcp.next) > 0)
    flow->tcp.next = end;
  *state = FW_FLOW_HANDSHAKE;
  return FW_DEPARTS;
}

FW_INLINE fw_u32 fw_other_depart(struct fw_flow* flow, const struct fw_packet* p, int is_restricted,
                                 fw_u32* state) {
  int is_udp = p->proto == FW_IPPROTO_UDP;

  if (*state == FW_FLOW_NEW) {
    if ((flow->udp.exchanges & FW_EXCHANGES_MOST) < FW_EXCHANGES_MOST && !is_restricted)
      flow->udp.exchanges++;
    *state = FW_FLOW_REPLIED;
    return is_udp ? FW_DEPARTS_ANSWER : FW_DEPARTS;
  }
  if (*state == FW_FLOW_REPLIED) return is_udp ? FW_DEPARTS_MORE : FW_DEPARTS;
  if (*state == FW_FLOW_EMPTY) *state = FW_FLOW_OUTBOUND;
  return FW_DEPARTS;
}

/* Records a packet that this host sends; enum fw_departure. */
FW_INLINE fw_u32 fw_flow_depart(struct fw_env* env, const struct fw_config* cfg,
                                const struct fw_packet* p, fw_u64 now_ns) {
  struct fw_tuple t = {&p->dst, &p->src, p->dport, p->sport, p->proto};
  struct fw_flow* flow;
  fw_u32 window = fw_window(now_ns), state, departs;
  fw_u64 h;

  if (p->fragment == FW_FRAG_LATER || fw_is_special(&p->dst)) return FW_DEPARTS;
  if (!fw_has_ports(p->proto)) {
    if ((p->proto == FW_IPPROTO_ICMP || p->proto == FW_IPPROTO_ICMPV6) && !fw_is_echo_request(p))
      return FW_DEPARTS;
    t.remote_port = t.local_port = 0;
  }
  h = fw_flow_hash(cfg, &t);
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow) return FW_DEPARTS;
  state = fw_flow_state(flow);
  if (p->proto == FW_IPPROTO_UDP && state == FW_FLOW_EMPTY) fw_partner_depart(env, p, window);
  if (p->proto != FW_IPPROTO_TCP)
    departs = fw_other_depart(flow, p,
                              state == FW_FLOW_NEW && p->proto == FW_IPPROTO_UDP &&
                                  fw_restricted_udp_service(env, &p->src, p->sport, now_ns),
                              &state);
  else if (state < FW_FLOW_HANDSHAKE && !(p->tcp_flags & FW_TCP_SYN) && (p->tcp_flags & FW_TCP_RST))
    return FW_DEPARTS; /* a refusal, which the peer will not acknowledge */
  else
    departs = fw_tcp_depart(flow, p, &state);
  fw_flow_publish(env, cfg, flow, h, window, state);
  return departs;
}

#endif
