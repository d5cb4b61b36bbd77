/* SPDX-License-Identifier: MIT */
/* Is an address on the deny or the allow list? Membership only: it may be on
 * one, both or none, and no entry hides another. The layout is in list_image.h.
 *
 * Cost in cache lines besides the header: 1 for an IPv4 address none of whose
 * /24 is listed (2 with a short list, the first of 4,096 that stay cached), one
 * or two more for the others; IPv6 1 where nothing of its /32 is listed, else
 * the height of the tree. Every loop has a constant bound. */
#ifndef FW_POLICY_LISTS_H
#define FW_POLICY_LISTS_H

#include "env.h"
#include "list_image.h"
#include "policy.h"

FW_INLINE fw_u32 fw_list_code(const struct fw_list_codes* codes, fw_u32 index) {
  return codes->byte[index >> 2 & 63] >> ((index & 3) * 2) & 3;
}

/* The first of the buckets that may have a /24's slots. */
FW_INLINE fw_u32 fw_list_bucket_of(const struct fw_list_header* header, fw_u32 net) {
  return header->v4_buckets +
         fw_list_place(fw_list_hash(net, header->seed), header->v4_bucket_count);
}

/* The slot of a /24 that has just one, if it is in this bucket: the usual case. Without branches:
 * where it is is as random as the address, and a mispredicted branch is waited for after the
 * cache miss. 0 if it is not so simple. */
FW_INLINE fw_u64 fw_list_only_slot(const struct fw_list_bucket* bucket, fw_u32 net) {
  fw_u64 found = 0;

  for (fw_u32 i = 0; i < 8; i++) {
    fw_u64 slot = bucket->slot[i], same = (slot >> FW_LIST_SLOT_NET_SHIFT) ^ net;

    same--; /* the top bit is set only if they were equal */
    FW_OPAQUE(same);
    found |= slot & (fw_u64)((fw_s64)same >> 63);
  }
  return found & FW_LIST_SLOT_ALONE && !(found & FW_LIST_SLOT_BITMAP) ? found : 0;
}
FW_INLINE fw_u32 fw_list_slot_value(fw_u64 slot, fw_u32 octet) {
  fw_u32 first = (fw_u32)slot >> 8 & 255, last = (fw_u32)slot & 255;

  return octet - first <= last - first ? (fw_u32)(slot >> FW_LIST_SLOT_VALUE_SHIFT) & 3 : 0;
}

/* The value for one octet of a /24 that is listed in part. */
FW_INLINE fw_u32 fw_list_find_slot(struct fw_env* env, const struct fw_list_header* header,
                                   fw_u32 net, fw_u32 octet) {
  fw_u32 at = fw_list_bucket_of(header, net);
  fw_u32 value = 0, bitmap = 0;
  for (fw_u32 probe = 0; probe < FW_LIST_PROBES; probe++) {
    const struct fw_list_bucket* bucket =
        (const struct fw_list_bucket*)fw_env_list_line(env, at + probe);
    if (!bucket) return value;
    for (fw_u32 i = 0; i < 8; i++) {
      fw_u64 slot = bucket->slot[i];
      if (slot >> FW_LIST_SLOT_NET_SHIFT != net) continue;
      if (slot & FW_LIST_SLOT_BITMAP)
        bitmap = (fw_u32)slot;
      else if (octet >= (slot >> 8 & 255) && octet <= (slot & 255))
        value |= (fw_u32)(slot >> FW_LIST_SLOT_VALUE_SHIFT) & 3;
    }
    if (!(bucket->slot[0] & FW_LIST_SLOT_SPILLED)) break;
  }
  if (!bitmap) return value;
  const struct fw_list_codes* codes = (const struct fw_list_codes*)fw_env_list_line(env, bitmap);
  return codes ? fw_list_code(codes, octet) : value;
}

/* What is known of the /24 of an IPv4 address: a value, or FW_LIST_IN_PART. */
#define FW_LIST_IN_PART 4U
FW_INLINE fw_u32 fw_list_code_v4(struct fw_env* env, const struct fw_list_header* header,
                                 fw_u32 address) {
  fw_u32 chunk = header->v4_chunks + (address >> 16), code;
  if (header->v4_root) {
    const struct fw_list_root* root =
        (const struct fw_list_root*)fw_env_list_line(env, header->v4_root + (address >> 20));
    if (!root) return 0;
    chunk = root->word[address >> 16 & 15];
    if (chunk <= 3) return chunk;
  }
  const struct fw_list_codes* codes = (const struct fw_list_codes*)fw_env_list_line(env, chunk);
  if (!codes) return 0;
  code = fw_list_code(codes, address >> 8 & 255);
  return code == FW_LIST_MIXED ? FW_LIST_IN_PART : code;
}

