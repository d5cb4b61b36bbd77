/* SPDX-License-Identifier: MIT */
/* Remembers the datagrams whose first fragment passed. A later fragment has no ports,
 * so nothing else tells whose it is. One slot per hash: a newer datagram displaces an
 * older one. */
#ifndef FW_TABLES_FRAGMENT_TABLE_H
#define FW_TABLES_FRAGMENT_TABLE_H

#include "env.h"
#include "hash.h"
#include "rate.h"

enum {
  FW_DATAGRAM_FRAGMENTS = 54, /* 64 KiB in fragments of 1,232 bytes, the least of IPv6 */
  FW_DATAGRAM_WINDOWS = 2,    /* they come at once; Linux forgets them after 30 s; judgement */
  FW_DATAGRAM_SALT = 0x1003,
};

FW_INLINE fw_u64 fw_datagram_hash(const struct fw_config* cfg, const struct fw_packet* p) {
  fw_u64 salt = FW_DATAGRAM_SALT + ((fw_u64)p->seq << 16) + ((fw_u64)p->proto << 48);

  return fw_mix(fw_hash(cfg, &p->src, salt) ^ p->dst.lo) ^ p->dst.hi;
}
FW_INLINE struct fw_datagram* fw_datagram_at(struct fw_env* env, fw_u64 h) {
  return fw_env_datagrams(env, (fw_u32)h & (FW_DATAGRAMS - 1));
}

FW_INLINE void fw_datagram_record(struct fw_env* env, const struct fw_config* cfg,
                                  const struct fw_packet* p, fw_u32 window) {
  fw_u64 h = fw_datagram_hash(cfg, p);
  struct fw_datagram* datagram = fw_datagram_at(env, h);

  if (!datagram) return;
  datagram->tag = (fw_u32)(h >> 32);
  datagram->window = (fw_u16)window;
  datagram->fragments_left = FW_DATAGRAM_FRAGMENTS;
}

/* 1: the first fragment of the same datagram passed, and not too many followed. */
FW_INLINE int fw_datagram_continues(struct fw_env* env, const struct fw_config* cfg,
                                    const struct fw_packet* p, fw_u32 window) {
  fw_u64 h = fw_datagram_hash(cfg, p);
  struct fw_datagram* datagram = fw_datagram_at(env, h);

  if (!datagram || datagram->tag != (fw_u32)(h >> 32) || !datagram->fragments_left) return 0;
  if (fw_idle(window & 0xffff, datagram->window, 0xffff) >= FW_DATAGRAM_WINDOWS) return 0;
  datagram->fragments_left--;
  return 1;
}

#endif
