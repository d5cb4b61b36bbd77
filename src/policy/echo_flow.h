/* SPDX-License-Identifier: MIT */
/* The number that a UDP flow awaits (echo.h): recorded when this host sends it,
 * compared when the peer sends. The datapath calls these with the payload, for few
 * packets: those of a flow that awaits a number, and those that may have one. */
#ifndef FW_POLICY_ECHO_FLOW_H
#define FW_POLICY_ECHO_FLOW_H

#include "flows.h"

FW_INLINE int fw_may_prove(const struct fw_flow* flow) {
  fw_u32 state = fw_flow_state(flow);

  return (state == FW_FLOW_NEW || state == FW_FLOW_REPLIED || state == FW_FLOW_ACQUAINTED) &&
         flow->udp.echo < FW_ECHO_NEVER;
}

/* The peer of the UDP flow is verified from now on. */
FW_INLINE void fw_flow_prove(struct fw_env* env, const struct fw_config* cfg, struct fw_flow* flow,
                             fw_u64 h, fw_u32 window) {
  flow->acquaintance.usual = flow->acquaintance.count = 0;
  flow->acquaintance.echo = FW_ECHO_PROVEN;
  fw_flow_publish(env, cfg, flow, h, window, FW_FLOW_ACQUAINTED);
}

/* Compares a packet of a peer with the number that its flow awaits. Returns 1 if that verifies the
 * peer, from the next packet on. */
FW_GLOBAL int fw_echo_arrive(struct fw_env* env, const struct fw_packet* p,
                             const struct fw_payload* payload, fw_u32 window) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u32 echo, theirs;
  fw_u64 h;

  if (!cfg || !p || !payload || p->proto != FW_IPPROTO_UDP) return 0;
  h = fw_arriving_hash(cfg, p);
  flow = fw_flow_find(env, cfg, h, window, 0);
  if (!flow || !fw_may_prove(flow)) return 0;
  echo = flow->udp.echo;
  if (fw_echo_is_awaited(echo) && fw_echo_is_returned(env, p, payload, echo)) {
    fw_flow_prove(env, cfg, flow, h, window);
    return 1;
  }
  if (!fw_is_quic_long(p->payload_head) || fw_echo_is_awaited(echo)) return 0;
  theirs =
      FW_ECHO_THEIRS | fw_echo_digest(env, payload, FW_QUIC_ID, payload->bytes[FW_QUIC_ID - 1]);
  flow->udp.echo = !echo || echo == theirs ? theirs : FW_ECHO_NEVER;
  return 0;
}

/* Records the number that a packet of this host has for its peer. */
FW_GLOBAL int fw_echo_depart(struct fw_env* env, const struct fw_packet* p,
                             const struct fw_payload* payload) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_flow* flow;
  fw_u32 digest;

  if (!cfg || !p || !payload || p->proto != FW_IPPROTO_UDP) return 0;
  flow = fw_flow_find(env, cfg, fw_departing_hash(cfg, p), 0, 0);
  if (!flow || !fw_may_prove(flow)) return 0;
  digest = fw_echo_chosen(env, p, payload);
  if (!digest) return 0;
  if (fw_is_quic_long(p->payload_head) &&
      (fw_echo_is_awaited(flow->udp.echo) || flow->udp.echo == (digest | FW_ECHO_THEIRS)))
    return 0;
  flow->udp.echo = digest | FW_ECHO_OURS;
  return 1;
}

#endif
