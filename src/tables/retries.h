/* SPDX-License-Identifier: MIT */
/* Remembers which sources were refused lately. People's programs ask again after a
 * moment; the forged sources of a flood do not, and a source that repeats at a high
 * rate is no waiting client. A bucket of two slots per hash; the source that was
 * refused longest ago gives its slot up. */
#ifndef FW_TABLES_RETRIES_H
#define FW_TABLES_RETRIES_H

#include "env.h"
#include "hash.h"
#include "rate.h"

/* Judgement: resolvers, games and VPN clients ask again after 0.25 to 8 s, at most five times. */
enum {
  FW_RETRY_AFTER_MS = 190,   /* 0.2 s: sooner is a repetition, not a retry */
  FW_RETRY_WITHIN_MS = 7630, /* 8 s */
  FW_RETRY_MOST = 6,
};
/* A slot, from bit 31 down: tag, 16 bits; retries, 3 bits; time in units of 2^20 ns, 13 bits. */
enum {
  FW_RETRY_TAG_SHIFT = 16,
  FW_RETRY_COUNT_SHIFT = 13,
  FW_RETRY_COUNT = 7,
  FW_RETRY_MS = 0x1fff
};
enum { FW_RETRY_SALT = 0x1002 };

FW_INLINE fw_u32 fw_retry_slot(fw_u32 tag, fw_u32 count, fw_u32 now_ms) {
  return tag << FW_RETRY_TAG_SHIFT | count << FW_RETRY_COUNT_SHIFT | (now_ms & FW_RETRY_MS);
}
FW_INLINE fw_u32 fw_retry_age(fw_u32 slot, fw_u32 now_ms) {
  return (now_ms - slot) & FW_RETRY_MS;
}

/* Records that the source asks, and is refused unless it asks again. 1: it asks again as a waiting
 * client does. */
FW_INLINE int fw_retry_record(struct fw_env* env, const struct fw_config* cfg,
                              const struct fw_addr* source, fw_u16 port, fw_u64 now_ns) {
  fw_u64 h = fw_hash(cfg, source, FW_RETRY_SALT + ((fw_u64)port << 16));
  struct fw_retry_bucket* bucket = fw_env_retries(env, (fw_u32)h & (FW_RETRY_BUCKETS - 1));
  fw_u32 tag = (fw_u32)(h >> 48) | 1, now_ms = fw_ms(now_ns), at, age, count;

  if (!bucket) return 0;
  at = bucket->slot[1] >> FW_RETRY_TAG_SHIFT == tag;
  if (!at && bucket->slot[0] >> FW_RETRY_TAG_SHIFT != tag) {
    at = fw_retry_age(bucket->slot[1], now_ms) > fw_retry_age(bucket->slot[0], now_ms) ||
         !bucket->slot[1];
    bucket->slot[at & 1] = fw_retry_slot(tag, 0, now_ms);
    return 0;
  }
  age = fw_retry_age(bucket->slot[at & 1], now_ms);
  count = bucket->slot[at & 1] >> FW_RETRY_COUNT_SHIFT & FW_RETRY_COUNT;
  if (age > FW_RETRY_WITHIN_MS) {
    bucket->slot[at & 1] = fw_retry_slot(tag, 0, now_ms);
    return 0;
  }
  if (count < FW_RETRY_COUNT) count++;
  bucket->slot[at & 1] = fw_retry_slot(tag, count, now_ms);
  return age >= FW_RETRY_AFTER_MS && count <= FW_RETRY_MOST;
}

#endif
