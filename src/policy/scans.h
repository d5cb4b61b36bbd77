/* SPDX-License-Identifier: MIT */
/* Port scans: a source that tries many closed ports is reported, once a scan. */
#ifndef FW_POLICY_SCANS_H
#define FW_POLICY_SCANS_H

#include "reports.h"

/* Reports a scan. */
FW_STAGE int fw_report_scan(struct fw_env* env, const struct fw_packet* p,
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
  fw_report(env, cfg, &event, p, decision);
  return 1;
}

/* A packet to a port where no service answers: a source that tries many of them is scanning. */
FW_INLINE void fw_note_closed_port(struct fw_env* env, const struct fw_config* cfg,
                                   const struct fw_packet* p, const struct fw_decision* decision,
                                   fw_u32 cell, fw_u64 now_ns) {
  struct fw_source* source = cfg->scan_ports ? fw_source_at(env, cell) : NULL;
  fw_u16 ports;

  if (!source) return;
  ports = source->ports | (fw_u16)(1u << (fw_mix(p->dport) & 15));
  if (ports == source->ports) return;
  source->ports = ports;
  if (fw_count_bits(ports) == cfg->scan_ports) fw_report_scan(env, p, decision, now_ns);
}

#endif
