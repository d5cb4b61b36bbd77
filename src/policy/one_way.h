/* SPDX-License-Identifier: MIT */
/* Where nothing is seen of what this host sends: a capture of one direction, an
 * egress program that could not be attached. Nobody can prove anything there,
 * but a TCP client that goes on has been answered: it acknowledges a SYN-ACK
 * where its SYN ended, or ever more data where its own last segment ended.
 *
 * Weaker than proof: who forges both packets of a pair is believed. So it makes
 * a peer one that answers, never a verified one, and it ends for good with the
 * first packet that is seen to leave. */
#ifndef FW_POLICY_ONE_WAY_H
#define FW_POLICY_ONE_WAY_H

#include "flows.h"

enum { FW_FLOW_GOES_ON = 0x200 };

/* TCP of no verified flow. As fw_flow_arrive(), of the same hash, with FW_FLOW_GOES_ON where it was
 * no handshake that showed it. A cell is ASKED, with where the peer's next segment begins (isn) and
 * what it acknowledged (next; 0 after a SYN), then ANSWERED. */
FW_STAGE int fw_flow_go_on(struct fw_env* env, const struct fw_packet* p, fw_u64 h, fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u32 state, opens;

  if (!cfg || !p) return FW_PEER_UNKNOWN;
  opens = (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN;
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
  if (state == FW_FLOW_NEW && !opens && p->seq == flow->isn &&
      (!flow->next || p->ack - flow->next - 1 < FW_MAX_UNVERIFIED_BYTES)) {
    fw_flow_set(flow, window, FW_FLOW_REPLIED);
    return FW_PEER_ANSWERS | (flow->next ? FW_FLOW_GOES_ON : FW_FLOW_COMPLETED);
  }
  flow->isn = p->seq + p->payload_bytes + opens;
  flow->next = opens ? 0 : p->ack ? p->ack : 1;
  fw_flow_set(flow, window, FW_FLOW_NEW);
  return FW_PEER_UNKNOWN;
}

#endif
