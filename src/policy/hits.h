/* SPDX-License-Identifier: MIT */
/* Packets of banned sources: counted for their entry, whose ban is renewed while the
 * flood goes on. Where they are counted meanwhile is in abi.h (fw_entry_pending). */
#ifndef FW_POLICY_HITS_H
#define FW_POLICY_HITS_H

#include "classify.h"
#include "entries.h"

enum { FW_ENTRY_FLUSH_MS = 10 };

/* Adds dropped packets to an entry, and renews a ban in force while the flood goes on. */
FW_INLINE void fw_entry_add(struct fw_entry* entry, fw_u32 packets, fw_u32 metered, fw_u64 now_ns) {
  fw_u32 window = fw_window(now_ns);
  fw_u64 until = now_ns + (fw_u64)entry->hold_ms * 1000000ULL, former = FW_READ(entry->until_ns);

  __sync_fetch_and_add(&entry->dropped, (fw_u64)packets);
  if (entry->window != window) {
    fw_rate_roll(&entry->count, &entry->before, window - entry->window);
    entry->window = window;
  }
  entry->count += metered;
  if (entry->hold_ms && entry->ban_above && now_ns < former && until > former &&
      fw_rate_sliding(entry->count, entry->before, now_ns) > entry->ban_above)
    FW_WRITE(entry->until_ns, until);
}

/* What a packet is of an entry's metric. */
FW_INLINE fw_u32 fw_entry_units(const struct fw_entry* entry, const struct fw_packet* p) {
  fw_u32 metric = entry->metric & FW_ENTRY_METRIC;

  if (metric == FW_METRIC_PACKETS) return 1;
  if (metric == FW_METRIC_BYTES) return fw_byte_units(p);
  return metric == fw_metric_of(fw_classify(p, FW_PEER_UNKNOWN));
}

/* A packet of a banned source: counted, on this CPU if the entry has a place there. One that was
 * not added from for 20 ms is another entry's. */
FW_INLINE void fw_entry_hit(struct fw_env* env, fw_u32 index, const struct fw_packet* p,
                            fw_u64 now_ns) {
  struct fw_entry *entry = fw_env_entry(env, index), *former;
  struct fw_entry_pending* hits = fw_env_entry_pending(env, index);
  fw_u32 now_ms = fw_ms(now_ns), metered;

  if (!entry || !hits) return;
  metered = fw_entry_units(entry, p);
  if (hits->entry != index + 1) {
    if (hits->entry && now_ms - hits->flushed_ms < 2 * FW_ENTRY_FLUSH_MS) {
      fw_entry_add(entry, 1, metered, now_ns);
      return;
    }
    former = hits->packets ? fw_env_entry(env, hits->entry - 1) : NULL;
    if (former) fw_entry_add(former, hits->packets, hits->metered, now_ns);
    hits->entry = index + 1;
    hits->packets = hits->metered = 0;
    hits->flushed_ms = now_ms - FW_ENTRY_FLUSH_MS; /* it may have been long: added at once */
  }
  hits->packets++;
  hits->metered += metered;
  if (now_ms - hits->flushed_ms < FW_ENTRY_FLUSH_MS) return;
  hits->flushed_ms = now_ms;
  fw_entry_add(entry, hits->packets, hits->metered, now_ns);
  hits->packets = hits->metered = 0;
}

#endif
