/* SPDX-License-Identifier: MIT */
/* Finds a source's slot: one bucket of four, one cache line. A new source takes an
 * empty slot, else that of the new source seen longest ago, else of a known one,
 * else of a verified one that was idle for FW_VERIFIED_IDLE_WINDOWS, else none. */
#ifndef FW_TABLES_SOURCE_TABLE_H
#define FW_TABLES_SOURCE_TABLE_H

#include "address.h"
#include "env.h"
#include "hash.h"
#include "meter.h"

enum {
  FW_KNOWN_AGE = 4, /* known: seen in so many windows without load (3.2 s and more); judgement */
  FW_VERIFIED_IDLE_WINDOWS = 560, /* 10 minutes; judgement */
  FW_SCAN_MEMORY_WINDOWS = 64,    /* closed ports are forgotten after so long without a packet;
                                     judgement */
};
/* Salts of fw_hash: rule + 1 for a source; this one for prefixes that have a quota of budgets. */
enum { FW_FAIR_PREFIX_SALT = 0x1001 };

/* ---- fw_source.age_unrefunded: two saturating counters of four bits */

/* Windows in which the source was seen first by a packet of a class none of whose budgets was
 * exceeded. */
FW_INLINE fw_u32 fw_source_age(const struct fw_source* source) {
  return source->age_unrefunded >> 4;
}
FW_INLINE int fw_source_is_known(const struct fw_source* source) {
  return fw_source_age(source) >= FW_KNOWN_AGE;
}
FW_INLINE void fw_source_grow_older(struct fw_source* source) {
  if (source->age_unrefunded < 0xf0) source->age_unrefunded += 0x10;
}
/* How many packets took budget tokens that were not refunded. */
enum { FW_UNREFUNDED_MOST = 0xf };
FW_INLINE fw_u32 fw_source_unrefunded(const struct fw_source* source) {
  return source->age_unrefunded & FW_UNREFUNDED_MOST;
}
FW_INLINE void fw_source_add_unrefunded(struct fw_source* source) {
  if (fw_source_unrefunded(source) < FW_UNREFUNDED_MOST) source->age_unrefunded++;
}
FW_INLINE void fw_source_remove_unrefunded(struct fw_source* source) {
  if (fw_source_unrefunded(source)) source->age_unrefunded--;
}

/* ---- look-up */

/* A source has separate slots under each rule with limits of its own. */
FW_INLINE fw_u64 fw_source_hash(const struct fw_config* cfg, const struct fw_addr* key,
                                fw_u32 rule) {
  return fw_hash(cfg, key, (cfg->rule[rule & (FW_MAX_RULES - 1)].own ? rule : 0) + 1);
}
FW_INLINE fw_u32 fw_source_tag(fw_u64 hash, fw_u32 verified) {
  return (((fw_u32)(hash >> 32) | 2u) & ~1u) | (verified & 1);
}
FW_INLINE int fw_source_was_seen_lately(const struct fw_source* source, fw_u32 window) {
  return fw_idle(window, source->seen_window, 0xffffffff) < FW_VERIFIED_IDLE_WINDOWS;
}

/* The slot number (index + 1) of a source, for packets of verified flows or for others. Takes no
 * slot: 0 if the source has none. */
FW_GLOBAL fw_u32 fw_source_look_up(struct fw_env* env, const struct fw_addr* key, fw_u32 rule,
                                   fw_u32 verified) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  const struct fw_source_bucket* bucket;
  fw_u32 tag, index;
  fw_u64 h;

  if (!cfg || !key || rule >= FW_MAX_RULES) return 0;
  h = fw_source_hash(cfg, key, rule);
  tag = fw_source_tag(h, verified);
  index = (fw_u32)h & cfg->source_mask;
  bucket = fw_env_sources(env, index);
  if (!bucket) return 0;
  for (fw_u32 i = 0; i < FW_SOURCE_SLOTS; i++)
    if (bucket->slot[i].tag == tag) return index * FW_SOURCE_SLOTS + i + 1;
  return 0;
}

FW_INLINE struct fw_source* fw_source_at(struct fw_env* env, fw_u32 slot_number) {
  struct fw_source_bucket* bucket =
      slot_number ? fw_env_sources(env, (slot_number - 1) / FW_SOURCE_SLOTS) : NULL;

  return bucket ? &bucket->slot[(slot_number - 1) % FW_SOURCE_SLOTS] : NULL;
}
FW_INLINE struct fw_meter* fw_meter_at(struct fw_env* env, fw_u32 slot_number) {
  return slot_number ? fw_env_meters(env, slot_number - 1) : NULL;
}

/* Has this source a verified flow? */
FW_INLINE int fw_source_is_verified(struct fw_env* env, const struct fw_addr* key, fw_u32 rule,
                                    fw_u64 now_ns) {
  const struct fw_source* source = fw_source_at(env, fw_source_look_up(env, key, rule, 1));

  return source && fw_source_was_seen_lately(source, fw_window(now_ns));
}

/* Called for the first packet of a source in a window, which is of that class. */
FW_INLINE void fw_source_roll(struct fw_env* env, struct fw_source* source, fw_u32 traffic_class,
                              fw_u64 now_ns) {
  const struct fw_shared* shared = fw_env_shared(env, 0);
  fw_u32 window = fw_window(now_ns);
  fw_u32 idle = fw_idle(window, source->seen_window, 0xffffffff);

  if (idle > FW_SCAN_MEMORY_WINDOWS) source->closed_ports = 0;
  if (idle >= FW_TAT_MEMORY_WINDOWS && fw_is_deferred(source)) source->excess = FW_DEFERRED;
  source->seen_window = window;
  source->taken = 0;
  if (shared && shared->under_load_until_ns[traffic_class & (FW_CLASS_SLOTS - 1)] <= now_ns)
    fw_source_grow_older(source);
}

