/* SPDX-License-Identifier: MIT */
/* Recognises answered TCP clients while egress is unseen (a capture of one
 * direction, or an egress program that could not be attached). Peers cannot be
 * verified then, but a client that continues has been answered: its next segment
 * begins where its SYN ended and acknowledges something, or begins where its last
 * segment ended and acknowledges more data (docs/decisions/one-direction.md).
 *
 * This is weaker than verification, since both packets of such a pair can be forged.
 * So the peer ANSWERS and is not verified, and the rule ends for good when the first
 * egress packet is seen. */
#ifndef FW_POLICY_ONE_WAY_H
#define FW_POLICY_ONE_WAY_H

#include "flows.h"

/* struct fw_arrival as a number: a BPF function returns one. */
enum { FW_ARRIVAL_PEER = 0xff, FW_ARRIVAL_COMPLETES = 0x100, FW_ARRIVAL_GOES_ON = 0x200 };

/* fw_one_way_arrive() as a BPF function. A flow is NEW, with fw_flow.one_way filled in, then
 * REPLIED. */
FW_GLOBAL int fw_one_way_arrive_packed(struct fw_env* env, const struct fw_packet* p, fw_u64 h,
                                       fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u32 state, opens;

  if (!cfg || !p) return FW_PEER_UNKNOWN;
  opens = fw_is_syn(p);
  if (p->fragment == FW_FRAG_LATER) return FW_PEER_UNKNOWN;
  if (!opens && (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK | FW_TCP_RST)) != FW_TCP_ACK)
    return FW_PEER_UNKNOWN;
  flow = fw_flow_find(env, cfg, h, window, 1);
  if (!flow) return FW_PEER_UNKNOWN;
  state = fw_flow_state(flow);
  if (state > FW_FLOW_REPLIED) return FW_PEER_UNKNOWN;

  if (state == FW_FLOW_REPLIED && !opens) {
    fw_flow_set(flow, window, state);
    return FW_PEER_ANSWERS;
  }
  if (state == FW_FLOW_NEW && !opens && p->seq == flow->one_way.next_seq &&
      (!flow->one_way.acked || p->ack - flow->one_way.acked - 1 < FW_MAX_UNVERIFIED_BYTES)) {
    fw_flow_set(flow, window, FW_FLOW_REPLIED);
    return FW_PEER_ANSWERS | (flow->one_way.acked ? FW_ARRIVAL_GOES_ON : FW_ARRIVAL_COMPLETES);
  }
  flow->one_way.next_seq = p->seq + p->payload_bytes + opens;
  flow->one_way.acked = opens ? 0 : p->ack ? p->ack : 1;
  fw_flow_set(flow, window, FW_FLOW_NEW);
  return FW_PEER_UNKNOWN;
}

/* What a TCP packet of no verified flow tells while egress is unseen. `h` is its
 * fw_arriving_hash(). */
FW_INLINE struct fw_arrival fw_one_way_arrive(struct fw_env* env, const struct fw_packet* p,
                                              fw_u64 h, fw_u32 window) {
  fw_u32 packed = (fw_u32)fw_one_way_arrive_packed(env, p, h, window);
  struct fw_arrival arrival = {packed & FW_ARRIVAL_PEER, !!(packed & FW_ARRIVAL_COMPLETES),
                               !!(packed & FW_ARRIVAL_GOES_ON), 0, 0};

  return arrival;
}

#endif
