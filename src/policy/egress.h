/* SPDX-License-Identifier: MIT */
/* Records what this host sends. It is never judged, but it shows which peers are
 * answered and which flows this host began. */
#ifndef FW_POLICY_EGRESS_H
#define FW_POLICY_EGRESS_H

#include "flows.h"
#include "parse.h"
#include "refund.h"

FW_INLINE void fw_record_egress(struct fw_env* env, int parsed, const struct fw_packet* p,
                                fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  struct fw_counters* counters = fw_env_counters(env, 0);
  struct fw_shared* shared = fw_env_shared(env, 0);
  fw_u32 departs;

  if (!cfg || !counters || cfg->mode == FW_MODE_OFF || parsed != FW_PARSED) return;
  counters->packets[FW_REASON_OUTGOING]++;
  counters->bytes[FW_REASON_OUTGOING] += p->len_bytes;
  if (shared && !shared->egress_seen) shared->egress_seen = 1;
  departs = fw_flow_depart(env, cfg, p, now_ns);
  if (p->proto == FW_IPPROTO_UDP && p->fragment != FW_FRAG_LATER)
    fw_port_sends(env, p->sport, fw_window(now_ns));
  if (departs == FW_DEPARTS_GOES_ON)
    fw_refund(env, &p->dst, &p->src, FW_CLASS_TCP_STRAY, p->sport, now_ns);
  if (departs != FW_DEPARTS_ANSWER && departs != FW_DEPARTS_MORE) return;
  fw_port_set_answers(env, p->proto, p->sport);
  if (p->proto != FW_IPPROTO_UDP) return;
  counters->class_answered[FW_CLASS_UDP_NEW] += departs == FW_DEPARTS_ANSWER;
  fw_refund(env, &p->dst, &p->src, FW_CLASS_UDP_NEW, p->sport, now_ns);
}

#endif