/* The slot that a new source takes, which is the one with the lowest rank; FW_SOURCE_SLOTS: none.
 * The ranges of ranks are in the order that the head of this file gives. */
FW_INLINE fw_u32 fw_source_victim(const struct fw_source_bucket* bucket, fw_u32 window) {
  const fw_u32 longest_idle = 0x1fffffff;
  const fw_u32 rank_of_new = 0x3fffffff, rank_of_known = 0x7fffffff, rank_of_verified = 0x80000000;
  fw_u32 victim = FW_SOURCE_SLOTS, lowest = 0xffffffff;

  for (fw_u32 i = 0; i < FW_SOURCE_SLOTS; i++) {
    fw_u32 tag = bucket->slot[i].tag, rank;
    fw_u32 idle = fw_idle(window, bucket->slot[i].seen_window, 0xffffffff);

    if (!tag)
      rank = 1;
    else if (!(tag & 1) &&
             (!fw_source_is_known(&bucket->slot[i]) || idle >= FW_VERIFIED_IDLE_WINDOWS))
      rank = rank_of_new - (idle & longest_idle);
    else if (!(tag & 1))
      rank = rank_of_known - (idle & longest_idle);
    else if (idle >= FW_VERIFIED_IDLE_WINDOWS)
      rank = rank_of_verified;
    else
      continue;
    if (rank < lowest) {
      lowest = rank;
      victim = i;
    }
  }
  return victim;
}

/* Where a source is in the table. */
struct fw_source_place {
  fw_u32 slot_number; /* index + 1; 0: the bucket is full of verified, busy sources */
  fw_u8 is_new;       /* 1: the slot was taken just now */
  fw_u8 has_verified; /* 1: found for unverified packets, and the source has verified flows */
};
enum { FW_PLACE_HAS_VERIFIED_BIT = 32, FW_PLACE_IS_NEW_BIT = 33 };

/* fw_source_find() as a BPF function, which returns one number: `what` is class << 1 | verified. */
FW_GLOBAL fw_u64 fw_source_find_packed(struct fw_env* env, fw_u64 h, fw_u32 what, fw_u64 now_ns) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters;
  fw_u32 window = fw_window(now_ns), at = 0, bucket_index, tag;
  struct fw_source_bucket* bucket;
  struct fw_source* source;
  fw_u64 found = 0, has_verified = 0;

  if (!cfg) return 0;
  tag = fw_source_tag(h, what);
  bucket_index = (fw_u32)h & cfg->source_mask;
  bucket = fw_env_sources(env, bucket_index);
  if (!bucket) return 0;
  for (fw_u32 i = FW_SOURCE_SLOTS; i-- > 0;) {
    fw_u32 other = bucket->slot[i].tag;
    fw_u64 same = fw_if_equal(other, tag);

    found |= same;
    at += (fw_u32)same & (i - at);
    if (other == (tag | 1) && other != tag && fw_source_was_seen_lately(&bucket->slot[i], window))
      has_verified = 1ULL << FW_PLACE_HAS_VERIFIED_BIT;
  }
  at &= FW_SOURCE_SLOTS - 1;
  source = &bucket->slot[at];
  if (found) {
    if (source->seen_window != window) fw_source_roll(env, source, what >> 1, now_ns);
    return has_verified | (bucket_index * FW_SOURCE_SLOTS + at + 1);
  }

  counters = fw_env_counters(env, 0);
  if (!counters) return 0;
  at = fw_source_victim(bucket, window);
  if (at >= FW_SOURCE_SLOTS) {
    counters->untracked++;
    return has_verified;
  }
  source = &bucket->slot[at & (FW_SOURCE_SLOTS - 1)];
  source->tag = tag;
  source->seen_window = window;
  source->excess = FW_DEFERRED;
  source->age_unrefunded = source->taken = 0;
  source->closed_ports = 0;
  counters->new_sources++;
  return 1ULL << FW_PLACE_IS_NEW_BIT | has_verified | (bucket_index * FW_SOURCE_SLOTS + at + 1);
}

/* The place of a source, for packets of verified flows or for others. Takes a slot if the source
 * has none. `h` is its fw_source_hash(). */
FW_INLINE struct fw_source_place fw_source_find(struct fw_env* env, fw_u64 h, fw_u32 verified,
                                                fw_u32 traffic_class, fw_u64 now_ns) {
  fw_u64 packed = fw_source_find_packed(env, h, traffic_class << 1 | (verified & 1), now_ns);
  struct fw_source_place place = {(fw_u32)packed, (fw_u8)(packed >> FW_PLACE_IS_NEW_BIT & 1),
                                  (fw_u8)(packed >> FW_PLACE_HAS_VERIFIED_BIT & 1)};

  return place;
}

FW_INLINE fw_u32 fw_count_bits(fw_u32 x) { /* of 16 bits */
  x = (x & 0x5555) + (x >> 1 & 0x5555);
  x = (x & 0x3333) + (x >> 2 & 0x3333);
  x = (x & 0x0f0f) + (x >> 4 & 0x0f0f);
  return (x & 0x1f) + (x >> 8);
}
/* Records that a source tried a closed port. Returns how many of the 16 groups of ports it has
 * tried now; 0: the group was tried before. */
FW_INLINE fw_u32 fw_source_add_closed_port(struct fw_source* source, fw_u16 port) {
  fw_u16 ports = source->closed_ports | (fw_u16)(1u << (fw_mix(port) & 15));

  if (ports == source->closed_ports) return 0;
  source->closed_ports = ports;
  return fw_count_bits(ports);
}

#endif
