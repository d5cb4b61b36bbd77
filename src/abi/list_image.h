/* SPDX-License-Identifier: MIT */
/* The look-up image of the deny and allow lists: its layout. lists/image.cpp
 * builds it in user space, tables/list_lookup.h reads it packet by packet. An image is an
 * array of 64-byte lines in the machine's byte order: the filter and the cells of
 * IPv4, whose places are fixed, the header, and what these lead to. Line number 0
 * means "none" there. All zero is an image without entries.
 *
 * IPv4   filter 4,096 lines: a bit per /21: clear, and nothing of it is listed
 *        cells  65,536 lines: two cells a line, one for each /17; of a short list
 *               the first half of these lines, one for each /16, so that a packet
 *               more often finds its line in a cache. A cell says what is listed of
 *               its block: all of it, or its keys, or where more is said. A million
 *               addresses at random are 8 keys a cell: all in one line, and its
 *               place is known without looking at another
 *        keys   the lower halves of addresses; the first are pairs, the ends of
 *               ranges. All have one value
 *        node   8 lines: a cell for each sixteenth of the block
 *        bitmap a two-bit value for each address of a /24 or /25 that is more than its keys
 *
 * IPv6   filter a bit per hashed /32: clear, and nothing of it is listed
 *        tree   of upper halves of addresses: what begins at each, in order. Of a /64
 *               that is listed in part it says which line has the one lower half, or
 *               which tree has the lower halves */
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
  FW_LIST_DEPTH = 10, /* most lines from a tree's root to a leaf */
  FW_LIST_NODE_KEYS = 7,
  FW_LIST_LEAF_KEYS = 5,
};

/* What an image says of an address: a value of two bits. */
enum { FW_LIST_DENY = 1, FW_LIST_ALLOW = 2 };

struct fw_list_line {
  fw_u8 byte[FW_LINE_BYTES];
};
/* The memory of another type of the same line is read through these. */
#define FW_LIST_VIEW __attribute__((may_alias, aligned(8)))

struct FW_LIST_VIEW fw_list_header {
  fw_u32 magic;
  fw_u32 lines;     /* of the whole image */
  fw_u32 seed;      /* of the filter's hash; not secret */
  fw_u32 v6_tree;   /* of the upper halves; 0: no IPv6 entries */
  fw_u32 v6_filter; /* first line; 0: no filter, look into the tree */
  fw_u32 v6_filter_lines;
  fw_u32 is_short; /* 1: a cell is for twice 2^FW_LIST_CELL_BITS addresses */
  fw_u32 pad[9];
};

/* The word of a cell: a value, how to read it, a small number, and a line. The number is of SOME
 * how many pairs its keys begin with, of NODE the logarithm of the addresses in each of its cells.
 */
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
    fw_u16 key[FW_LIST_CELL_KEYS]; /* unused ones repeat another */
  } cell[2];
};

struct FW_LIST_VIEW fw_list_bits { /* of a filter; of cells, four keys at a time */
  fw_u64 word[8];
};

struct FW_LIST_VIEW fw_list_codes { /* bitmap: code N of a /24 is in byte N / 4 */
  fw_u8 byte[64];
};

/* A tree is two lines: the root for keys without the top bit, the root for those with it, so that
 * the sign of a difference compares two keys of one tree. Keys are in ascending order, the last one
 * repeated in unused places. Where to go on: child + R, R the number of keys at or below the one
 * looked for. In a leaf the last such key answers; the first key of all is the lowest there can be.
 */
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

/* The word of a leaf's key has the form of a cell's. ALL: the value of the block of 2^line keys
 * that begins there, and, as number, that of what follows up to the next key. SOME: of the /64 one
 * address is listed, whose lower half is in the line at place `number`. NODE: the line is a tree of
 * lower halves, which are ALL. The other keys up to the next have no value. */

/* A mixed 32-bit number: the high bits choose a line, the low ones a bit of it. */
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
