/* SPDX-License-Identifier: MIT */
/* Reads a frame from its front. All reads have the form that the verifier accepts:
 * take a bounded number of bytes, compare with the end, then read.
 *
 * A near cursor reads memory. A far one asks the datapath for each piece, so that
 * headers may lie anywhere in a frame of several buffers; it costs a call for each. */
#ifndef FW_POLICY_CURSOR_H
#define FW_POLICY_CURSOR_H

#include "abi/packet.h"

enum { FW_TAKE_MOST_BYTES = 40 }; /* at once: an IPv6 header */

struct fw_cursor {
  const fw_u8 *pos, *end; /* near */
  fw_u32 left_bytes;      /* on the wire, from pos; may exceed end - pos */
  fw_u8 is_cut;           /* 1: within its headers, the captured bytes ended before the wire did */
  fw_u8 is_quick;         /* 1: only plain frames; FW_PARSED_ODD where more than that begins */
  void* far;              /* the frame as fw_frame_load() knows it; NULL: a near cursor */
  fw_u32 offset;          /* far: of the next byte */
  fw_u8* taken;           /* far: FW_TAKE_MOST_BYTES, aligned to 8, for the bytes taken last */
};

/* Makes the verifier forget what it knows of x: else it would follow every way to a header by
 * itself. x stays as it is; `unknown` is another variable that the verifier does not know. */
#if defined(__bpf__)
#define FW_FORGET(x, unknown) __asm__ volatile("%0 ^= %1; %0 ^= %1" : "+r"(x) : "r"(unknown))
#else
#define FW_FORGET(x, unknown) (void)(unknown)
#endif

/* Of the datapath: copies bytes of a frame. Returns 0, or less if they are not there. */
FW_INLINE long fw_frame_load(void* frame, fw_u32 offset, fw_u8* to, fw_u32 size);

/* The next `size` bytes (a constant), which stay to be taken; NULL if they are not there. Bytes
 * behind the end of the packet are padding and never returned. */
FW_INLINE const fw_u8* fw_peek(struct fw_cursor* c, fw_u32 size) {
  if (c->far) {
    FW_FORGET(c->offset, c->left_bytes);
    if (c->left_bytes < size || fw_frame_load(c->far, c->offset, c->taken, size))
      return (const fw_u8*)0;
    return c->taken;
  }
  if (c->left_bytes < size || c->pos + size > c->end) {
    c->is_cut = c->left_bytes >= size;
    return (const fw_u8*)0;
  }
  return c->pos;
}

/* Takes the next `size` bytes; else like fw_peek(). */
FW_INLINE const fw_u8* fw_take(struct fw_cursor* c, fw_u32 size) {
  const fw_u8* p = fw_peek(c, size);

  if (!p) return p;
  if (c->far)
    c->offset += size;
  else
    c->pos = p + size;
  c->left_bytes -= size;
  return p;
}

/* Skips at most 2047 bytes. Returns 0 if they are not there. */
FW_INLINE int fw_skip(struct fw_cursor* c, fw_u32 size) {
  size &= 0x7ff;
  if (c->left_bytes < size || (!c->far && c->pos + size > c->end)) {
    c->is_cut = c->left_bytes >= size;
    return 0;
  }
  if (c->far)
    c->offset += size;
  else
    c->pos += size;
  c->left_bytes -= size;
  return 1;
}

/* Unaligned words, read by one load each. For memcpy() clang would emit a load per byte, as it does
 * not assume unaligned loads in BPF. The verifier allows them on the processors that have XDP. */
#if defined(__bpf__)
#define FW_ALIGNMENT 8
#else
#define FW_ALIGNMENT 1
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the functions below swap bytes: they need a little-endian machine"
#endif
typedef struct __attribute__((packed, may_alias, aligned(FW_ALIGNMENT))) {
  fw_u16 word;
} fw_raw16;
typedef struct __attribute__((packed, may_alias, aligned(FW_ALIGNMENT))) {
  fw_u32 word;
} fw_raw32;
typedef struct __attribute__((packed, may_alias, aligned(FW_ALIGNMENT))) {
  fw_u64 word;
} fw_raw64;

FW_INLINE fw_u16 fw_be16(const fw_u8* p) {
  return __builtin_bswap16(((const fw_raw16*)p)->word);
}
FW_INLINE fw_u32 fw_be32(const fw_u8* p) {
  return __builtin_bswap32(((const fw_raw32*)p)->word);
}
FW_INLINE fw_u64 fw_be64(const fw_u8* p) {
  return __builtin_bswap64(((const fw_raw64*)p)->word);
}

#endif
