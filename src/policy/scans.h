/* SPDX-License-Identifier: MIT */
/* Reports port scans: a source that tries many closed ports, once per scan. */
#ifndef FW_POLICY_SCANS_H
#define FW_POLICY_SCANS_H

#include "context.h"
#include "events.h"

FW_GLOBAL int fw_send_scan_event(struct fw_env* env, const struct fw_packet* p,
                                 const struct fw_decision* decision, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_event event;

  if (!cfg || !p || !decision) return 0;
  __builtin_memset(&event, 0, sizeof event);
  event.time_ns = now_ns;
  event.src = fw_source_key(cfg, p->src);
  event.prefix_bits = fw_source_bits(cfg, &p->src);
  event.rule = decision->rule;
  event.value = event.limit = cfg->scan_ports;
  event.kind = FW_EVENT_SCAN;
  fw_send_event(env, cfg, &event, p, decision);
  return 1;
}

/* Counts a packet to a closed port for its source, which may be scanning. */
FW_INLINE void fw_watch_for_scan(struct fw_context* x) {
  fw_u8 traffic_class = x->decision->traffic_class;
  struct fw_source* source;

  if (x->sender->served || !x->config->scan_ports) return;
  if (traffic_class != FW_CLASS_TCP_SYN && traffic_class != FW_CLASS_UDP_NEW) return;
  source = fw_source_at(x->env, x->sender->slot_number);
  if (source && fw_source_add_closed_port(source, x->packet->dport) == x->config->scan_ports)
    fw_send_scan_event(x->env, x->packet, x->decision, x->now_ns);
}

#endif
