/* SPDX-License-Identifier: MIT */
/* Is an address on the deny or the allow list? Membership only: it may be on
 * one, both or none, and no entry hides another. The layout is in abi/list_image.h.
 *
 * Cost in cache lines: IPv4 one of the filter's 4,096, which stay cached, and one more where
 * something of its /21 is listed (up to four in a crowded block); IPv6 besides the header one where
 * nothing of its /32 is listed, else the height of the tree (7 of a million entries), and one or a
 * second tree where its /64 is listed in part. Every loop has a constant bound. */
#ifndef FW_TABLES_LIST_LOOKUP_H
#define FW_TABLES_LIST_LOOKUP_H

#include "env.h"

/* Is an address one of a cell's keys, or in one of its ranges? The keys without branches, four at a
 * time: where a match is is as random as the address, and a mispredicted branch is waited for after
 * the cache miss. The ends of ranges are keys too, and listed. */
FW_INLINE int fw_list_is_some(const struct fw_list_line* line, fw_u32 half, fw_u32 address,
                              fw_u32 pairs) {
  const fw_u64 ones = 0x0001000100010001ULL;
  const struct fw_list_bits* bits = (const struct fw_list_bits*)line;
  const struct fw_list_cells* cells = (const struct fw_list_cells*)line;
  fw_u32 low = address & 0xffff;
  fw_u64 x = (bits->word[4 * half] ^ low * ones) | 0xffffffff; /* but for the cell's word */
  fw_u64 found = (x - ones) & ~x; /* a top bit only where a quarter of x is 0 */

  for (fw_u32 i = 1; i < 4; i++) {
    x = bits->word[4 * half + i] ^ low * ones;
    found |= (x - ones) & ~x;
  }
  if (found & ones << 15) return 1;
  for (fw_u32 i = 0; i < FW_LIST_CELL_KEYS / 2 && i < pairs; i++) {
    fw_u32 first = cells->cell[half].key[2 * i], last = cells->cell[half].key[2 * i + 1];
    if (low - first <= last - first) return 1;
  }
  return 0;
}

/* The value for an address of a block that has a node or a bitmap: `word` is its cell's. */
FW_GLOBAL fw_u32 fw_list_find_deep(struct fw_env* env, fw_u32 word, fw_u32 address) {
  const struct fw_list_line* line = NULL;
  fw_u32 half = 0;

  if (!env) return 0;
  for (fw_u32 i = 0; i < 2 && FW_LIST_WORD_KIND(word) == FW_LIST_NODE; i++) {
    fw_u32 number = address >> FW_LIST_WORD_NUMBER(word) & 15;

    half = number & 1;
    line = fw_env_list_line(env, FW_LIST_WORD_LINE(word) + number / 2);
    if (!line) return 0;
    word = ((const struct fw_list_cells*)line)->cell[half].word;
  }
  if (FW_LIST_WORD_KIND(word) == FW_LIST_ALL) return FW_LIST_WORD_VALUE(word);
  if (FW_LIST_WORD_KIND(word) == FW_LIST_SOME)
    return line && fw_list_is_some(line, half, address, FW_LIST_WORD_NUMBER(word))
               ? FW_LIST_WORD_VALUE(word)
               : 0;
  line = fw_env_list_line(env, FW_LIST_WORD_LINE(word));
  if (!line) return 0;
  return ((const struct fw_list_codes*)line)->byte[address >> 2 & 63] >> ((address & 3) * 2) & 3;
}

/* 0: nothing is listed of the address's /21. */
FW_INLINE int fw_list_is_near_v4(struct fw_env* env, fw_u32 address) {
  const struct fw_list_bits* filter =
      (const struct fw_list_bits*)fw_env_list_v4(env, FW_LIST_V4_FILTER + (address >> 20));

  return filter && (filter->word[address >> 17 & 7] >> (address >> 11 & 63) & 1);
}

/* Without the header: where an image has no IPv4 entries everything is clear. The filter only saves
 * a look at the cell: who `expects` to find the address does without. */
