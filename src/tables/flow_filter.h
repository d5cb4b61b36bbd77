/* SPDX-License-Identifier: MIT */
/* A Bloom filter (Bloom 1970) with one hash function in front of the flow table: 8
 * bits per bucket, small enough to stay in a near cache. It has the flows that this
 * host answered or began (fw_flow_is_filtered_for). A false positive costs a read of
 * the bucket; the only false negative is the race below. Packets of a flood belong
 * to no such flow: they neither read nor write a bucket. Measurements:
 * docs/decisions/flow-filter.md.
 *
 * Who writes what: after a flow got such a state, its bit is set. After a slot was
 * taken, the bucket's bits are recomputed by compare-and-swap and then set again. A
 * bit that is lost when two CPUs do this at once is set again by the next packet
 * that this host sends. */
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

/* Is the flow in the filter? Not if the peer only sent, and was never answered. */
FW_INLINE int fw_flow_is_filtered_for(const struct fw_flow* flow) {
  fw_u32 state = flow->seen_state & 7;

  return state > FW_FLOW_NEW || (state == FW_FLOW_NEW && (flow->udp.exchanges & FW_EXCHANGES_MOST));
}

/* 0: the bucket has no flow with this tag that is in the filter. */
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
