/* SPDX-License-Identifier: MIT */
/* The look-up image of the deny and allow lists: its layout. lists/image.cpp
 * builds it in user space, lists.h reads it packet by packet. An image is an
 * array of 64-byte lines in the machine's byte order; line 0 is the header, a
 * line number 0 elsewhere means "none". All zero is an image without entries.
 *
 * IPv4   root   a word per /16: a value, or (4 and above) the line of its chunk.
 *               Left out when most /16s have a chunk: then chunk N is line
 *               v4_chunks + N, one line to look at for an unlisted address
 *        chunk  256 two-bit codes, one per /24: a value of FW_LIST_DENY,
 *               FW_LIST_ALLOW or 0, or FW_LIST_MIXED: look for its slots
 *        slots  buckets of 8 keyed by the /24. One that does not fit its bucket
 *               is in one of the next; every bucket passed by says so (SPILLED)
 *        bitmap 256 two-bit values, for a /24 in many pieces
 *
 * IPv6   filter a bit per hashed /32: clear, and nothing of it is listed
 *        tree   the boundaries between listed and unlisted, in order */
#ifndef FW_POLICY_LIST_IMAGE_H
#define FW_POLICY_LIST_IMAGE_H

#include "types.h"

enum {
  FW_LIST_MAGIC = 0x46574c31, /* "FWL1": format and version */
  FW_LIST_MIXED = 3,          /* as a code in a chunk */
  FW_LIST_PROBES = 16,        /* buckets that can hold a key's slots */
  FW_LIST_DEPTH = 16,         /* most lines from the tree's root to a leaf */
  FW_LIST_KEYS = 3,           /* of a tree node */
};

/* The memory of another type of the same line is read through these. */
#define FW_LIST_VIEW __attribute__((may_alias, aligned(8)))

struct FW_LIST_VIEW fw_list_header {
  fw_u32 magic;
  fw_u32 lines; /* of the whole image */
  fw_u32 seed;  /* of both hashes; not secret */
  fw_u32 v4;    /* 1: there are IPv4 entries */
  fw_u32 v4_root;
  fw_u32 v4_chunks;
  fw_u32 v4_buckets;      /* first line */
  fw_u32 v4_bucket_count; /* a key's first bucket is one of these */
  fw_u32 v6_tree;         /* root node; 0: no IPv6 entries */
  fw_u32 v6_filter;       /* first line; 0: no filter, look into the tree */
  fw_u32 v6_filter_lines;
  fw_u32 pad[5];
};

/* A slot: the /24 (24 bits), flags, a value (2 bits), and what is below. An
 * empty slot is 0. */
#define FW_LIST_SLOT_NET_SHIFT 40
#define FW_LIST_SLOT_SPILLED (1ULL << 39) /* in slot 0: of the bucket */
#define FW_LIST_SLOT_BITMAP (1ULL << 38)  /* bits 0-31 are the line of a bitmap */
#define FW_LIST_SLOT_ALONE (1ULL << 37)   /* the /24 has no other slot (of old images: not set) */
#define FW_LIST_SLOT_VALUE_SHIFT 32       /* else: for octets (8-15) to (0-7) */

struct FW_LIST_VIEW fw_list_bucket {
  fw_u64 slot[8];
};

struct FW_LIST_VIEW fw_list_root {
  fw_u32 word[16];
};

struct FW_LIST_VIEW fw_list_codes { /* chunk, bitmap: code N is in byte N / 4 */
  fw_u8 byte[64];
};

/* A node: keys in ascending order, the last one repeated in unused places.
 * Inner: child + R is where to go on, R the number of keys at or below the
 * address. Leaf: the last such key's info is the answer (none: not listed). */
struct FW_LIST_VIEW fw_list_node {
  fw_u64 hi[FW_LIST_KEYS], lo[FW_LIST_KEYS];
  fw_u32 info[FW_LIST_KEYS]; /* leaf: FW_LIST_INFO_* */
  fw_u32 child;              /* first of up to 4 lines; 0: a leaf */
};

/* Value of the block of 2^host_bits addresses that starts at the key, value of
 * what follows it up to the next key, and host_bits (0..128). */
#define FW_LIST_INFO_INSIDE(info) ((info) & 3)
#define FW_LIST_INFO_AFTER(info) ((info) >> 2 & 3)
#define FW_LIST_INFO_HOST_BITS(info) ((info) >> 8 & 255)
#define FW_LIST_INFO(inside, after, host_bits) ((inside) | (after) << 2 | (host_bits) << 8)

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
FW_STATIC_ASSERT(sizeof(struct fw_list_bucket) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_root) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_codes) == 64, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_list_node) == 64, "one line");

#endif
