/* SPDX-License-Identifier: MIT */
/* Is an address on the deny or the allow list? It may be on one, both or none. The
 * layout is in abi/list_image.h.
 *
 * Cost in cache lines. IPv4: one of the filter's 4,096, which stay cached, and one
 * more where something in the /21 is listed (up to four in a crowded block). IPv6:
 * the header and one of the filter; where something in the /32 is listed also the
 * height of the tree (7 for a million entries), and one line or a second tree where
 * the /64 is listed in part. Every loop has a constant bound. */
#ifndef FW_TABLES_LIST_LOOKUP_H
#define FW_TABLES_LIST_LOOKUP_H

#include "env.h"

/* Is an address one of a cell's keys, or in one of its ranges? Compares four keys at a time without
 * a branch: the place of a match is random, and a branch on it would be mispredicted. The ends of
 * ranges are compared as keys, too, and are listed. */
FW_INLINE int fw_list_is_some(const struct fw_list_line* line, fw_u32 half, fw_u32 address,
                              fw_u32 pairs) {
  const fw_u64 ones = 0x0001000100010001ULL;
  const struct fw_list_bits* bits = (const struct fw_list_bits*)line;
  const struct fw_list_cells* cells = (const struct fw_list_cells*)line;
  fw_u32 low = address & 0xffff;
  fw_u64 x = (bits->word[4 * half] ^ low * ones) |
             0xffffffff;          /* without the cell's word, which is no key */
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

/* The value of an address in a block with a node or a bitmap. `word` is that of the block's cell.
 */
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

/* 0: nothing in the address's /21 is listed. */
FW_INLINE int fw_list_is_near_v4(struct fw_env* env, fw_u32 address) {
  const struct fw_list_bits* filter =
      (const struct fw_list_bits*)fw_env_list_v4(env, FW_LIST_V4_FILTER + (address >> 20));

  return filter && (filter->word[address >> 17 & 7] >> (address >> 11 & 63) & 1);
}

/* The header is not needed: without IPv4 entries the filter is clear. The filter only saves reading
 * the cell, so it is skipped if the caller `expects` to find the address. */
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

/* How many of the ascending keys are at or below x. */
FW_INLINE fw_u32 fw_list_rank(const fw_u64* key, fw_u32 count, fw_u64 x) {
  fw_u64 above = 0;

  for (fw_u32 i = 0; i < count; i++) above += (x - key[i]) >> 63;
  return count - (fw_u32)above;
}

/* Searches a tree for a key. Returns the leaf's word if that refers to another line, else a value.
 */
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
