/* SPDX-License-Identifier: MIT */
/* Marks: bans, temporary allowances and exemptions, by prefix. A key has two
 * possible buckets of eight, so a mark is found in two cache lines and nothing
 * has to move or be evicted when another comes.
 *
 * Who writes what: a slot is claimed by compare-and-swap of its key (either
 * side), then filled, and `until_ns` is written last; until_ns == 0 is "not in
 * force", so a reader never acts on half a mark. Erasing writes until_ns = 0,
 * then key = 0. */
#ifndef FW_POLICY_MARKS_H
#define FW_POLICY_MARKS_H

#include "sources.h"

#define FW_NO_MARK 0xffffffffU
enum { FW_MARK_FLUSH_MS = 10 };

struct fw_mark_place {
  fw_u64 key;
  fw_u32 bucket[2];
};

FW_INLINE struct fw_mark_place fw_mark_place(const struct fw_config* cfg, const struct fw_addr* a,
                                             fw_u32 prefix_bits) {
  struct fw_mark_place place;

  place.key = fw_hash(cfg, a, 0x6d61726b00ULL + prefix_bits) | 1;
  place.bucket[0] = (fw_u32)(place.key >> 1) & cfg->mark_mask;
  place.bucket[1] = (fw_u32)(place.key >> 32) & cfg->mark_mask;
  return place;
}

/* 1 if one of the eight words is `key`. */
FW_INLINE int fw_mark_any(const struct fw_mark_keys* keys, fw_u64 key) {
  for (int i = 0; i < FW_MARK_WAYS; i++)
    if (FW_READ(keys->key[i]) == key) return 1;
  return 0;
}

/* The way that holds `key`, the last one if several; 0 if none. */
FW_INLINE fw_u32 fw_mark_way(const struct fw_mark_keys* keys, fw_u64 key) {
  fw_u64 way = 0;

  for (fw_u64 i = 0; i < FW_MARK_WAYS; i++) {
    fw_u64 x = FW_READ(keys->key[i]) ^ key, same;

    FW_OPAQUE(x);
    same = 1 - ((x | (0 - x)) >> 63);
    FW_OPAQUE(same);
    way |= i * same;
  }
  return (fw_u32)way & (FW_MARK_WAYS - 1);
}

/* The index of the mark of exactly this prefix, in force or not; FW_NO_MARK if there is none. */
FW_INLINE fw_u32 fw_mark_index(struct fw_env* env, const struct fw_config* cfg,
                               const struct fw_addr* a, fw_u32 prefix_bits) {
  struct fw_mark_place place = fw_mark_place(cfg, a, prefix_bits);

  for (int i = 0; i < 2; i++) {
    const struct fw_mark_keys* keys = fw_env_mark_keys(env, place.bucket[i]);
    const struct fw_mark* mark;
    fw_u32 index;

    if (!keys || !fw_mark_any(keys, place.key)) continue;
    index = place.bucket[i] * FW_MARK_WAYS + fw_mark_way(keys, place.key);
    mark = fw_env_mark(env, index);
    if (mark && mark->prefix_bits == prefix_bits && mark->addr.hi == a->hi &&
        mark->addr.lo == a->lo)
      return index;
  }
  return FW_NO_MARK;
}

/* Was it made at a time that the clock has yet to come to? Then the clock stepped back (that of a
 * capture can); a window of difference is only another CPU's. */
FW_INLINE int fw_is_ahead(fw_u64 since_ns, fw_u64 now_ns) {
  return since_ns > now_ns && since_ns - now_ns > 1ULL << FW_WINDOW_SHIFT;
}

/* What marks in force say of an address: exempt, else allowed, else banned. Returns the FW_MARK_*
 * that wins in the high 32 bits and its index in the low ones. */
FW_INLINE fw_u64 fw_mark_search(struct fw_env* env, const struct fw_config* cfg,
                                const struct fw_addr* a, fw_u64 now_ns) {
  int v4 = fw_is_v4(a);
  fw_u32 lengths = v4 ? cfg->lengths_v4 : cfg->lengths_v6;
  fw_u64 found = FW_MARK_NONE;

  for (fw_u32 i = 0; i < FW_MAX_PREFIX_LENGTHS && i < lengths; i++) {
    fw_u32 bits = v4 ? cfg->prefix_bits_v4[i] : cfg->prefix_bits_v6[i];
    struct fw_addr prefix = bits < 128 ? fw_mask(*a, bits) : *a;
    fw_u32 index = fw_mark_index(env, cfg, &prefix, bits);
    const struct fw_mark* mark;

    if (index == FW_NO_MARK) continue;
    mark = fw_env_mark(env, index);
    if (!mark || now_ns >= FW_READ(mark->until_ns)) continue;
    if (mark->kind == FW_MARK_BAN && fw_is_ahead(mark->since_ns, now_ns)) continue;
    if (mark->kind > found >> 32) found = (fw_u64)mark->kind << 32 | index;
  }
  return found;
}

