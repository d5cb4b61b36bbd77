/* SPDX-License-Identifier: MIT */
/* Finding a source's cell: one cache line of four, replaced as fw_source says. */
#ifndef FW_POLICY_SOURCES_H
#define FW_POLICY_SOURCES_H

#include "env.h"
#include "hash.h"
#include "meters.h"

/* Takes part in no ban and is no source: unspecified, loopback, link-local, multicast, broadcast.
 * (RFC 6890; an own address is exempt and never comes this far. What is reserved for the future,
 * 240.0.0.0/4, is in use inside large networks, and what anonymised captures are full of.) */
FW_INLINE int fw_is_special(const struct fw_addr* a) {
  fw_u32 v4 = (fw_u32)a->lo;

  if (!a->hi && a->lo >> 32 == 0xffff)
    return v4 == 0 || v4 >> 24 == 127 || v4 >> 28 == 14 || v4 >> 16 == 0xa9fe || v4 == 0xffffffff;
  if (!a->hi && a->lo <= 1) return 1;
  return a->hi >> 56 == 0xff || a->hi >> 54 == 0xfe80 >> 6;
}

FW_INLINE fw_u64 fw_high_bits(fw_u32 bits) { /* 0..64 */
  return bits ? ~0ULL << ((64 - bits) & 63) : 0;
}

FW_INLINE struct fw_addr fw_mask(struct fw_addr a, fw_u32 bits) { /* 0..128 */
  a.hi &= bits >= 64 ? ~0ULL : fw_high_bits(bits);
  a.lo &= bits >= 64 ? fw_high_bits(bits - 64) : 0;
  return a;
}

FW_INLINE int fw_is_v4(const struct fw_addr* a) {
  return !a->hi && a->lo >> 32 == 0xffff;
}

/* The key under which a source is known: itself, or its IPv6 prefix. */
FW_INLINE struct fw_addr fw_source_key(const struct fw_config* cfg, struct fw_addr a) {
  if (!fw_is_v4(&a) && cfg->source_bits_v6 && cfg->source_bits_v6 < 128)
    return fw_mask(a, cfg->source_bits_v6);
  return a;
}

FW_INLINE fw_u8 fw_source_bits(const struct fw_config* cfg, const struct fw_addr* a) {
  return fw_is_v4(a) ? 128 : cfg->source_bits_v6;
}
/* The length of the prefixes that have limits; 0: they have none. */
FW_INLINE fw_u8 fw_limit_bits(const struct fw_config* cfg, const struct fw_addr* a) {
  return fw_is_v4(a) ? cfg->limit_bits_v4 : cfg->limit_bits_v6;
}

FW_INLINE fw_u32 fw_count_bits(fw_u32 x) { /* of 16 */
  x = (x & 0x5555) + (x >> 1 & 0x5555);
  x = (x & 0x3333) + (x >> 2 & 0x3333);
  x = (x & 0x0f0f) + (x >> 4 & 0x0f0f);
  return (x & 0x1f) + (x >> 8);
}

/* Under a rule with limits of its own a source has cells of its own. */
FW_INLINE fw_u64 fw_source_hash(const struct fw_config* cfg, const struct fw_addr* key,
                                fw_u32 rule) {
  return fw_hash(cfg, key, (cfg->rule[rule & (FW_MAX_RULES - 1)].own ? rule : 0) + 1);
}

/* The index + 1 of a source's cell, for packets of verified flows or for others; 0 if it has none,
 * and none is taken. */
FW_STAGE fw_u32 fw_source_look(struct fw_env* env, const struct fw_addr* key, fw_u32 rule,
                               fw_u32 verified) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  const struct fw_source_bucket* bucket;
  fw_u32 tag, index;
  fw_u64 h;

  if (!cfg || !key || rule >= FW_MAX_RULES) return 0;
  h = fw_source_hash(cfg, key, rule);
  tag = (((fw_u32)(h >> 32) | 2u) & ~1u) | (verified & 1);
  index = (fw_u32)h & cfg->source_mask;
  bucket = fw_env_sources(env, index);
  if (!bucket) return 0;
  for (fw_u32 i = 0; i < FW_SOURCE_SLOTS; i++)
    if (bucket->slot[i].tag == tag) return index * FW_SOURCE_SLOTS + i + 1;
  return 0;
}

FW_INLINE struct fw_source* fw_source_at(struct fw_env* env, fw_u32 cell) { /* index + 1 */
  struct fw_source_bucket* bucket = cell ? fw_env_sources(env, (cell - 1) / FW_SOURCE_SLOTS) : NULL;

  return bucket ? &bucket->slot[(cell - 1) % FW_SOURCE_SLOTS] : NULL;
}

/* Has this source a verified flow? */
FW_INLINE int fw_source_is_verified(struct fw_env* env, const struct fw_addr* key, fw_u32 rule,
                                    fw_u64 now_ns) {
  const struct fw_source* cell = fw_source_at(env, fw_source_look(env, key, rule, 1));

  return cell &&
         fw_idle(fw_window(now_ns), cell->seen_window, 0xffffffff) < FW_VERIFIED_IDLE_WINDOWS;
}

