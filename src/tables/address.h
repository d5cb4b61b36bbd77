/* SPDX-License-Identifier: MIT */
/* Addresses and prefixes as keys. */
#ifndef FW_TABLES_ADDRESS_H
#define FW_TABLES_ADDRESS_H

#include "abi/configuration.h"

FW_INLINE int fw_is_v4(const struct fw_addr* a) {
  return !a->hi && a->lo >> 32 == 0xffff;
}

/* A special address, which no peer has: unspecified, loopback, multicast, broadcast (RFC 6890).
 * 240.0.0.0/4, reserved for future use, is not among them: large networks and anonymised captures
 * use it. */
FW_INLINE int fw_is_special(const struct fw_addr* a) {
  fw_u32 v4 = (fw_u32)a->lo;

  if (!a->hi && a->lo >> 32 == 0xffff)
    return v4 == 0 || v4 >> 24 == 127 || v4 >> 28 == 14 || v4 == 0xffffffff;
  if (!a->hi && a->lo <= 1) return 1;
  return a->hi >> 56 == 0xff;
}
FW_INLINE int fw_is_link_local_v6(const struct fw_addr* a) {
  return a->hi >> 54 == 0xfe80 >> 6;
}
/* A link-local address is a peer like any other, but never banned: the key of a ban has no
 * interface, and another link has the same addresses. */
FW_INLINE int fw_is_link_local(const struct fw_addr* a) {
  return fw_is_v4(a) ? (fw_u32)a->lo >> 16 == 0xa9fe : fw_is_link_local_v6(a);
}

/* Multicast or limited broadcast: what is sent to a group (mDNS, SSDP) is no answer to anybody. */
FW_INLINE int fw_is_group(const struct fw_addr* a) {
  if (fw_is_v4(a)) return (fw_u32)a->lo >> 28 == 14 || (fw_u32)a->lo == 0xffffffff;
  return a->hi >> 56 == 0xff;
}

FW_INLINE fw_u64 fw_high_bits(fw_u32 bits) { /* 0..64 */
  return bits ? ~0ULL << ((64 - bits) & 63) : 0;
}

FW_INLINE struct fw_addr fw_mask(struct fw_addr a, fw_u32 bits) { /* 0..128 */
  a.hi &= bits >= 64 ? ~0ULL : fw_high_bits(bits);
  a.lo &= bits >= 64 ? fw_high_bits(bits - 64) : 0;
  return a;
}

/* The key of a source: its address, or its IPv6 prefix. All link-local addresses are of one prefix,
 * and each is a source. */
FW_INLINE fw_u8 fw_source_bits(const struct fw_config* cfg, const struct fw_addr* a) {
  return fw_is_v4(a) || fw_is_link_local_v6(a) ? 128 : cfg->source_bits_v6;
}
FW_INLINE struct fw_addr fw_source_key(const struct fw_config* cfg, struct fw_addr a) {
  fw_u32 bits = fw_source_bits(cfg, &a);

  return bits && bits < 128 ? fw_mask(a, bits) : a;
}
/* The length of the prefixes that have limits; 0: prefixes have no limits. */
FW_INLINE fw_u8 fw_limit_bits(const struct fw_config* cfg, const struct fw_addr* a) {
  if (fw_is_v4(a)) return cfg->limit_bits_v4;
  return fw_is_link_local_v6(a) ? 0 : cfg->limit_bits_v6;
}
/* The prefix whose sources together have a quota of a budget: a /24 or /48. Judgement: the longest
 * prefixes that are routed globally. */
FW_INLINE struct fw_addr fw_fair_prefix(struct fw_addr a) {
  return fw_mask(a, fw_is_v4(&a) ? 96 + 24 : 48);
}

#endif
