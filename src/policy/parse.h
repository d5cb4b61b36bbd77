/* SPDX-License-Identifier: MIT */
/* Parses a frame into a struct fw_packet. The rule: what Linux would hand to a socket
 * is read as that source, protocol and destination port, or is malformed
 * (tests/stack holds it against the kernel).
 *
 * A packet that ends within its headers is malformed. One whose bytes were only not
 * captured (wire_bytes > captured_bytes) is judged by the captured ones. */
#ifndef FW_POLICY_PARSE_H
#define FW_POLICY_PARSE_H

#include "cursor.h"
#include "parse_link.h"

enum {
  FW_PARSED = 0,
  FW_PARSED_NOT_IP,
  FW_PARSED_ARP,
  FW_PARSED_MALFORMED,
  FW_PARSED_ODD /* of a quick cursor: to be parsed again by another */
};
enum {
  FW_MAX_EXTENSIONS = 8, /* IPv6 extension headers; RFC 8200 4.1 lists seven */
};
enum {
  FW_IPV4_FRAGMENT_OFFSET = 0x1fff, /* RFC 791 */
  FW_IPV4_MORE_FRAGMENTS = 0x2000,
  FW_IPV6_FRAGMENT_OFFSET = 0xfff8, /* RFC 8200 4.5 */
  FW_IPV6_MORE_FRAGMENTS = 1,
};

/* The result when bytes are missing. */
FW_INLINE int fw_parse_end(const struct fw_cursor* c) {
  return c->is_cut ? FW_PARSED : FW_PARSED_MALFORMED;
}

/* Parses the transport header. `c` is behind the IP headers. */
FW_INLINE int fw_parse_transport(struct fw_cursor* c, struct fw_packet* out) {
  const fw_u8* p;
  fw_u32 header = 8;

  if (out->proto == FW_IPPROTO_TCP) {
    p = fw_take(c, 20);
    if (!p) return fw_parse_end(c);
    out->sport = fw_be16(p);
    out->dport = fw_be16(p + 2);
    out->seq = fw_be32(p + 4);
    out->ack = fw_be32(p + 8);
    out->tcp_flags = p[13];
    out->tcp_window = fw_be16(p + 14);
    header = (fw_u32)(p[12] >> 4) * 4;
    if (header < 20) return FW_PARSED_MALFORMED;
    out->l4_header_bytes = (fw_u8)header;
    /* RFC 9293 has no segment without flags, and none with SYN and FIN or RST. */
    if (!(p[13] & 0x3f)) return FW_PARSED_MALFORMED;
    if ((p[13] & FW_TCP_SYN) && (p[13] & (FW_TCP_FIN | FW_TCP_RST))) return FW_PARSED_MALFORMED;
    if (!fw_skip(c, header - 20)) return fw_parse_end(c);
  } else if (out->proto == FW_IPPROTO_UDP) {
    p = fw_take(c, 8);
    if (!p) return fw_parse_end(c);
    out->sport = fw_be16(p);
    out->dport = fw_be16(p + 2);
    out->l4_header_bytes = 8;
    header = fw_be16(p + 4); /* 0: a jumbogram (RFC 2675), or left to the network card */
    if (header && header < 8) return FW_PARSED_MALFORMED;
  } else if (out->proto == (out->is_v6 ? FW_IPPROTO_ICMPV6 : FW_IPPROTO_ICMP)) {
    p = fw_take(c, 8);
    if (!p) return fw_parse_end(c);
    out->icmp_type = p[0];
    out->icmp_code = p[1];
    out->l4_header_bytes = 8;
    if (p[0] == (out->is_v6 ? FW_ICMPV6_ECHO_REQUEST : FW_ICMP_ECHO_REQUEST) ||
        p[0] == (out->is_v6 ? FW_ICMPV6_ECHO_REPLY : FW_ICMP_ECHO_REPLY))
      out->dport = fw_be16(p + 4);
  } else {
    return FW_PARSED;
  }
  out->payload_bytes = (fw_u16)(c->left_bytes > 0xffff ? 0xffff : c->left_bytes);
  if (c->left_bytes >= 8) { /* what is behind the IP payload is padding */
    p = fw_take(c, 8);
    if (p) out->payload_head = fw_be64(p);
    c->is_cut = 0;
  }
  return FW_PARSED;
}

/* RFC 791. */
FW_INLINE int fw_parse_v4(struct fw_cursor* c, struct fw_packet* out) {
  const fw_u8* p = fw_take(c, 20);
  fw_u32 header, total, fragment;

  if (!p) return c->is_cut ? FW_PARSED_NOT_IP : FW_PARSED_MALFORMED;
  header = (p[0] & 15u) * 4;
  total = fw_be16(p + 2);
  out->src.lo = 0xffff00000000ULL | fw_be32(p + 12);
  out->dst.lo = 0xffff00000000ULL | fw_be32(p + 16);
  out->proto = p[9];
  out->ttl = p[8];
  if (p[0] >> 4 != 4 || header < 20) return FW_PARSED_MALFORMED;
  if (!total) total = c->left_bytes + 20; /* left to the network card */
  out->ip_len_bytes = total;
  if (total < header || total > c->left_bytes + 20) return FW_PARSED_MALFORMED;
  c->left_bytes = total - 20; /* Ethernet pads short frames */
  if (!fw_skip(c, header - 20)) return fw_parse_end(c);
  fragment = fw_be16(p + 6);
  if (fragment & (FW_IPV4_FRAGMENT_OFFSET | FW_IPV4_MORE_FRAGMENTS)) out->seq = fw_be16(p + 4);
  if (fragment & FW_IPV4_FRAGMENT_OFFSET) {
    out->fragment = FW_FRAG_LATER;
    return FW_PARSED;
  }
  if (fragment & FW_IPV4_MORE_FRAGMENTS) out->fragment = FW_FRAG_FIRST;
  return fw_parse_transport(c, out);
}

