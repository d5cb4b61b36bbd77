/* SPDX-License-Identifier: MIT */
/* Link headers: whatever Linux takes off a frame on its way from an interface to the
 * IP stack, without an interface of its own in between on which it would be judged.
 *
 * VLAN tags of id 0 are taken off without end (net/core/dev.c), so a frame with more
 * headers than are read here is malformed, and does not pass as something that is
 * not IP. */
#ifndef FW_POLICY_PARSE_LINK_H
#define FW_POLICY_PARSE_LINK_H

#include "cursor.h"

enum {
  FW_MAX_TAGS = 8,   /* tags and labels in one frame: as many as Linux stacks devices */
  FW_QUICK_TAGS = 2, /* that a quick cursor takes: 802.1ad */
};
enum {
  FW_ETHERTYPE_IPV4 = 0x0800,
  FW_ETHERTYPE_ARP = 0x0806,
  FW_ETHERTYPE_VLAN = 0x8100, /* 802.1Q */
  FW_ETHERTYPE_IPV6 = 0x86dd,
  FW_ETHERTYPE_MPLS = 0x8847,          /* RFC 3032 */
  FW_ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
  FW_ETHERTYPE_PPPOE_SESSION = 0x8864, /* RFC 2516; its discovery, 0x8863, passes */
  FW_ETHERTYPE_QINQ = 0x88a8,          /* 802.1ad */
  FW_ETHERTYPE_QINQ_OLD = 0x9100,      /* before 802.1ad */
  /* No EtherTypes: what fw_parse_link() returns instead of one. */
  FW_ETHERTYPE_NONE = 0, /* cut short, or not IP */
  FW_ETHERTYPE_MALFORMED = 0x10000,
  FW_ETHERTYPE_ODD, /* a quick cursor stopped here */
};
enum { /* PPP's protocols, by their names in linux/ppp_defs.h */
       FW_PPP_IP = 0x21,
       FW_PPP_VJC_COMP = 0x2d, /* RFC 1144 */
       FW_PPP_VJC_UNCOMP = 0x2f,
       FW_PPP_MP = 0x3d, /* RFC 1990 */
       FW_PPP_IPV6 = 0x57,
       FW_PPP_COMPFRAG = 0xfb, /* RFC 1962 */
       FW_PPP_COMP = 0xfd,
       FW_PPP_MPLS_UC = 0x281, /* RFC 3032 */
       FW_PPP_MPLS_MC = 0x283,
};
enum { FW_ETHERNET_BYTES = 14 }; /* without tags */

FW_INLINE int fw_is_vlan_tag(fw_u32 type) {
  return type == FW_ETHERTYPE_VLAN || type == FW_ETHERTYPE_QINQ || type == FW_ETHERTYPE_QINQ_OLD;
}
FW_INLINE int fw_is_mpls(fw_u32 type) {
  return type == FW_ETHERTYPE_MPLS || type == FW_ETHERTYPE_MPLS_UPSTREAM;
}
/* Another link header follows. */
FW_INLINE int fw_is_encapsulation(fw_u32 type) {
  return fw_is_vlan_tag(type) || fw_is_mpls(type) || type == FW_ETHERTYPE_PPPOE_SESSION;
}

/* The EtherType by the IP version, the high half of the header's first byte. */
FW_INLINE fw_u32 fw_ethertype_of_ip(fw_u8 first_byte) {
  if (first_byte >> 4 == 4) return FW_ETHERTYPE_IPV4;
  return first_byte >> 4 == 6 ? FW_ETHERTYPE_IPV6 : FW_ETHERTYPE_NONE;
}

/* Compressed headers and fragments of PPP hide an IP packet, which therefore cannot be judged. */
FW_INLINE fw_u32 fw_ethertype_of_ppp(fw_u32 protocol) {
  switch (protocol) {
    case FW_PPP_IP:
      return FW_ETHERTYPE_IPV4;
    case FW_PPP_IPV6:
      return FW_ETHERTYPE_IPV6;
    case FW_PPP_MPLS_UC:
      return FW_ETHERTYPE_MPLS;
    case FW_PPP_MPLS_MC:
      return FW_ETHERTYPE_MPLS_UPSTREAM;
    case FW_PPP_VJC_COMP:
    case FW_PPP_VJC_UNCOMP:
    case FW_PPP_MP:
    case FW_PPP_COMPFRAG:
    case FW_PPP_COMP:
      return FW_ETHERTYPE_MALFORMED;
    default: /* PPP's own control */
      return FW_ETHERTYPE_NONE;
  }
}

/* RFC 2516: 6 bytes, the last two of them a length. Then PPP's protocol, in one byte or two: Linux
 * takes the short form unasked (RFC 1661 6.5: the last byte is the odd one). */
FW_INLINE fw_u32 fw_parse_pppoe(struct fw_cursor* c) {
  const fw_u8* p = fw_take(c, 6);
  fw_u32 bytes, protocol;

  if (!p) return FW_ETHERTYPE_NONE;
  bytes = fw_be16(p + 4);
  if (bytes > c->left_bytes) return FW_ETHERTYPE_MALFORMED;
  c->left_bytes = bytes;
  p = fw_take(c, 1);
  if (!p) return FW_ETHERTYPE_NONE;
  protocol = p[0];
  if (!(protocol & 1)) {
    p = fw_take(c, 1);
    if (!p) return FW_ETHERTYPE_NONE;
    protocol = protocol << 8 | p[0];
  }
  return fw_ethertype_of_ppp(protocol);
}

/* Takes one tag, label or PPPoE header. Returns the EtherType of what follows. */
FW_INLINE fw_u32 fw_parse_encapsulation(struct fw_cursor* c, fw_u32 type) {
  const fw_u8* p;

  if (type == FW_ETHERTYPE_PPPOE_SESSION) return fw_parse_pppoe(c);
  p = fw_take(c, 4);
  if (!p) return FW_ETHERTYPE_NONE;
  if (fw_is_vlan_tag(type)) return fw_be16(p + 2);
  if (!(p[2] & 1)) return type;
  p = fw_peek(c, 1); /* behind the last label: a header of either IP version, or none of IP */
  return p ? fw_ethertype_of_ip(p[0]) : FW_ETHERTYPE_NONE;
}

/* IEEE 802.3 and what may stand between it and IP. Returns the EtherType behind. */
FW_INLINE fw_u32 fw_parse_link(struct fw_cursor* c) {
  const fw_u8* p = fw_take(c, FW_ETHERNET_BYTES);
  fw_u32 type = p ? fw_be16(p + 12) : FW_ETHERTYPE_NONE;

  if (type == FW_ETHERTYPE_IPV4 || type == FW_ETHERTYPE_IPV6) return type;
  for (int i = 0; i < (c->is_quick ? FW_QUICK_TAGS : FW_MAX_TAGS); i++) {
    if (!fw_is_encapsulation(type)) return type;
    if (c->is_quick && !fw_is_vlan_tag(type)) return FW_ETHERTYPE_ODD;
    type = fw_parse_encapsulation(c, type);
  }
  if (!fw_is_encapsulation(type)) return type;
  return c->is_quick ? FW_ETHERTYPE_ODD : FW_ETHERTYPE_MALFORMED;
}

#endif
