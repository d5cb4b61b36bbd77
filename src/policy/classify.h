/* SPDX-License-Identifier: MIT */
/* The traffic class of a packet, and predicates on headers that several stages use. */
#ifndef FW_POLICY_CLASSIFY_H
#define FW_POLICY_CLASSIFY_H

#include "abi/packet.h"
#include "abi/vocabulary.h"
#include "tables/address.h"

/* What the flow of a packet tells about its sender. */
enum fw_peer {
  FW_PEER_UNKNOWN = 0,
  FW_PEER_ANSWERS = 1, /* this host sent first */
  FW_PEER_VERIFIED = 2,
  FW_PEER_ACQUAINTED = 3, /* exchanges UDP with this host, which a forger of its address can, too */
};

/* Protocols without ports (ICMP among them) have one flow per pair of hosts. */
FW_INLINE int fw_has_ports(fw_u8 proto) {
  return proto == FW_IPPROTO_TCP || proto == FW_IPPROTO_UDP;
}
FW_INLINE int fw_is_echo_request(const struct fw_packet* p) {
  return (p->proto == FW_IPPROTO_ICMP && !p->is_v6 && p->icmp_type == FW_ICMP_ECHO_REQUEST) ||
         (p->proto == FW_IPPROTO_ICMPV6 && p->is_v6 && p->icmp_type == FW_ICMPV6_ECHO_REQUEST);
}
/* A TCP SYN without ACK. */
FW_INLINE int fw_is_syn(const struct fw_packet* p) {
  return (p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN;
}

/* Source ports of reflectors: services whose answers to anybody are larger than the questions.
 * (US-CERT TA14-017A, and ports seen in attacks since.) */
FW_INLINE int fw_is_reflector_port(fw_u16 port) {
  switch (port) {
    case 17:    /* QOTD */
    case 19:    /* CharGEN */
    case 53:    /* DNS */
    case 69:    /* TFTP */
    case 111:   /* Portmap */
    case 123:   /* NTP */
    case 137:   /* NetBIOS */
    case 161:   /* SNMP */
    case 177:   /* XDMCP */
    case 389:   /* CLDAP */
    case 427:   /* SLP */
    case 520:   /* RIP */
    case 623:   /* IPMI */
    case 1194:  /* OpenVPN */
    case 1434:  /* MS SQL */
    case 1701:  /* L2TP */
    case 1900:  /* SSDP */
    case 3283:  /* Apple remote desktop */
    case 3389:  /* RDP over UDP */
    case 3478:  /* STUN */
    case 3702:  /* WS-Discovery */
    case 5060:  /* SIP */
    case 5093:  /* Sentinel */
    case 5353:  /* mDNS */
    case 5683:  /* CoAP */
    case 10001: /* Ubiquiti */
    case 11211: /* memcached */
    case 37810: /* DVR */
    case 47808: /* BACnet */
      return 1;
    default:
      return 0;
  }
}

FW_INLINE fw_u8 fw_classify(const struct fw_packet* p, fw_u32 peer) {
  if (p->fragment == FW_FRAG_LATER) return FW_CLASS_FRAGMENT;
  if (p->proto == FW_IPPROTO_TCP) {
    if (fw_is_syn(p)) return FW_CLASS_TCP_SYN;
    return peer ? FW_CLASS_TCP_FLOW : FW_CLASS_TCP_STRAY;
  }
  if (p->proto == FW_IPPROTO_UDP) {
    if (peer == FW_PEER_ANSWERS) return FW_CLASS_UDP_REPLY;
    if (!peer && fw_is_reflector_port(p->sport) && !fw_is_group(&p->dst))
      return FW_CLASS_UDP_REFLECTED;
    return FW_CLASS_UDP_NEW;
  }
  if (fw_is_echo_request(p)) return FW_CLASS_ICMP_ECHO;
  if (p->proto == FW_IPPROTO_ICMP || p->proto == FW_IPPROTO_ICMPV6) return FW_CLASS_ICMP_OTHER;
  return FW_CLASS_OTHER;
}

#endif
