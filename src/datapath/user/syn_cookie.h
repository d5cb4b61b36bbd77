/* SPDX-License-Identifier: MIT */
/* Which SYNs the XDP program would have answered by a SYN cookie, of those that
 * it was left to (fw_decision::challenge): what datapath/xdp/syn_cookie.h asks,
 * as far as a packet and the tables show it. That a socket listens shows by
 * answers; net.ipv4.tcp_syncookies counts as 2.
 *
 * Nothing is sent, and no conversation is noted: the number that a client of a
 * capture acknowledges is that of the SYN-ACK in it, which notes it itself. */
#ifndef FW_DATAPATH_USER_SYN_COOKIE_H
#define FW_DATAPATH_USER_SYN_COOKIE_H

#include "policy/decide.h"

/* Where the IP header begins: behind Ethernet and at most two tags. 0: not there. */
FW_INLINE fw_u32 fw_syn_link_bytes(const struct fw_frame* frame, fw_u16 type) {
  fw_u32 at = 12;

  if (frame->captured_bytes < 22) return 0;
  if (fw_be16(frame->data + at) == 0x88a8 || fw_be16(frame->data + at) == 0x9100 ||
      fw_be16(frame->data + at) == 0x8100) {
    at += 4;
    if (fw_be16(frame->data + at) == 0x8100) at += 4;
  }
  return fw_be16(frame->data + at) == type ? at + 2 : 0;
}

/* IP without options or extension headers, in one piece. */
FW_INLINE int fw_syn_is_plain(const struct fw_frame* frame, const struct fw_packet* p) {
  fw_u32 at = 0, ip_bytes = p->is_v6 ? 40 : 20;
  const fw_u8* ip;

  if (p->fragment != FW_FRAG_NONE) return 0;
  if (frame->link == FW_LINK_ETHERNET) {
    at = fw_syn_link_bytes(frame, p->is_v6 ? 0x86dd : 0x0800);
    if (!at) return 0;
  }
  if (frame->captured_bytes < at + ip_bytes) return 0;
  ip = frame->data + at;
  return p->is_v6 ? ip[0] >> 4 == 6 && ip[6] == 6 : ip[0] == 0x45 && ip[9] == 6;
}

/* Has it a conversation that stands? Nobody begins it anew by a SYN. */
FW_INLINE int fw_syn_is_of_verified(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  const struct fw_config* cfg = fw_env_config(env);
  const struct fw_flow* flow =
      fw_flow_find(env, cfg, fw_arriving_hash(cfg, p), fw_window(now_ns), 0);

  return flow && fw_flow_state(flow) == FW_FLOW_ESTABLISHED;
}

FW_INLINE int fw_would_challenge(struct fw_env* env, const struct fw_frame* frame,
                                 const struct fw_packet* p, fw_u64 now_ns) {
  if (fw_is_special(&p->src)) return 0;
  if (fw_entry_find(env, &p->dst, now_ns) >> 32 != FW_ENTRY_EXEMPT) return 0;
  return fw_is_served(env, 6, p->dport) && fw_syn_is_plain(frame, p) &&
         !fw_syn_is_of_verified(env, p, now_ns);
}

#endif
