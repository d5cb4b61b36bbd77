/* SPDX-License-Identifier: MIT */
/* Packets of banned sources: counted for their mark, whose ban is renewed while the
 * flood goes on. Where they are counted meanwhile is in abi.h (fw_mark_hits). */
#ifndef FW_POLICY_HITS_H
#define FW_POLICY_HITS_H

#include "classify.h"
#include "marks.h"

enum { FW_MARK_FLUSH_MS = 10 };

/* Adds dropped packets to a mark, and renews a ban in force while the flood goes on. */
FW_INLINE void fw_mark_add(struct fw_mark* mark, fw_u32 packets, fw_u32 metered, fw_u64 now_ns) {
  fw_u32 window = fw_window(now_ns);
  fw_u64 until = now_ns + (fw_u64)mark->hold_ms * 1000000ULL, former = FW_READ(mark->until_ns);

  __sync_fetch_and_add(&mark->dropped, (fw_u64)packets);
  if (mark->window != window) {
    fw_rate_roll(&mark->count, &mark->before, window - mark->window);
    mark->window = window;
  }
  mark->count += metered;
  if (mark->hold_ms && mark->ban_above && now_ns < former && until > former &&
      fw_rate_sliding(mark->count, mark->before, now_ns) > mark->ban_above)
    FW_WRITE(mark->until_ns, until);
}

/* What a packet is of a mark's measure. */
FW_INLINE fw_u32 fw_mark_units(const struct fw_mark* mark, const struct fw_packet* p) {
  fw_u32 measure = mark->measure & FW_MARK_MEASURE;

  if (measure == FW_MEASURE_PACKETS) return 1;
  if (measure == FW_MEASURE_BYTES) return fw_byte_units(p);
  return measure == fw_measure_of(fw_classify(p, FW_PEER_UNKNOWN));
}

/* A packet of a banned source: counted, on this CPU if the mark has a place there. One that was not
 * added from for 20 ms is another mark's. */
FW_INLINE void fw_mark_hit(struct fw_env* env, fw_u32 index, const struct fw_packet* p,
                           fw_u64 now_ns) {
  struct fw_mark *mark = fw_env_mark(env, index), *former;
  struct fw_mark_hits* hits = fw_env_mark_hits(env, index);
  fw_u32 now_ms = fw_ms(now_ns), metered;

  if (!mark || !hits) return;
  metered = fw_mark_units(mark, p);
  if (hits->mark != index + 1) {
    if (hits->mark && now_ms - hits->flushed_ms < 2 * FW_MARK_FLUSH_MS) {
      fw_mark_add(mark, 1, metered, now_ns);
      return;
    }
    former = hits->packets ? fw_env_mark(env, hits->mark - 1) : NULL;
    if (former) fw_mark_add(former, hits->packets, hits->metered, now_ns);
    hits->mark = index + 1;
    hits->packets = hits->metered = 0;
    hits->flushed_ms = now_ms - FW_MARK_FLUSH_MS; /* it may have been long: added at once */
  }
  hits->packets++;
  hits->metered += metered;
  if (now_ms - hits->flushed_ms < FW_MARK_FLUSH_MS) return;
  hits->flushed_ms = now_ms;
  fw_mark_add(mark, hits->packets, hits->metered, now_ns);
  hits->packets = hits->metered = 0;
}

#endif
