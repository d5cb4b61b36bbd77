/* SPDX-License-Identifier: MIT */
/* Access entries (bans, temporary allowances, exemptions) by prefix. Two-choice
 * hashing (Azar et al. 1994): a key has two possible buckets of eight, so that an
 * entry is found in two cache lines, and inserting moves or evicts no other entry.
 * Most addresses have no entry: the filter says so, and no bucket is read.
 *
 * Who writes what: a slot is claimed by compare-and-swap of its key (by either
 * side), then filled; `until_ns` is written last, and 0 is "not in force", so that
 * a reader never acts on half an entry. The filter's bits are set before that.
 * Erasing writes until_ns = 0, then key = 0, and recomputes the filter. */
#ifndef FW_TABLES_ENTRY_TABLE_H
#define FW_TABLES_ENTRY_TABLE_H

#include "entry_filter.h"
#include "rate.h"

#define FW_NO_ENTRY 0xffffffffU
/* A key goes to its second bucket when so many slots of the first one are taken. Measured: with all
 * configured bans 5 % of the keys do, and no insertion fails (docs/decisions/tables.md). */
enum { FW_ENTRY_HOME_SLOTS = 6 };

/* The slot that has `key`; FW_ENTRY_SLOTS: none. Adding `same - key`, which is 0, hides the slot's
 * number from the verifier, which would otherwise check the rest of the program once per slot. */
FW_INLINE fw_u32 fw_entry_slot_of(const struct fw_entry_keys* keys, fw_u64 key) {
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
  fw_u32 may = fw_entry_candidates(env, cfg, key);

  for (fw_u32 i = 0; i < 2 && may >> i; i++) {
    fw_u32 bucket = fw_entry_bucket(cfg, key, i), index, slot;
    const struct fw_entry_keys* keys = fw_env_entry_keys(env, bucket);
    const struct fw_entry* entry;

    if (!(may >> i & 1) || !keys) continue;
    slot = fw_entry_slot_of(keys, key);
    if (slot >= FW_ENTRY_SLOTS) continue;
    index = bucket * FW_ENTRY_SLOTS + slot;
    entry = fw_env_entries(env, index);
    if (entry && entry->prefix_bits == prefix_bits && entry->addr.hi == a->hi &&
        entry->addr.lo == a->lo)
      return index;
  }
  return FW_NO_ENTRY;
}

/* Is `since_ns` in the future? Then the clock stepped back, as in a capture. Less than a window is
 * the difference to another CPU's clock. */
FW_INLINE int fw_is_ahead(fw_u64 since_ns, fw_u64 now_ns) {
  return since_ns > now_ns && since_ns - now_ns > 1ULL << FW_WINDOW_SHIFT;
}

/* What an entry makes of an address; of several entries the highest one decides. */
enum fw_standing {
  FW_STANDING_NONE = 0,
  FW_STANDING_RESTRICTED = 1,
  FW_STANDING_BANNED = 2,
  FW_STANDING_ALLOWED = 3,
  FW_STANDING_EXEMPT = 4,
  FW_STANDING_OWN = 5, /* exempt, and of this host itself */
};
/* By arithmetic, since every branch here doubles the paths that the verifier follows. The bits are
 * set on entries of their kind only. */
FW_INLINE fw_u32 fw_entry_standing(const struct fw_entry* entry) {
  return entry->kind + 1U - !!(entry->metric & FW_ENTRY_RESTRICTED) +
         !!(entry->metric & FW_ENTRY_OWN);
}

/* The entry in force that decides about an address. */
struct fw_entry_match {
  fw_u32 index;
  fw_u32 standing; /* enum fw_standing; NONE: no entry */
};
/* A match as one number, since a BPF function returns one: standing in the high half, index in the
 * low one. */
#define FW_MATCH_PACK(standing, index) ((fw_u64)(standing) << 32 | (index))
#define FW_MATCH_STANDING(packed) ((fw_u32)((packed) >> 32))

/* fw_entry_find() as a BPF function; the result is an FW_MATCH_PACK. */
FW_GLOBAL fw_u64 fw_entry_find_packed(struct fw_env* env, const struct fw_addr* a, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u64 found = FW_MATCH_PACK(FW_STANDING_NONE, 0);
  fw_u32 lengths, standing;
  int v4;

  if (!cfg || !a) return found;
  v4 = fw_is_v4(a);
  lengths = v4 ? cfg->lengths_v4 : cfg->lengths_v6;
  for (fw_u32 i = 0; i < FW_MAX_PREFIX_LENGTHS && i < lengths; i++) {
    fw_u32 bits = v4 ? cfg->prefix_bits_v4[i] : cfg->prefix_bits_v6[i];
    struct fw_addr prefix = bits < 128 ? fw_mask(*a, bits) : *a;
    fw_u32 index = fw_entry_index(env, cfg, &prefix, bits);
    const struct fw_entry* entry;

    if (index == FW_NO_ENTRY) continue;
    entry = fw_env_entries(env, index);
    if (!entry || now_ns >= FW_READ(entry->until_ns)) continue;
    if (entry->kind == FW_ENTRY_BAN && fw_is_ahead(entry->since_ns, now_ns)) continue;
    standing = fw_entry_standing(entry);
    if (standing > FW_MATCH_STANDING(found)) found = FW_MATCH_PACK(standing, index);
  }
  return found;
}

FW_INLINE struct fw_entry_match fw_entry_find(struct fw_env* env, const struct fw_addr* a,
                                              fw_u64 now_ns) {
  fw_u64 packed = fw_entry_find_packed(env, a, now_ns);
  struct fw_entry_match match = {(fw_u32)packed, FW_MATCH_STANDING(packed)};

  return match;
}

/* Claims a slot for a key. Returns the index; FW_NO_ENTRY: both buckets are full of entries in
 * force. */
FW_INLINE fw_u32 fw_entry_claim(struct fw_env* env, const struct fw_config* cfg, fw_u64 key,
                                fw_u64 now_ns) {
  /* First the first bucket up to FW_ENTRY_HOME_SLOTS, then both buckets alternately, then the slots
   * of entries that have ended and were not erased. */
  const fw_u32 both = FW_ENTRY_HOME_SLOTS, ended = both + 2 * FW_ENTRY_SLOTS;

  for (fw_u32 n = 0; n < ended + 2 * FW_ENTRY_SLOTS; n++) {
    fw_u32 step = n < both ? 2 * n : n < ended ? n - both : n - ended;
    fw_u32 slot = step >> 1 & (FW_ENTRY_SLOTS - 1), bucket = fw_entry_bucket(cfg, key, step & 1);
    struct fw_entry_keys* keys = fw_env_entry_keys(env, bucket);
    const struct fw_entry* entry;
    fw_u64 old;

    if (!keys) return FW_NO_ENTRY;
    old = FW_READ(keys->key[slot]);
    if (n < ended && old) continue;
    if (n >= ended) {
      entry = fw_env_entries(env, bucket * FW_ENTRY_SLOTS + slot);
      if (!entry || FW_READ(entry->until_ns) > now_ns) continue;
    }
    if (__sync_val_compare_and_swap(&keys->key[slot], old, key) != old) continue;
    fw_entry_filter_add(env, cfg, key, step & 1);
    return bucket * FW_ENTRY_SLOTS + slot;
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