/* Extension headers whose length can be read (IANA's list, without ESP). */
FW_INLINE int fw_is_extension_header(fw_u8 next) {
  return next == FW_IPPROTO_HOPOPTS || next == FW_IPPROTO_ROUTING || next == FW_IPPROTO_DSTOPTS ||
         next == FW_IPPROTO_FRAGMENT || next == FW_IPPROTO_AH || next == FW_IPPROTO_MH ||
         next == FW_IPPROTO_HIP || next == FW_IPPROTO_SHIM6;
}

/* Takes the headers between IPv6's own and the transport header: RFC 8200, RFC 4302 for AH.
 * Hop-by-hop options anywhere but first, and fragments of fragments, are accepted by nobody; a
 * longer chain may be, but nobody sends it. */
FW_INLINE int fw_parse_extensions(struct fw_cursor* c, struct fw_packet* out) {
  int is_fragment = 0;

  for (int i = 0; i < FW_MAX_EXTENSIONS && fw_is_extension_header(out->proto); i++) {
    const fw_u8* p = fw_take(c, 8);
    fw_u8 header = out->proto;

    if (!p) return fw_parse_end(c);
    out->proto = p[0];
    if (header == FW_IPPROTO_HOPOPTS && i) return FW_PARSED_MALFORMED;
    if (header == FW_IPPROTO_FRAGMENT) {
      fw_u32 fragment = fw_be16(p + 2);

      if (is_fragment) return FW_PARSED_MALFORMED;
      is_fragment = 1;
      out->seq = fw_be32(p + 4);
      if (fragment & FW_IPV6_FRAGMENT_OFFSET) {
        out->fragment = FW_FRAG_LATER;
        return FW_PARSED;
      }
      if (fragment & FW_IPV6_MORE_FRAGMENTS) out->fragment = FW_FRAG_FIRST;
    } else if (!fw_skip(c, (fw_u32)p[1] * (header == FW_IPPROTO_AH ? 4 : 8))) { /* beyond 8 bytes */
      return fw_parse_end(c);
    }
  }
  return fw_is_extension_header(out->proto) ? FW_PARSED_MALFORMED : fw_parse_transport(c, out);
}

/* RFC 8200. */
FW_INLINE int fw_parse_v6(struct fw_cursor* c, struct fw_packet* out) {
  const fw_u8* p = fw_take(c, 40);
  fw_u32 total;

  if (!p) return c->is_cut ? FW_PARSED_NOT_IP : FW_PARSED_MALFORMED;
  out->is_v6 = 1;
  out->src.hi = fw_be64(p + 8);
  out->src.lo = fw_be64(p + 16);
  out->dst.hi = fw_be64(p + 24);
  out->dst.lo = fw_be64(p + 32);
  out->proto = p[6];
  out->ttl = p[7];
  if (p[0] >> 4 != 6) return FW_PARSED_MALFORMED;
  total = fw_be16(p + 4);
  if (!total) total = c->left_bytes; /* a jumbogram (RFC 2675) */
  out->ip_len_bytes = total + 40;
  if (total > c->left_bytes) return FW_PARSED_MALFORMED;
  c->left_bytes = total;

  if (!fw_is_extension_header(out->proto)) return fw_parse_transport(c, out);
  return c->is_quick ? FW_PARSED_ODD : fw_parse_extensions(c, out);
}

/* Fills *out (zeroed by the caller) from a frame. */
FW_INLINE int fw_parse(struct fw_cursor* c, fw_u8 link, struct fw_packet* out) {
  const fw_u8* p;
  fw_u32 type;

  out->len_bytes = c->left_bytes;
  if (link == FW_LINK_IP) {
    p = fw_peek(c, 1);
    if (!p) return FW_PARSED_NOT_IP;
    type = fw_ethertype_of_ip(p[0]);
    if (type == FW_ETHERTYPE_NONE) return FW_PARSED_MALFORMED;
  } else {
    type = fw_parse_link(c);
  }
  if (type == FW_ETHERTYPE_IPV4) return fw_parse_v4(c, out);
  if (type == FW_ETHERTYPE_IPV6) return fw_parse_v6(c, out);
  if (type == FW_ETHERTYPE_MALFORMED) return FW_PARSED_MALFORMED;
  if (type == FW_ETHERTYPE_ODD) return FW_PARSED_ODD;
  return type == FW_ETHERTYPE_ARP ? FW_PARSED_ARP : FW_PARSED_NOT_IP;
}

#endif
