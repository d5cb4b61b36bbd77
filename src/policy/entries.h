/* SPDX-License-Identifier: MIT */
/* Entries: bans, temporary allowances and exemptions, by prefix. A key has two
 * possible buckets of eight, so an entry is found in two cache lines and nothing
 * has to move or be evicted when another comes. Most addresses have none: a
 * filter says so, and the buckets are not looked at.
 *
 * Who writes what: a slot is claimed by compare-and-swap of its key (either
 * side), then filled, and `until_ns` is written last; until_ns == 0 is "not in
 * force", so a reader never acts on half an entry. The filter's bits are set before
 * that. Erasing writes until_ns = 0, then key = 0, and makes the filter anew. */
#ifndef FW_POLICY_ENTRIES_H
#define FW_POLICY_ENTRIES_H

#include "sources.h"

#define FW_NO_ENTRY 0xffffffffU
/* So many ways of a key's first bucket are filled before its second one is thought of: then few
 * look-ups need two (full to what is configured, 5 of 100 keys, and no key finds no place). */
enum { FW_ENTRY_HOME_SLOTS = 6 };
enum { FW_ENTRY_SPILLED = 1 };

FW_INLINE fw_u64 fw_entry_key(const struct fw_config* cfg, const struct fw_addr* a,
                              fw_u32 prefix_bits) {
  return fw_hash(cfg, a, 0x6d61726b00ULL + prefix_bits) | 1;
}
/* A key's first (0) or second (1) bucket. */
FW_INLINE fw_u32 fw_entry_bucket(const struct fw_config* cfg, fw_u64 key, fw_u32 second) {
  return (fw_u32)(key >> (1 + 31 * second)) & cfg->entry_mask;
}

/* A key's bit in the filter: one of those above SPILLED. */
FW_INLINE fw_u32 fw_entry_kind(fw_u64 key) {
  return 2U << ((key >> 56) * (FW_ENTRY_FILTER_BITS - 1) >> 8);
}

/* The filter's word for a bucket, and where in it the bucket's bits are. */
FW_INLINE struct fw_entry_filter* fw_entry_filter_at(struct fw_env* env, fw_u32 bucket) {
  return fw_env_entry_filter(env, bucket / FW_ENTRY_FILTER_BUCKETS);
}
FW_INLINE fw_u32 fw_entry_filter_shift(fw_u32 bucket) {
  return bucket % FW_ENTRY_FILTER_BUCKETS * FW_ENTRY_FILTER_BITS;
}

/* Which of a key's buckets it may be in: bit 0 the first, bit 1 the second. */
FW_INLINE fw_u32 fw_entry_filtered(struct fw_env* env, const struct fw_config* cfg, fw_u64 key) {
  fw_u32 bucket = fw_entry_bucket(cfg, key, 0);
  const struct fw_entry_filter* filter = fw_entry_filter_at(env, bucket);
  fw_u64 bits = filter ? FW_READ(filter->bits) >> fw_entry_filter_shift(bucket) : 0;

  return (fw_u32)((bits & fw_entry_kind(key)) != 0) | (fw_u32)(bits & FW_ENTRY_SPILLED) << 1;
}

/* Enters a key that is in its first (0) or second (1) bucket. */
FW_INLINE void fw_entry_filter_add(struct fw_env* env, const struct fw_config* cfg, fw_u64 key,
                                   fw_u32 second) {
  fw_u32 bucket = fw_entry_bucket(cfg, key, 0);
  struct fw_entry_filter* filter = fw_entry_filter_at(env, bucket);
  fw_u64 bits = second ? FW_ENTRY_SPILLED : fw_entry_kind(key);

  if (filter) __sync_fetch_and_or(&filter->bits, bits << fw_entry_filter_shift(bucket));
}

/* Entries that protect (exempt, allow) are few: the filter's last words have a bit for what is
 * around each, an IPv4 /16 or an IPv6 /32. A denied address elsewhere needs no look at the entries.
 */
enum { FW_GUARD_V4 = 96 + 16, FW_GUARD_V6 = 32 };

FW_INLINE fw_u32 fw_guard_bit(const struct fw_addr* a) {
  fw_u32 around = fw_is_v4(a) ? (fw_u32)a->lo >> 16 : (fw_u32)(a->hi >> 32);

  return around * 0x9e3779b1U >> 20; /* of 64 * FW_GUARD_WORDS */
}
FW_INLINE struct fw_entry_filter* fw_guard_at(struct fw_env* env, const struct fw_config* cfg,
                                              fw_u32 word) {
  return fw_env_entry_filter(env, cfg->entry_mask / FW_ENTRY_FILTER_BUCKETS + 1 + word);
}

/* 0: no entry protects the address. */
FW_INLINE int fw_is_guarded(struct fw_env* env, const struct fw_config* cfg,
                            const struct fw_addr* a) {
  fw_u32 bit = fw_guard_bit(a);
  const struct fw_entry_filter* filter = fw_guard_at(env, cfg, bit >> 6);

  return !filter || (FW_READ(filter->bits) >> (bit & 63) & 1);
}

/* The way that holds `key`; FW_ENTRY_SLOTS if none. The difference of `same` and `key`, which is 0,
 * hides from the verifier which way it is: it would follow all that comes after once for each. */
