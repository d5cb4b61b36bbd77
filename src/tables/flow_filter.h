/* SPDX-License-Identifier: MIT */
/* A Bloom filter (Bloom 1970) with one hash function before the flow table: 8 bits
 * per bucket, small enough to stay in a near cache. It has the flows whose state
 * says something of the peer. No false negatives but one, see below; a false
 * positive costs a look at the bucket. Packets of a flood belong to no such flow:
 * they look at no bucket, and write none.
 *
 * Who writes what: whoever gives a flow such a state sets its bit afterwards.
 * Whoever takes a slot recomputes the bucket's bits by compare-and-swap, and sets
 * them once more. A bit that two CPUs lose between them is set again by the next
 * packet that this host sends. */
#ifndef FW_TABLES_FLOW_FILTER_H
#define FW_TABLES_FLOW_FILTER_H

#include "env.h"

FW_INLINE struct fw_flow_filter* fw_flow_filter_at(struct fw_env* env, fw_u32 bucket) {
  return fw_env_flow_filter(env, bucket / FW_FLOW_FILTER_BUCKETS);
}
FW_INLINE fw_u32 fw_flow_filter_shift(fw_u32 bucket) {
  return bucket % FW_FLOW_FILTER_BUCKETS * FW_FLOW_FILTER_BITS;
}
FW_INLINE fw_u64 fw_flow_filter_bit(fw_u32 tag) { /* bit 0 of a tag is always set */
  return 1ULL << (tag >> 1) % FW_FLOW_FILTER_BITS;
}

/* Does the state say something of the peer? That the peer spoke and nobody answered does not. */
FW_INLINE int fw_flow_is_filtered_for(const struct fw_flow* flow) {
  fw_u32 state = flow->seen_state & 7;

  return state > FW_FLOW_NEW || (state == FW_FLOW_NEW && flow->udp.exchanges);
}

/* 0: the bucket has no such flow with this tag. */
FW_INLINE int fw_flow_filter_has(struct fw_env* env, fw_u32 bucket, fw_u32 tag) {
  const struct fw_flow_filter* filter = fw_flow_filter_at(env, bucket);

  return !filter ||
         (FW_READ(filter->bits) & fw_flow_filter_bit(tag) << fw_flow_filter_shift(bucket)) != 0;
}

FW_INLINE void fw_flow_filter_add(struct fw_env* env, fw_u32 bucket, fw_u32 tag) {
  struct fw_flow_filter* filter = fw_flow_filter_at(env, bucket);
  fw_u64 bit = fw_flow_filter_bit(tag) << fw_flow_filter_shift(bucket);

  if (filter && !(FW_READ(filter->bits) & bit)) __sync_fetch_and_or(&filter->bits, bit);
}

FW_INLINE fw_u64 fw_flow_filter_bits(const struct fw_flow_bucket* bucket) {
  fw_u64 bits = 0;

  for (fw_u32 i = 0; i < FW_FLOW_SLOTS; i++)
    if (fw_flow_is_filtered_for(&bucket->slot[i])) bits |= fw_flow_filter_bit(bucket->slot[i].tag);
  return bits;
}

/* After a slot of the bucket was taken. */
FW_INLINE void fw_flow_filter_recompute(struct fw_env* env, fw_u32 index,
                                        const struct fw_flow_bucket* bucket) {
  struct fw_flow_filter* filter = fw_flow_filter_at(env, index);
  fw_u32 shift = fw_flow_filter_shift(index);
  fw_u64 all = (1ULL << FW_FLOW_FILTER_BITS) - 1, old, bits;

  if (!filter) return;
  old = FW_READ(filter->bits);
  bits = (old & ~(all << shift)) | fw_flow_filter_bits(bucket) << shift;
  if (bits == old || __sync_val_compare_and_swap(&filter->bits, old, bits) != old) return;
  __sync_fetch_and_or(&filter->bits, fw_flow_filter_bits(bucket) << shift);
}

#endif
