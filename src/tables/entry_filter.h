/* SPDX-License-Identifier: MIT */
/* Two filters in front of the entries, in one table that is small enough to stay in
 * a near cache. Neither has false negatives (docs/decisions/entry-filter.md).
 *
 * A Bloom filter (Bloom 1970) with one hash function, 32 bits per bucket. A key
 * sets its bit at its first bucket. Bit 0 there, SPILLED, says that a key of this
 * first bucket is in its second one. It is never cleared, because spilled keys are
 * not counted.
 *
 * Behind it the protected-prefix bitmap: a bit for every IPv4 /16 and IPv6 /32
 * (hashed) that contains an exempt or allowed prefix. For a denied address without
 * a bit the entries are not read. */
#ifndef FW_TABLES_ENTRY_FILTER_H
#define FW_TABLES_ENTRY_FILTER_H

#include "address.h"
#include "env.h"
#include "hash.h"

enum { FW_ENTRY_SPILLED = 1 };
/* In the mapped form. A shorter protected prefix sets the whole bitmap. */
enum { FW_PROTECTED_BITS_V4 = 96 + 16, FW_PROTECTED_BITS_V6 = 32 };

#define FW_ENTRY_SALT 0x656e74727900ULL /* of fw_hash; separates keys of entries from others */
FW_INLINE fw_u64 fw_entry_key(const struct fw_config* cfg, const struct fw_addr* a,
                              fw_u32 prefix_bits) {
  return fw_hash(cfg, a, FW_ENTRY_SALT + prefix_bits) | 1;
}
/* A key's first (0) or second (1) bucket. */
FW_INLINE fw_u32 fw_entry_bucket(const struct fw_config* cfg, fw_u64 key, fw_u32 second) {
  return (fw_u32)(key >> (1 + 31 * second)) & cfg->entry_mask;
}

/* The bit of a key among those of its bucket; never SPILLED. */
FW_INLINE fw_u32 fw_entry_filter_bit(fw_u64 key) {
  return 2U << ((key >> 56) * (FW_ENTRY_FILTER_BITS - 1) >> 8);
}
/* The word of the filter that has a bucket's bits, and their position in it. */
FW_INLINE struct fw_entry_filter* fw_entry_filter_at(struct fw_env* env, fw_u32 bucket) {
  return fw_env_entry_filter(env, bucket / FW_ENTRY_FILTER_BUCKETS);
}
FW_INLINE fw_u32 fw_entry_filter_shift(fw_u32 bucket) {
  return bucket % FW_ENTRY_FILTER_BUCKETS * FW_ENTRY_FILTER_BITS;
}

/* Which of a key's buckets may have the key; bit 0: the first, bit 1: the second. */
FW_INLINE fw_u32 fw_entry_candidates(struct fw_env* env, const struct fw_config* cfg, fw_u64 key) {
  fw_u32 bucket = fw_entry_bucket(cfg, key, 0);
  const struct fw_entry_filter* filter = fw_entry_filter_at(env, bucket);
  fw_u64 bits = filter ? FW_READ(filter->bits) >> fw_entry_filter_shift(bucket) : 0;

  return (fw_u32)((bits & fw_entry_filter_bit(key)) != 0) | (fw_u32)(bits & FW_ENTRY_SPILLED) << 1;
}

/* Adds a key that was put in its first (0) or second (1) bucket. */
FW_INLINE void fw_entry_filter_add(struct fw_env* env, const struct fw_config* cfg, fw_u64 key,
                                   fw_u32 second) {
  fw_u32 bucket = fw_entry_bucket(cfg, key, 0);
  struct fw_entry_filter* filter = fw_entry_filter_at(env, bucket);
  fw_u64 bits = second ? FW_ENTRY_SPILLED : fw_entry_filter_bit(key);

  if (filter) __sync_fetch_and_or(&filter->bits, bits << fw_entry_filter_shift(bucket));
}

/* The number of the bitmap's bit for the /16 or /32 of an address: 0 to 64 * FW_PROTECTED_WORDS -
 * 1. */
FW_INLINE fw_u32 fw_protected_bit(const struct fw_addr* a) {
  fw_u32 around = fw_is_v4(a) ? (fw_u32)a->lo >> 16 : (fw_u32)(a->hi >> 32);

  return around * FW_GOLDEN_32 >> 20;
}
FW_INLINE struct fw_entry_filter* fw_protected_word(struct fw_env* env, const struct fw_config* cfg,
                                                    fw_u32 word) {
  return fw_env_entry_filter(env, cfg->entry_mask / FW_ENTRY_FILTER_BUCKETS + 1 + word);
}
/* 0: no entry protects the address. */
FW_INLINE int fw_may_be_protected(struct fw_env* env, const struct fw_config* cfg,
                                  const struct fw_addr* a) {
  fw_u32 bit = fw_protected_bit(a);
  const struct fw_entry_filter* filter = fw_protected_word(env, cfg, bit >> 6);

  return !filter || (FW_READ(filter->bits) >> (bit & 63) & 1);
}

#endif
