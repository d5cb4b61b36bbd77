/* SPDX-License-Identifier: MIT */
/* The keyed hash of all tables. The seed is secret and random, so that nobody can
 * choose addresses that fall into one bucket. SplitMix64 is not a cryptographic
 * hash: it resists chosen keys only because none of its outputs is visible outside. */
#ifndef FW_TABLES_HASH_H
#define FW_TABLES_HASH_H

#include "abi/configuration.h"

/* 2^64 divided by the golden ratio, odd: SplitMix64's increment. */
#define FW_GOLDEN_GAMMA 0x9e3779b97f4a7c15ULL
/* 2^32 divided by the golden ratio, odd: multiplicative hashing (Knuth, TAOCP 3, 6.4). */
#define FW_GOLDEN_32 0x9e3779b1U

/* A bijection with full avalanche: SplitMix64's finaliser (Steele, Lea, Flood 2014). */
FW_INLINE fw_u64 fw_mix(fw_u64 x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

FW_INLINE fw_u64 fw_hash(const struct fw_config* cfg, const struct fw_addr* a, fw_u64 salt) {
  fw_u64 h = fw_mix(a->lo ^ cfg->seed[0]);

  return fw_mix(h ^ a->hi ^ (cfg->seed[1] + salt * FW_GOLDEN_GAMMA));
}

/* All bits if a equals b, else none; without a branch. Which slot of a bucket matches is random, so
 * a branch would be mispredicted, and the processor would find out only after the cache miss. */
FW_INLINE fw_u64 fw_if_equal(fw_u32 a, fw_u32 b) {
  fw_u64 x = (fw_u64)(a ^ b) - 1; /* the top bit is set only if they were equal */

  FW_OPAQUE(x);
  return (fw_u64)((fw_s64)x >> 63);
}

#endif