FW_INLINE fw_u32 fw_list_find_v4(struct fw_env* env, fw_u32 address, int expects) {
  const struct fw_list_line* line;
  fw_u32 number, half, word;

  if (!expects && !fw_list_is_near_v4(env, address)) return 0;
  number = address >> (FW_LIST_CELL_BITS + fw_env_list_is_short(env));
  half = number & 1;
  line = fw_env_list_v4(env, FW_LIST_V4_CELLS + number / 2);
  if (!line) return 0;
  word = ((const struct fw_list_cells*)line)->cell[half].word;
  if (FW_LIST_WORD_KIND(word) == FW_LIST_ALL) return FW_LIST_WORD_VALUE(word);
  if (FW_LIST_WORD_KIND(word) != FW_LIST_SOME) return fw_list_find_deep(env, word, address);
  return fw_list_is_some(line, half, address, FW_LIST_WORD_NUMBER(word)) ? FW_LIST_WORD_VALUE(word)
                                                                         : 0;
}

/* How many of ascending keys are at or below x. */
FW_INLINE fw_u32 fw_list_rank(const fw_u64* key, fw_u32 count, fw_u64 x) {
  fw_u64 above = 0;

  for (fw_u32 i = 0; i < count; i++) above += (x - key[i]) >> 63;
  return count - (fw_u32)above;
}

/* What a tree's leaf says of a key: its word if that leads on, else a value. */
FW_GLOBAL fw_u32 fw_list_descend(struct fw_env* env, fw_u32 tree, fw_u64 x) {
  fw_u32 at = tree + (fw_u32)(x >> 63);

  if (!env) return 0;
  for (fw_u32 depth = 0; depth < FW_LIST_DEPTH; depth++) {
    const struct fw_list_line* line = fw_env_list_line(env, at);
    const struct fw_list_node* node = (const struct fw_list_node*)line;
    const struct fw_list_leaf* leaf = (const struct fw_list_leaf*)line;
    fw_u32 last, word;
    fw_u64 beyond;

    if (!line) return 0;
    if (node->child) {
      at = node->child + fw_list_rank(node->key, FW_LIST_NODE_KEYS, x);
      continue;
    }
    last = fw_list_rank(leaf->key, FW_LIST_LEAF_KEYS, x) - 1;
    FW_OPAQUE(last);
    if (last >= FW_LIST_LEAF_KEYS) return 0;
    word = leaf->word[last];
    beyond = x - leaf->key[last];
    if (FW_LIST_WORD_KIND(word) != FW_LIST_ALL) return beyond ? 0 : word;
    return beyond >> (FW_LIST_WORD_LINE(word) & 63) ? FW_LIST_WORD_NUMBER(word)
                                                    : FW_LIST_WORD_VALUE(word);
  }
  return 0;
}

FW_INLINE fw_u32 fw_list_find_v6(struct fw_env* env, const struct fw_addr* addr) {
  const struct fw_list_header* header =
      (const struct fw_list_header*)fw_env_list_line(env, FW_LIST_HEADER);
  const struct fw_list_bits* bits;
  fw_u32 word;

  if (!header || header->magic != FW_LIST_MAGIC || !header->v6_tree) return 0;
  if (header->v6_filter) {
    fw_u32 hash = fw_list_hash((fw_u32)(addr->hi >> 32), header->seed);
    bits = (const struct fw_list_bits*)fw_env_list_line(
        env, header->v6_filter + fw_list_place(hash, header->v6_filter_lines));
    if (!bits || !(bits->word[hash >> 6 & 7] >> (hash & 63) & 1)) return 0;
  }
  word = fw_list_descend(env, header->v6_tree, addr->hi);
  if (FW_LIST_WORD_KIND(word) == FW_LIST_NODE)
    return fw_list_descend(env, FW_LIST_WORD_LINE(word), addr->lo) & 3;
  if (FW_LIST_WORD_KIND(word) != FW_LIST_SOME) return word;
  bits = (const struct fw_list_bits*)fw_env_list_line(env, FW_LIST_WORD_LINE(word));
  return bits && bits->word[FW_LIST_WORD_NUMBER(word) & 7] == addr->lo ? FW_LIST_WORD_VALUE(word)
                                                                       : 0;
}

/* FW_LIST_DENY and FW_LIST_ALLOW, or-ed; 0: on neither. */
FW_INLINE fw_u32 fw_list_find(struct fw_env* env, const struct fw_addr* addr) {
  if (!addr->hi && addr->lo >> 32 == 0xffff) return fw_list_find_v4(env, (fw_u32)addr->lo, 0);
  return fw_list_find_v6(env, addr);
}

#endif
