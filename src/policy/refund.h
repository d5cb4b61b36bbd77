/* SPDX-License-Identifier: MIT */
/* Refunds packets that turned out to be wanted: a completed handshake, an answered
 * request, a connection from before the start. So the clients of a busy server use
 * up no tokens. What a UDP service that suffers answers is not refunded. */
#ifndef FW_POLICY_REFUND_H
#define FW_POLICY_REFUND_H

#include "context.h"
#include "suffering.h"
#include "tables/budget_table.h"
#include "tables/port_table.h"

/* Refunds a packet to the limits of a source or prefix. Returns its slot number, or 0. */
FW_INLINE fw_u32 fw_limit_refund(struct fw_env* env, const struct fw_config* cfg,
                                 const struct fw_addr* key, fw_u32 rule, fw_u8 traffic_class,
                                 fw_u64 now_ns) {
  fw_u32 slot_number = fw_source_look_up(env, key, rule, 0), tick = fw_tick(now_ns);
  const struct fw_limit* limit = cfg->rule[rule & (FW_MAX_RULES - 1)].limit;
  struct fw_meter* meter = fw_meter_at(env, slot_number);
  struct fw_source* source = fw_source_at(env, slot_number);

  if (source && fw_is_deferred(source)) {
    fw_deferred_refund(source, fw_metric_of(traffic_class));
  } else if (meter && traffic_class == FW_CLASS_UDP_NEW) {
    fw_meter_refund(meter, limit, FW_METRIC_UDP, tick);
    fw_meter_refund(meter, limit, FW_METRIC_PACKETS, tick);
  } else if (meter && traffic_class == FW_CLASS_TCP_SYN) {
    fw_meter_refund(meter, limit, FW_METRIC_SYN, tick);
    fw_meter_refund(meter, limit, FW_METRIC_PACKETS, tick);
  }
  return slot_number;
}

FW_INLINE void fw_budgets_refund(struct fw_env* env, const struct fw_config* cfg,
                                 const struct fw_addr* local, fw_u8 traffic_class, fw_u16 port,
                                 fw_u64 now_ns) {
  fw_u32 index;

  if (traffic_class == FW_CLASS_UDP_NEW && fw_restricted_udp_service(env, local, port, now_ns))
    return;
  index = fw_budget_look_up(env, cfg, local, traffic_class, port);
  if (index < FW_BUDGET_SLOTS)
    fw_budget_refund(cfg, fw_budget_at(env, index), traffic_class, now_ns);
  fw_budget_refund(cfg, fw_budget_find_of_all(env, traffic_class, port), traffic_class, now_ns);
}

/* fw_refund() as a BPF function, which takes at most five arguments: `what` is class << 16 | port.
 */
FW_GLOBAL int fw_refund_packed(struct fw_env* env, const struct fw_addr* remote,
                               const struct fw_addr* local, fw_u32 what, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u8 traffic_class = (fw_u8)(what >> 16);
  fw_u16 port = (fw_u16)what;
  const struct fw_shared* shared;
  struct fw_source* source;
  struct fw_addr key;
  fw_u32 rule;

  if (!cfg || !remote || !local) return 0;
  rule = fw_port_rule(
      env,
      fw_port_index(traffic_class == FW_CLASS_UDP_NEW ? FW_IPPROTO_UDP : FW_IPPROTO_TCP, port));
  if (fw_limit_bits(cfg, remote)) {
    key = fw_mask(*remote, fw_limit_bits(cfg, remote));
    fw_limit_refund(env, cfg, &key, FW_RULE_OF_PREFIXES, traffic_class, now_ns);
  }
  key = fw_source_key(cfg, *remote);
  source = fw_source_at(env, fw_limit_refund(env, cfg, &key, rule, traffic_class, now_ns));
  if (!source) return 0;

  shared = fw_env_shared(env, 0);
  if (!fw_source_unrefunded(source)) return 0; /* no tokens were taken for it */
  if (shared && (shared->no_refund_classes >> traffic_class & 1)) return 0;
  fw_source_remove_unrefunded(source);
  if (traffic_class == FW_CLASS_TCP_STRAY && !fw_port_served(env, FW_IPPROTO_TCP, port)) port = 0;
  fw_budgets_refund(env, cfg, local, traffic_class, port, now_ns);
  return 1;
}

/* Refunds one packet of a peer to its limits and to the budgets. Called when the peer completed a
 * handshake with a port of this host (TCP_SYN), was answered from it (UDP_NEW), or its connection
 * turned out to be from before the start (TCP_STRAY). */
FW_INLINE void fw_refund(struct fw_env* env, const struct fw_addr* remote,
                         const struct fw_addr* local, fw_u8 traffic_class, fw_u16 port,
                         fw_u64 now_ns) {
  fw_refund_packed(env, remote, local, (fw_u32)traffic_class << 16 | port, now_ns);
}

#endif