FW_INLINE fw_u32 fw_entry_way(const struct fw_entry_keys* keys, fw_u64 key) {
  for (fw_u32 i = 0; i < FW_ENTRY_SLOTS; i++) {
    fw_u64 found = FW_READ(keys->key[i]), same = key;

    FW_OPAQUE(same);
    if (found == key) return (fw_u32)(i + (same - key)) & (FW_ENTRY_SLOTS - 1);
  }
  return FW_ENTRY_SLOTS;
}

/* The index of the entry of exactly this prefix, in force or not; FW_NO_ENTRY if there is none. */
FW_INLINE fw_u32 fw_entry_index(struct fw_env* env, const struct fw_config* cfg,
                                const struct fw_addr* a, fw_u32 prefix_bits) {
  fw_u64 key = fw_entry_key(cfg, a, prefix_bits);
  fw_u32 may = fw_entry_filtered(env, cfg, key);

  for (fw_u32 i = 0; i < 2 && may >> i; i++) {
    fw_u32 bucket = fw_entry_bucket(cfg, key, i), index, way;
    const struct fw_entry_keys* keys = fw_env_entry_keys(env, bucket);
    const struct fw_entry* entry;

    if (!(may >> i & 1) || !keys) continue;
    way = fw_entry_way(keys, key);
    if (way >= FW_ENTRY_SLOTS) continue;
    index = bucket * FW_ENTRY_SLOTS + way;
    entry = fw_env_entry(env, index);
    if (entry && entry->prefix_bits == prefix_bits && entry->addr.hi == a->hi &&
        entry->addr.lo == a->lo)
      return index;
  }
  return FW_NO_ENTRY;
}

/* Was it made at a time that the clock has yet to come to? Then the clock stepped back (that of a
 * capture can); a window of difference is only another CPU's. */
FW_INLINE int fw_is_ahead(fw_u64 since_ns, fw_u64 now_ns) {
  return since_ns > now_ns && since_ns - now_ns > 1ULL << FW_WINDOW_SHIFT;
}

/* What entries in force say of an address: exempt, else allowed, else banned. Returns the
 * FW_ENTRY_* that wins in the high 32 bits and its index in the low ones. */
FW_INLINE fw_u64 fw_entry_search(struct fw_env* env, const struct fw_config* cfg,
                                 const struct fw_addr* a, fw_u64 now_ns) {
  int v4 = fw_is_v4(a);
  fw_u32 lengths = v4 ? cfg->lengths_v4 : cfg->lengths_v6;
  fw_u64 found = FW_ENTRY_NONE;

  for (fw_u32 i = 0; i < FW_MAX_PREFIX_LENGTHS && i < lengths; i++) {
    fw_u32 bits = v4 ? cfg->prefix_bits_v4[i] : cfg->prefix_bits_v6[i];
    struct fw_addr prefix = bits < 128 ? fw_mask(*a, bits) : *a;
    fw_u32 index = fw_entry_index(env, cfg, &prefix, bits);
    const struct fw_entry* entry;

    if (index == FW_NO_ENTRY) continue;
    entry = fw_env_entry(env, index);
    if (!entry || now_ns >= FW_READ(entry->until_ns)) continue;
    if (entry->kind == FW_ENTRY_BAN && fw_is_ahead(entry->since_ns, now_ns)) continue;
    if (entry->kind > found >> 32) found = (fw_u64)entry->kind << 32 | index;
  }
  return found;
}

FW_STAGE fw_u64 fw_entry_find(struct fw_env* env, const struct fw_addr* a, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;

  return cfg && a ? fw_entry_search(env, cfg, a, now_ns) : FW_ENTRY_NONE;
}

/* A free place for a key, claimed. FW_NO_ENTRY: both buckets are full of entries in force. */
FW_INLINE fw_u32 fw_entry_claim(struct fw_env* env, const struct fw_config* cfg, fw_u64 key,
                                fw_u64 now_ns) {
  /* Its first bucket up to HOME_WAYS; then both evenly; then those of entries that have ended and
   * nobody swept. */
  const fw_u32 both = FW_ENTRY_HOME_SLOTS, ended = both + 2 * FW_ENTRY_SLOTS;

  for (fw_u32 n = 0; n < ended + 2 * FW_ENTRY_SLOTS; n++) {
    fw_u32 step = n < both ? 2 * n : n < ended ? n - both : n - ended;
    fw_u32 way = step >> 1 & (FW_ENTRY_SLOTS - 1), bucket = fw_entry_bucket(cfg, key, step & 1);
    struct fw_entry_keys* keys = fw_env_entry_keys(env, bucket);
    const struct fw_entry* entry;
    fw_u64 old;

    if (!keys) return FW_NO_ENTRY;
    old = FW_READ(keys->key[way]);
    if (n < ended && old) continue;
    if (n >= ended) {
      entry = fw_env_entry(env, bucket * FW_ENTRY_SLOTS + way);
      if (!entry || FW_READ(entry->until_ns) > now_ns) continue;
    }
    if (__sync_val_compare_and_swap(&keys->key[way], old, key) != old) continue;
    fw_entry_filter_add(env, cfg, key, step & 1);
    return bucket * FW_ENTRY_SLOTS + way;
  }
  return FW_NO_ENTRY;
}

FW_INLINE void fw_entry_fill(struct fw_entry* to, const struct fw_entry* from) {
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
  to->metric = from->metric;
  FW_WRITE(to->until_ns, from->until_ns);
}

#endif
