/* SPDX-License-Identifier: MIT */
/* The layout of the look-up image of the deny and allow lists. lists/image.cpp
 * builds it in user space, tables/list_lookup.h reads it for each packet. An image
 * is an array of 64-byte lines in the machine's byte order: the filter and the cells
 * of IPv4, at fixed places, then the header, then the lines that these refer to. A
 * reference of 0 means "none". An image of zeros has no entries. Measurements:
 * docs/decisions/list-layout.md.
 *
 * IPv4   filter 4,096 lines, a bit per /21; clear: nothing in the /21 is listed
 *        cells  65,536 lines of two cells, one cell per /17. A short list uses half
 *               the lines, one cell per /16, so that they are cached more often. A
 *               cell covers a block: all of it is listed, or its keys are, or it
 *               refers to a node or a bitmap. A million random addresses are 8 keys a
 *               cell, so the answer is in one line whose place follows from the address
 *        keys   lower halves of addresses. The first ones are pairs, the ends of
 *               ranges. All keys of a cell have one value
 *        node   8 lines: a cell for each sixteenth of the block
 *        bitmap a two-bit value for each address of a /24 or /25 that needs more keys
 *               than a cell has
 *
 * IPv6   filter a bit per hashed /32; clear: nothing in the /32 is listed
 *        tree   upper halves of addresses in ascending order, with what begins at
 *               each. A /64 that is listed in part refers to a line with one lower
 *               half, or to a tree of lower halves */
#ifndef FW_ABI_LIST_IMAGE_H
#define FW_ABI_LIST_IMAGE_H

#include "types.h"

enum {
  FW_LIST_MAGIC = 0x46574c35, /* "FWL5": format and version */
  FW_LIST_V4_FILTER = 0,      /* first line */
  FW_LIST_V4_CELLS = 4096,
  FW_LIST_V4_CELL_LINES = 65536,
  FW_LIST_V4_LINES = FW_LIST_V4_CELLS + FW_LIST_V4_CELL_LINES,
  FW_LIST_HEADER = FW_LIST_V4_LINES,
  FW_LIST_CELL_KEYS = 14,
  FW_LIST_CELL_BITS = 15,
  FW_LIST_DEPTH = 10, /* most lines from a root to a leaf; a million entries take 7 */
  FW_LIST_NODE_KEYS = 7,
  FW_LIST_LEAF_KEYS = 5,
};

/* The value of an address: two bits. */
enum { FW_LIST_DENY = 1, FW_LIST_ALLOW = 2 };

struct fw_list_line {
  fw_u8 byte[FW_LINE_BYTES];
};
/* A line is read through one of the following types. */
#define FW_LIST_VIEW __attribute__((may_alias, aligned(8)))

struct FW_LIST_VIEW fw_list_header {
  fw_u32 magic;
  fw_u32 lines;     /* number of lines of the image */
  fw_u32 seed;      /* keys the filter's hash; not secret */
  fw_u32 v6_tree;   /* the tree of upper halves; 0: no IPv6 entries */
  fw_u32 v6_filter; /* first line; 0: no filter, search the tree */
  fw_u32 v6_filter_lines;
  fw_u32 is_short; /* 1: a cell covers 2^(FW_LIST_CELL_BITS + 1) addresses */
  fw_u32 pad[9];
};

/* The word of a cell: value, kind, a small number and a line. The number of SOME is how many pairs
 * its keys begin with; that of NODE is the logarithm of the addresses per cell of the node. */
enum { FW_LIST_ALL = 0, FW_LIST_SOME = 1, FW_LIST_NODE = 2, FW_LIST_BITMAP = 3 };
#define FW_LIST_WORD(kind, value, number, line) \
  ((value) | (kind) << 2 | (number) << 4 | (line) << 8)
#define FW_LIST_WORD_VALUE(word) ((word) & 3)
#define FW_LIST_WORD_KIND(word) ((word) >> 2 & 3)
#define FW_LIST_WORD_NUMBER(word) ((word) >> 4 & 15)
#define FW_LIST_WORD_LINE(word) ((word) >> 8)

struct FW_LIST_VIEW fw_list_cells {
  struct {
    fw_u32 word;
    fw_u16 key[FW_LIST_CELL_KEYS]; /* unused keys repeat another key */
  } cell[2];
};

struct FW_LIST_VIEW fw_list_bits { /* a filter; or cells, four keys at a time */
  fw_u64 word[8];
};

struct FW_LIST_VIEW fw_list_codes { /* bitmap: code N of a /24 is in byte N / 4 */
  fw_u8 byte[64];
};

/* A tree begins with two roots, one for keys without the top bit and one for keys with it, so that
 * the sign of a difference compares two keys of one root. Keys ascend; the last one is repeated in
 * unused places. The next line is child + R, where R is the number of keys at or below the key that
 * is searched. In a leaf the last such key has the result; the first key of a tree is the lowest
 * possible one. */
struct FW_LIST_VIEW fw_list_node {
  fw_u64 key[FW_LIST_NODE_KEYS];
  fw_u32 pad;
  fw_u32 child; /* first of 8 lines */
};
struct FW_LIST_VIEW fw_list_leaf {
  fw_u64 key[FW_LIST_LEAF_KEYS];
  fw_u32 word[FW_LIST_LEAF_KEYS];
  fw_u32 child; /* 0 */
};

/* The word of a leaf's key has the form of a cell's word. ALL: `value` is that of the block of
 * 2^line keys that begins at the key, `number` is the value of the keys behind it, up to the next
 * one. SOME: one address of the /64 is listed; its lower half is in the line, at place `number`.
 * NODE: the line is a tree of lower halves, whose words are ALL. For SOME and NODE the keys up to
 * the next one have no value. */

/* Mixes a 32-bit number; the high bits choose a line, the low ones a bit of it. Multiplication by
 * 2^32 divided by the golden ratio (Knuth, TAOCP 3, 6.4), then by a constant of MurmurHash3's
 * finaliser (Appleby 2011). */
FW_INLINE fw_u32 fw_list_hash(fw_u32 key, fw_u32 seed) {
  fw_u32 hash = (key + seed) * 0x9e3779b1U;
  hash ^= hash >> 15;
  hash *= 0x85ebca77U;
  return hash ^ hash >> 13;
}

/* Where in `count` lines a hash belongs: 0 to count - 1. */
FW_INLINE fw_u32 fw_list_place(fw_u32 hash, fw_u32 count) {
  return (fw_u32)((fw_u64)hash * count >> 32);
}

FW_STATIC_ASSERT(sizeof(struct fw_list_header) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_cells) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_bits) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_codes) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_node) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_leaf) == 64, "one line");

#endif
