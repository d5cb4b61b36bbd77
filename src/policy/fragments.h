/* SPDX-License-Identifier: MIT */
/* The stage of fragments: a later fragment shares the fate of its datagram's first
 * one, which was judged by its ports. Without that a peer that sends large datagrams
 * (NFS, iperf3, large DNS answers) would be held to the small budget of fragments.
 * TCP is not fragmented in use (RFC 9293: path MTU discovery), so it is left out. */
#ifndef FW_POLICY_FRAGMENTS_H
#define FW_POLICY_FRAGMENTS_H

#include "context.h"
#include "tables/fragment_table.h"

FW_GLOBAL int fw_fragment_continues(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;

  return cfg && p ? fw_datagram_continues(env, cfg, p, fw_window(now_ns)) : 0;
}
FW_GLOBAL int fw_record_first_fragment(struct fw_env* env, const struct fw_packet* p,
                                       fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;

  if (cfg && p) fw_datagram_record(env, cfg, p, fw_window(now_ns));
  return 0;
}

FW_INLINE fw_u32 fw_stage_fragments(const struct fw_context* x) {
  const struct fw_packet* p = x->packet;

  if (p->fragment != FW_FRAG_LATER || p->proto == FW_IPPROTO_TCP) return FW_CONTINUE;
  return fw_fragment_continues(x->env, p, x->now_ns) ? FW_REASON_PASS : FW_CONTINUE;
}

/* Called when the verdict is known. */
FW_INLINE void fw_begin_datagram(struct fw_env* env, const struct fw_packet* p,
                                 const struct fw_decision* decision) {
  if (p->fragment != FW_FRAG_FIRST || p->proto == FW_IPPROTO_TCP) return;
  if (decision->verdict == FW_PASS) fw_record_first_fragment(env, p, fw_env_now(env));
}

#endif