FW_STAGE fw_u64 fw_mark_find(struct fw_env* env, const struct fw_addr* a, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;

  return cfg && a ? fw_mark_search(env, cfg, a, now_ns) : FW_MARK_NONE;
}

/* A free place for a key, claimed; the key's own if it has one. FW_NO_MARK: both buckets are full
 * of marks in force. */
FW_INLINE fw_u32 fw_mark_claim(struct fw_env* env, const struct fw_mark_place* place,
                               fw_u64 now_ns) {
  for (fw_u32 n = 0; n < 2 * FW_MARK_WAYS; n++) { /* alternate: fills both buckets evenly */
    fw_u32 bucket = place->bucket[n & 1];
    struct fw_mark_keys* keys = fw_env_mark_keys(env, bucket);
    fw_u64* slot;

    if (!keys) return FW_NO_MARK;
    slot = &keys->key[(n >> 1) & (FW_MARK_WAYS - 1)];
    if (FW_READ(*slot)) continue;
    if (__sync_val_compare_and_swap(slot, 0ULL, place->key) == 0)
      return bucket * FW_MARK_WAYS + (n >> 1);
  }
  for (fw_u32 n = 0; n < 2 * FW_MARK_WAYS; n++) { /* one that has ended and nobody swept */
    fw_u32 bucket = place->bucket[n & 1], index = bucket * FW_MARK_WAYS + (n >> 1);
    struct fw_mark_keys* keys = fw_env_mark_keys(env, bucket);
    const struct fw_mark* mark = fw_env_mark(env, index);
    fw_u64 *slot, old;

    if (!keys || !mark) return FW_NO_MARK;
    slot = &keys->key[(n >> 1) & (FW_MARK_WAYS - 1)];
    old = FW_READ(*slot);
    if (FW_READ(mark->until_ns) > now_ns) continue;
    if (__sync_val_compare_and_swap(slot, old, place->key) == old) return index;
  }
  return FW_NO_MARK;
}

FW_INLINE void fw_mark_fill(struct fw_mark* to, const struct fw_mark* from) {
  FW_WRITE(to->until_ns, 0ULL);
  to->addr = from->addr;
  to->since_ns = from->since_ns;
  to->dropped = from->dropped;
  to->hold_ms = from->hold_ms;
  to->ban_above = from->ban_above;
  to->window = from->window;
  to->count = from->count;
  to->before = from->before;
  to->kind = from->kind;
  to->prefix_bits = from->prefix_bits;
  to->rule = from->rule;
  to->measure = from->measure;
  FW_WRITE(to->until_ns, from->until_ns);
}

/* A packet of a banned source: counts it, and renews the ban while the flood goes on. Per packet it
 * writes only this CPU's hits; every 10 ms those go to the mark. */
FW_STAGE int fw_mark_hit(struct fw_env* env, fw_u32 index, fw_u32 measures, fw_u32 units,
                         fw_u64 now_ns) {
  struct fw_mark* mark = env ? fw_env_mark(env, index) : NULL;
  struct fw_mark_hits* hits = env ? fw_env_mark_hits(env, index) : NULL;
  fw_u32 now_ms = (fw_u32)(now_ns >> 20), window = fw_window(now_ns), measure;
  fw_u64 until;

  if (!mark || !hits) return 0;
  hits->packets++;
  measure = mark->measure & FW_MARK_MEASURE;
  if (measures >> measure & 1) hits->metered += measure == FW_MEASURE_BYTES ? units : 1;
  if (now_ms - hits->flushed_ms < FW_MARK_FLUSH_MS) return 0;
  hits->flushed_ms = now_ms;
  __sync_fetch_and_add(&mark->dropped, (fw_u64)hits->packets);
  hits->packets = 0;
  if (mark->window != window) {
    fw_rate_roll(&mark->count, &mark->before, window - mark->window);
    mark->window = window;
  }
  mark->count += hits->metered;
  hits->metered = 0;
  until = now_ns + ((fw_u64)mark->hold_ms * 1000000ULL);
  if (mark->hold_ms && mark->ban_above && until > FW_READ(mark->until_ns) &&
      fw_rate_sliding(mark->count, mark->before, now_ns) > mark->ban_above)
    FW_WRITE(mark->until_ns, until);
  return 1;
}

#endif