/* What a leaf's key (hi, lo) says of an address at or above it. */
FW_INLINE fw_u32 fw_list_answer(const struct fw_addr* addr, fw_u64 hi, fw_u64 lo, fw_u32 info) {
  fw_u32 host_bits = FW_LIST_INFO_HOST_BITS(info);
  fw_u64 above = addr->hi ^ hi, below = addr->lo ^ lo;
  if (host_bits >= 64) below = 0;
  if (host_bits >= 128) above = 0;
  if (host_bits < 64)
    below >>= host_bits & 63;
  else
    above >>= host_bits & 63;
  return (above | below) == 0 ? FW_LIST_INFO_INSIDE(info) : FW_LIST_INFO_AFTER(info);
}

FW_INLINE fw_u32 fw_list_at_or_below(fw_u64 hi, fw_u64 lo, const struct fw_addr* addr) {
  return hi < addr->hi || (hi == addr->hi && lo <= addr->lo);
}

FW_INLINE fw_u32 fw_list_find_v6(struct fw_env* env, const struct fw_list_header* header,
                                 const struct fw_addr* addr) {
  if (!header->v6_tree) return 0;
  if (header->v6_filter) {
    fw_u32 hash = fw_list_hash((fw_u32)(addr->hi >> 32), header->seed);
    const struct fw_list_bucket* bits = (const struct fw_list_bucket*)fw_env_list_line(
        env, header->v6_filter + fw_list_place(hash, header->v6_filter_lines));
    if (!bits || !(bits->slot[hash >> 6 & 7] >> (hash & 63) & 1)) return 0;
  }
  fw_u32 at = header->v6_tree;
  for (fw_u32 depth = 0; depth < FW_LIST_DEPTH; depth++) {
    const struct fw_list_node* node = (const struct fw_list_node*)fw_env_list_line(env, at);
    if (!node) return 0;
    fw_u32 rank = 0;
    for (fw_u32 i = 0; i < FW_LIST_KEYS; i++)
      rank += fw_list_at_or_below(node->hi[i], node->lo[i], addr);
    if (node->child) {
      at = node->child + rank;
      continue;
    }
    if (rank == 0) return 0;
    /* Spelled out: an index that depends on branches is hard to verify. */
    if (rank == 1) return fw_list_answer(addr, node->hi[0], node->lo[0], node->info[0]);
    if (rank == 2) return fw_list_answer(addr, node->hi[1], node->lo[1], node->info[1]);
    return fw_list_answer(addr, node->hi[2], node->lo[2], node->info[2]);
  }
  return 0;
}

/* The image in force, or NULL if there is none. */
FW_INLINE const struct fw_list_header* fw_list_open(struct fw_env* env) {
  const struct fw_list_header* header = (const struct fw_list_header*)fw_env_list_line(env, 0);
  return header && header->magic == FW_LIST_MAGIC ? header : NULL;
}

/* The answer for an address whose /24 is listed in part, the long way. */
FW_STAGE fw_u32 fw_list_find_mixed(struct fw_env* env, fw_u32 address) {
  const struct fw_list_header* header = env ? fw_list_open(env) : NULL;
  return header ? fw_list_find_slot(env, header, address >> 8, address & 255) : 0;
}

FW_INLINE fw_u32 fw_list_find_v4(struct fw_env* env, fw_u32 address) {
  const struct fw_list_header* header = fw_list_open(env);
  const struct fw_list_bucket* bucket;
  fw_u32 code;
  fw_u64 slot;
  if (!header || !header->v4) return 0;
  code = fw_list_code_v4(env, header, address);
  if (code != FW_LIST_IN_PART) return code;
  bucket =
      (const struct fw_list_bucket*)fw_env_list_line(env, fw_list_bucket_of(header, address >> 8));
  slot = bucket ? fw_list_only_slot(bucket, address >> 8) : 0;
  return slot ? fw_list_slot_value(slot, address & 255) : fw_list_find_mixed(env, address);
}

/* FW_LIST_DENY and FW_LIST_ALLOW, or-ed; 0: on neither. */
FW_STAGE fw_u32 fw_list_find(struct fw_env* env, const struct fw_addr* addr) {
  const struct fw_list_header* header;
  if (!env || !addr) return 0;
  if (!addr->hi && addr->lo >> 32 == 0xffff) return fw_list_find_v4(env, (fw_u32)addr->lo);
  header = fw_list_open(env);
  return header ? fw_list_find_v6(env, header, addr) : 0;
}

#endif