/* The cell of a source, for packets of verified flows or for others; a new one if it has none. `h`
 * is its fw_source_hash(). Returns its index + 1 in the low 32 bits, 0 when the bucket is full of
 * verified, busy sources; FW_SOURCE_HAS_VERIFIED when this packet is of no verified flow but its
 * source has some; and FW_SOURCE_IS_NEW when the cell was taken for it. */
#define FW_SOURCE_HAS_VERIFIED (1ULL << 32)
#define FW_SOURCE_IS_NEW (1ULL << 33)

/* Who is judged: a source, or a prefix. */
struct fw_sender {
  struct fw_addr key;
  fw_u64 found;    /* of fw_source_find(); 0: nobody's address, or no room for a cell */
  fw_u32 peer;     /* enum fw_peer: who sent this packet, as far as tables say */
  fw_u8 is_prefix; /* 1: FW_RULE_OF_PREFIXES holds, else the packet's rule */
  fw_u8 bits;      /* of key */
  fw_u8 served; /* FW_PORT_*: what is known of the port that an unverified source's packet is for */
  fw_u8 pad;
};

/* Known: seen in so many windows of peace (3.2 s and more). */
enum { FW_KNOWN_AGE = 4, FW_SCAN_MEMORY_WINDOWS = 64 };

/* The first packet of a source in a window. */
FW_INLINE void fw_source_roll(struct fw_env* env, struct fw_source* cell, fw_u32 window,
                              fw_u64 now_ns) {
  const struct fw_shared* shared = fw_env_shared(env);
  fw_u32 idle = fw_idle(window, cell->seen_window, 0xffffffff);

  if (idle > FW_SCAN_MEMORY_WINDOWS) cell->ports = 0;
  if (idle >= FW_TAT_MEMORY_WINDOWS && (cell->over & FW_SOURCE_NOTED)) cell->over = FW_SOURCE_NOTED;
  cell->seen_window = window;
  cell->charged = 0;
  if (cell->age_owes < 0xf0 && shared && shared->under_load_until_ns <= now_ns)
    cell->age_owes += 0x10;
}
FW_INLINE int fw_source_is_known(const struct fw_source* cell) {
  return cell->age_owes >> 4 >= FW_KNOWN_AGE;
}

/* The way that a new source takes; FW_SOURCE_SLOTS: none. */
FW_INLINE fw_u32 fw_source_weakest(const struct fw_source_bucket* bucket, fw_u32 window) {
  fw_u32 way = FW_SOURCE_SLOTS, weakest = 0xffffffff;

  for (fw_u32 i = 0; i < FW_SOURCE_SLOTS; i++) {
    fw_u32 other = bucket->slot[i].tag, strength;
    fw_u32 idle = fw_idle(window, bucket->slot[i].seen_window, 0xffffffff);

    if (!other)
      strength = 1;
    else if (!(other & 1) &&
             (!fw_source_is_known(&bucket->slot[i]) || idle >= FW_VERIFIED_IDLE_WINDOWS))
      strength = 0x3fffffff - (idle & 0x1fffffff);
    else if (!(other & 1))
      strength = 0x7fffffff - (idle & 0x1fffffff);
    else if (idle >= FW_VERIFIED_IDLE_WINDOWS)
      strength = 0x80000000;
    else
      continue;
    if (strength < weakest) {
      weakest = strength;
      way = i;
    }
  }
  return way;
}

FW_STAGE fw_u64 fw_source_find(struct fw_env* env, fw_u64 h, fw_u32 verified, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters = env ? fw_env_counters(env) : NULL;
  fw_u32 window = fw_window(now_ns), way = 0, bucket_index, tag;
  struct fw_source_bucket* bucket;
  struct fw_source* cell;
  fw_u64 found = 0, twin = 0;

  if (!cfg || !counters) return 0;
  tag = (((fw_u32)(h >> 32) | 2u) & ~1u) | (verified & 1);
  bucket_index = (fw_u32)h & cfg->source_mask;
  bucket = fw_env_sources(env, bucket_index);
  if (!bucket) return 0;
  for (fw_u32 i = FW_SOURCE_SLOTS; i-- > 0;) {
    fw_u32 other = bucket->slot[i].tag;
    fw_u64 same = fw_if_equal(other, tag);

    found |= same;
    way += (fw_u32)same & (i - way);
    if (other == (tag | 1) && other != tag &&
        fw_idle(window, bucket->slot[i].seen_window, 0xffffffff) < FW_VERIFIED_IDLE_WINDOWS)
      twin = FW_SOURCE_HAS_VERIFIED;
  }
  way &= FW_SOURCE_SLOTS - 1;
  cell = &bucket->slot[way];
  if (found) {
    if (cell->seen_window != window) fw_source_roll(env, cell, window, now_ns);
    return twin | (bucket_index * FW_SOURCE_SLOTS + way + 1);
  }

  way = fw_source_weakest(bucket, window);
  if (way >= FW_SOURCE_SLOTS) {
    counters->untracked++;
    return twin;
  }
  cell = &bucket->slot[way & (FW_SOURCE_SLOTS - 1)];
  cell->tag = tag;
  cell->seen_window = window;
  cell->over = FW_SOURCE_NOTED;
  cell->age_owes = cell->charged = 0;
  cell->ports = 0;
  counters->new_sources++;
  return FW_SOURCE_IS_NEW | twin | (bucket_index * FW_SOURCE_SLOTS + way + 1);
}

#endif
