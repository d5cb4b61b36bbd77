/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson, Bernstein 2012), for numbers that are sent to anybody: the
 * hash of the tables must not be seen outside (tables/hash.h). */
#ifndef FW_POLICY_SIPHASH_H
#define FW_POLICY_SIPHASH_H

#include "abi/types.h"

FW_INLINE fw_u64 fw_rotate(fw_u64 x, unsigned bits) {
  return x << bits | x >> (64 - bits);
}

struct fw_siphash {
  fw_u64 v0, v1, v2, v3;
};

FW_INLINE void fw_sip_round(struct fw_siphash* s) {
  s->v0 += s->v1;
  s->v1 = fw_rotate(s->v1, 13) ^ s->v0;
  s->v0 = fw_rotate(s->v0, 32);
  s->v2 += s->v3;
  s->v3 = fw_rotate(s->v3, 16) ^ s->v2;
  s->v0 += s->v3;
  s->v3 = fw_rotate(s->v3, 21) ^ s->v0;
  s->v2 += s->v1;
  s->v1 = fw_rotate(s->v1, 17) ^ s->v2;
  s->v2 = fw_rotate(s->v2, 32);
}
FW_INLINE void fw_sip_add(struct fw_siphash* s, fw_u64 word) {
  s->v3 ^= word;
  fw_sip_round(s);
  fw_sip_round(s);
  s->v0 ^= word;
}

/* SipHash-2-4 of five words, little-endian. */
FW_INLINE fw_u64 fw_siphash5(const fw_u64 key[2], fw_u64 a, fw_u64 b, fw_u64 c, fw_u64 d,
                             fw_u64 e) {
  struct fw_siphash s = {key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
                         key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL};

  fw_sip_add(&s, a);
  fw_sip_add(&s, b);
  fw_sip_add(&s, c);
  fw_sip_add(&s, d);
  fw_sip_add(&s, e);
  fw_sip_add(&s, 40ULL << 56); /* the length in bytes */
  s.v2 ^= 0xff;
  fw_sip_round(&s);
  fw_sip_round(&s);
  fw_sip_round(&s);
  fw_sip_round(&s);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

#endif
