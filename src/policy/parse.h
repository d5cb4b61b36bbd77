/* SPDX-License-Identifier: MIT */
/* Parses a frame into a struct fw_packet. All reads have the form that the verifier
 * accepts: take a bounded number of bytes from a cursor, compare with the end, then
 * read.
 *
 * A packet that ends within its headers is malformed. One whose bytes were only not
 * captured (wire_bytes > captured_bytes) is judged by the captured ones. */
#ifndef FW_POLICY_PARSE_H
#define FW_POLICY_PARSE_H

#include "abi/packet.h"

enum { FW_PARSED = 0, FW_PARSED_NOT_IP, FW_PARSED_ARP, FW_PARSED_MALFORMED };
enum {
  FW_MAX_TAGS = 4,       /* tags and labels that are skipped; judgement: two are usual (802.1ad) */
  FW_MAX_EXTENSIONS = 8, /* IPv6 extension headers; RFC 8200 4.1 lists seven */
};
enum {
  FW_ETHERTYPE_IPV4 = 0x0800,
  FW_ETHERTYPE_ARP = 0x0806,
  FW_ETHERTYPE_VLAN = 0x8100, /* 802.1Q */
  FW_ETHERTYPE_IPV6 = 0x86dd,
  FW_ETHERTYPE_MPLS = 0x8847,          /* RFC 3032 */
  FW_ETHERTYPE_MPLS_UPSTREAM = 0x8848, /* RFC 5332 */
  FW_ETHERTYPE_QINQ = 0x88a8,          /* 802.1ad */
  FW_ETHERTYPE_QINQ_OLD = 0x9100,      /* before 802.1ad */
};
enum {
  FW_ETHERNET_BYTES = 14,           /* Ethernet header without tags */
  FW_IPV4_FRAGMENT_OFFSET = 0x1fff, /* RFC 791 */
  FW_IPV4_MORE_FRAGMENTS = 0x2000,
  FW_IPV6_FRAGMENT_OFFSET = 0xfff8, /* RFC 8200 4.5 */
  FW_IPV6_MORE_FRAGMENTS = 1,
};

struct fw_cursor {
  const fw_u8 *pos, *end;
  fw_u32 left_bytes; /* on the wire, from pos; may exceed end - pos */
  fw_u8 is_cut;      /* 1: the captured bytes ended before the wire did */
};

/* Takes the next `size` bytes (a constant); NULL if they are not there. Bytes behind the end of the
 * packet are padding and never taken. */
FW_INLINE const fw_u8* fw_take(struct fw_cursor* c, fw_u32 size) {
  const fw_u8* p = c->pos;

  if (c->left_bytes < size || p + size > c->end) {
    c->is_cut = c->left_bytes >= size;
    return (const fw_u8*)0;
  }
  c->pos = p + size;
  c->left_bytes -= size;
  return p;
}

/* Skips at most 2047 bytes. Returns 0 if they are not there. */
FW_INLINE int fw_skip(struct fw_cursor* c, fw_u32 size) {
  size &= 0x7ff;
  if (c->left_bytes < size || c->pos + size > c->end) {
    c->is_cut = c->left_bytes >= size;
    return 0;
  }
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

/* The result when bytes are missing. */
FW_INLINE int fw_parse_end(const struct fw_cursor* c) {
  return c->is_cut ? FW_PARSED : FW_PARSED_MALFORMED;
}

FW_INLINE int fw_is_vlan_tag(fw_u16 type) {
  return type == FW_ETHERTYPE_VLAN || type == FW_ETHERTYPE_QINQ || type == FW_ETHERTYPE_QINQ_OLD;
}
/* The EtherType by the IP version, the high half of the header's first byte. */
FW_INLINE fw_u16 fw_ethertype_of_ip(fw_u8 first_byte) {
  return first_byte >> 4 == 6 ? FW_ETHERTYPE_IPV6 : FW_ETHERTYPE_IPV4;
}

/* IEEE 802.3, 802.1Q and 802.1ad tags, MPLS (RFC 3032). Returns the EtherType, 0 if cut short. */
FW_INLINE fw_u16 fw_parse_link(struct fw_cursor* c) {
  const fw_u8* p = fw_take(c, FW_ETHERNET_BYTES);
  fw_u16 type = p ? fw_be16(p + 12) : 0;

  if (type == FW_ETHERTYPE_IPV4 || type == FW_ETHERTYPE_IPV6) return type;
  for (int i = 0; i < FW_MAX_TAGS; i++) {
    if (fw_is_vlan_tag(type)) {
      p = fw_take(c, 4);
      if (!p) return 0;
      type = fw_be16(p + 2);
    } else if (type == FW_ETHERTYPE_MPLS || type == FW_ETHERTYPE_MPLS_UPSTREAM) {
      p = fw_take(c, 4);
      if (!p) return 0;
      if (p[2] & 1) /* bottom of the stack: IP follows, of either version */
        type = c->pos + 1 > c->end ? 0 : fw_ethertype_of_ip(c->pos[0]);
    } else {
      break;
    }
  }
  return type;
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

/* RFC 8200 and its extension headers; RFC 4302 for AH. */
FW_INLINE int fw_parse_v6(struct fw_cursor* c, struct fw_packet* out) {
  const fw_u8* p = fw_take(c, 40);
  fw_u32 total, size;

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

  for (int i = 0; i < FW_MAX_EXTENSIONS; i++) {
    fw_u8 next = out->proto;

    if (!fw_is_extension_header(next)) break;
    p = fw_take(c, 8);
    if (!p) return fw_parse_end(c);
    out->proto = p[0];
    if (next == FW_IPPROTO_FRAGMENT) {
      fw_u32 fragment = fw_be16(p + 2);

      out->seq = fw_be32(p + 4);
      if (fragment & FW_IPV6_FRAGMENT_OFFSET) {
        out->fragment = FW_FRAG_LATER;
        return FW_PARSED;
      }
      if (fragment & FW_IPV6_MORE_FRAGMENTS) out->fragment = FW_FRAG_FIRST;
    } else {
      size = next == FW_IPPROTO_AH ? (fw_u32)p[1] * 4
                                   : (fw_u32)p[1] * 8; /* beyond the first 8 bytes */
      if (!fw_skip(c, size)) return fw_parse_end(c);
    }
  }
  return fw_parse_transport(c, out);
}

/* Fills *out (zeroed by the caller) from a frame. */
FW_INLINE int fw_parse(struct fw_cursor* c, fw_u8 link, struct fw_packet* out) {
  fw_u16 type = 0;

  out->len_bytes = c->left_bytes;
  if (link == FW_LINK_IP) {
    if (c->pos + 1 > c->end) return FW_PARSED_NOT_IP;
    type = fw_ethertype_of_ip(c->pos[0]);
  } else {
    type = fw_parse_link(c);
  }
  if (type == FW_ETHERTYPE_IPV4) return fw_parse_v4(c, out);
  if (type == FW_ETHERTYPE_IPV6) return fw_parse_v6(c, out);
  return type == FW_ETHERTYPE_ARP ? FW_PARSED_ARP : FW_PARSED_NOT_IP;
}

#endif
