/* SPDX-License-Identifier: MIT */
/* Before the conversations: has a bucket one of this kind of hash that says
 * anything of its peer? Most packets of unverified sources are of none, those of a flood
 * above all: they look at no bucket, and write none.
 *
 * Who writes what: whoever makes a conversation say something sets its bit after
 * that. Whoever takes a cell makes the bucket's bits anew, by compare-and-swap,
 * and looks once more afterwards. A bit that two CPUs lost all the same is set
 * again with the next packet that this host sends. */
#ifndef FW_POLICY_FLOW_FILTER_H
#define FW_POLICY_FLOW_FILTER_H

#include "env.h"

FW_INLINE struct fw_flow_filter* fw_flow_filter_at(struct fw_env* env, fw_u32 bucket) {
  return fw_env_flow_filter(env, bucket / FW_FLOW_FILTER_BUCKETS);
}
FW_INLINE fw_u32 fw_flow_filter_shift(fw_u32 bucket) {
  return bucket % FW_FLOW_FILTER_BUCKETS * FW_FLOW_FILTER_BITS;
}
FW_INLINE fw_u64 fw_flow_kind(fw_u32 tag) { /* bit 0 of a tag is always set */
  return 1ULL << (tag >> 1) % FW_FLOW_FILTER_BITS;
}

/* Does a conversation say anything of its peer? One that the peer began, and nobody answered, does
 * not. */
FW_INLINE int fw_flow_speaks(const struct fw_flow* flow) {
  fw_u32 state = flow->seen_state & 7;

  return state > FW_FLOW_NEW || (state == FW_FLOW_NEW && flow->isn);
}

/* 0: no conversation of this tag in the bucket says anything. */
FW_INLINE int fw_flow_filter_has(struct fw_env* env, fw_u32 bucket, fw_u32 tag) {
  const struct fw_flow_filter* filter = fw_flow_filter_at(env, bucket);

  return !filter ||
         (FW_READ(filter->bits) & fw_flow_kind(tag) << fw_flow_filter_shift(bucket)) != 0;
}

FW_INLINE void fw_flow_filter_add(struct fw_env* env, fw_u32 bucket, fw_u32 tag) {
  struct fw_flow_filter* filter = fw_flow_filter_at(env, bucket);
  fw_u64 bit = fw_flow_kind(tag) << fw_flow_filter_shift(bucket);

  if (filter && !(FW_READ(filter->bits) & bit)) __sync_fetch_and_or(&filter->bits, bit);
}

FW_INLINE fw_u64 fw_flow_kinds(const struct fw_flow_bucket* bucket) {
  fw_u64 kinds = 0;

  for (fw_u32 i = 0; i < FW_FLOW_SLOTS; i++)
    if (fw_flow_speaks(&bucket->slot[i])) kinds |= fw_flow_kind(bucket->slot[i].tag);
  return kinds;
}

/* After a cell of the bucket was taken. If another CPU writes at the same time, a bit too many
 * stays. */
FW_INLINE void fw_flow_filter_renew(struct fw_env* env, fw_u32 index,
                                    const struct fw_flow_bucket* bucket) {
  struct fw_flow_filter* filter = fw_flow_filter_at(env, index);
  fw_u32 shift = fw_flow_filter_shift(index);
  fw_u64 all = (1ULL << FW_FLOW_FILTER_BITS) - 1, old, renewed;

  if (!filter) return;
  old = FW_READ(filter->bits);
  renewed = (old & ~(all << shift)) | fw_flow_kinds(bucket) << shift;
  if (renewed == old || __sync_val_compare_and_swap(&filter->bits, old, renewed) != old) return;
  __sync_fetch_and_or(&filter->bits, fw_flow_kinds(bucket) << shift);
}

#endif
