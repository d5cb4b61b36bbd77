/* SPDX-License-Identifier: MIT */
/* Packets dropped for an entry are counted per CPU (fw_entry_pending), and added to
 * the entry every FW_PENDING_FLUSH_MS, which renews a ban while its flood continues.
 * A slot that is idle for twice as long may be taken over by another entry. */
#ifndef FW_TABLES_ENTRY_PENDING_H
#define FW_TABLES_ENTRY_PENDING_H

#include "env.h"
#include "rate.h"

/* How old a CPU's count may be. Measured: 100 ms gains nothing (docs/decisions/drop-counters.md).
 */
enum { FW_PENDING_FLUSH_MS = 10 };

/* Adds dropped packets, which are `metered` units of the entry's metric. Renews a ban in force if
 * that metric is above ban_above. */
FW_INLINE void fw_entry_add_dropped(struct fw_entry* entry, fw_u32 packets, fw_u32 metered,
                                    fw_u64 now_ns) {
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

/* Counts one dropped packet of the entry at `index`. */
FW_INLINE void fw_pending_count(struct fw_env* env, fw_u32 index, struct fw_entry* entry,
                                fw_u32 metered, fw_u64 now_ns) {
  struct fw_entry_pending* pending = fw_env_entry_pending(env, index);
  struct fw_entry* former;
  fw_u32 now_ms = fw_ms(now_ns);

  if (!pending) return;
  if (pending->entry != index + 1) {
    if (pending->entry && now_ms - pending->flushed_ms < 2 * FW_PENDING_FLUSH_MS) {
      fw_entry_add_dropped(entry, 1, metered, now_ns);
      return;
    }
    former = pending->packets ? fw_env_entries(env, pending->entry - 1) : NULL;
    if (former) fw_entry_add_dropped(former, pending->packets, pending->metered, now_ns);
    pending->entry = index + 1;
    pending->packets = pending->metered = 0;
    pending->flushed_ms = now_ms - FW_PENDING_FLUSH_MS; /* add the first one at once */
  }
  pending->packets++;
  pending->metered += metered;
  if (now_ms - pending->flushed_ms < FW_PENDING_FLUSH_MS) return;
  pending->flushed_ms = now_ms;
  fw_entry_add_dropped(entry, pending->packets, pending->metered, now_ns);
  pending->packets = pending->metered = 0;
}

#endif
