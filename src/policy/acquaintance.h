/* SPDX-License-Identifier: MIT */
/* A UDP dialogue makes an acquaintance: many questions that were answered (one, before
 * the service began to suffer), or a peer to whom this host itself sends. That is no
 * proof of the peer's address, as whoever forges it can ask as well. So it counts for
 * this flow alone, and while services are restricted the acquaintance keeps what it
 * used before, and a margin in which all acquaintances of a service share; what is above
 * is judged like anybody's. */
#ifndef FW_POLICY_ACQUAINTANCE_H
#define FW_POLICY_ACQUAINTANCE_H

#include "classify.h"
#include "echo.h"
#include "suffering.h"
#include "tables/flow_table.h"
#include "tables/source_table.h"

/* Judgement: a game or call varies by less than twice; 32 is the keep-alive of a quiet one. */
enum { FW_ACQUAINTANCE_MARGIN = 2, FW_ACQUAINTANCE_LEAST = 32 /* packets in a window */ };
/* Beside FW_PEER_ACQUAINTED: services are restricted, and it sends more than before. */
enum { FW_PEER_ABOVE_USUAL = 0x100 };
/* IANA: reserved, so no packet has it. Marks the flow of a partner, which has no remote port. */
enum { FW_IPPROTO_OF_PARTNER = 255 };
/* IANA: for experiments. Marks a source that returned the challenge of a service. */
enum { FW_IPPROTO_OF_ASKER = 254 };

FW_INLINE fw_u64 fw_partner_hash(const struct fw_config* cfg, const struct fw_addr* remote,
                                 const struct fw_addr* local, fw_u16 port) {
  struct fw_tuple t = {remote, local, 0, port, FW_IPPROTO_OF_PARTNER};

  return fw_flow_hash(cfg, &t);
}

/* Counts a packet of an acquaintance; enum fw_peer, perhaps with FW_PEER_ABOVE_USUAL. One that
 * returned what only a receiver can know is verified, until it was silent for as long as a verified
 * source may be. */
FW_INLINE fw_u32 fw_acquaintance_arrive(struct fw_env* env, struct fw_flow* flow, fw_u32 window) {
  int restricted = fw_services_are_restricted(env, window);
  struct fw_flow_of_acquaintance* of = &flow->acquaintance;

  if (fw_flow_seen_window(flow) != window) {
    if (of->echo == FW_ECHO_PROVEN && fw_idle(window & 0x1fffffff, fw_flow_seen_window(flow),
                                              0x1fffffff) >= FW_VERIFIED_IDLE_WINDOWS)
      of->echo = 0;
    if (!restricted)
      of->usual =
          of->count > of->usual ? of->count : (fw_u16)(of->usual - (of->usual - of->count) / 8U);
    of->count = 0;
  }
  fw_flow_set(flow, window, FW_FLOW_ACQUAINTED);
  if (of->echo == FW_ECHO_PROVEN) return FW_PEER_VERIFIED;
  if (of->count < 0xffff) of->count++;
  if (!restricted || of->count <= of->usual) return FW_PEER_ACQUAINTED;
  return of->count > FW_ACQUAINTANCE_MARGIN * (fw_u32)of->usual + FW_ACQUAINTANCE_LEAST
             ? FW_PEER_UNKNOWN
             : FW_PEER_ACQUAINTED | FW_PEER_ABOVE_USUAL;
}

#endif
