/* SPDX-License-Identifier: MIT */
/* What a packet is to this host, and what it is metered under. */
#ifndef FW_POLICY_CLASSIFY_H
#define FW_POLICY_CLASSIFY_H

#include "flows.h"

/* Services that answer unverified sources with more than they were asked, by port: the source port
 * of what a reflector sends. (US-CERT TA14-017A, and the ports seen in attacks since.) */
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
  if (p->proto == 6) {
    if ((p->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN) return FW_CLASS_TCP_SYN;
    return peer ? FW_CLASS_TCP_FLOW : FW_CLASS_TCP_STRAY;
  }
  if (p->proto == 17) {
    if (peer == FW_PEER_ANSWERS) return FW_CLASS_UDP_REPLY;
    if (!peer && fw_is_reflector_port(p->sport)) return FW_CLASS_UDP_REFLECTED;
    return FW_CLASS_UDP_NEW;
  }
  if (fw_is_echo_request(p)) return FW_CLASS_ICMP_ECHO;
  if (p->proto == 1 || p->proto == 58) return FW_CLASS_ICMP_OTHER;
  return FW_CLASS_OTHER;
}

/* The third metric of a packet, besides packets and bytes; PACKETS if it has none. */
FW_INLINE fw_u32 fw_metric_of(fw_u8 traffic_class) {
  switch (traffic_class) {
    case FW_CLASS_TCP_SYN:
      return FW_METRIC_SYN;
    case FW_CLASS_UDP_NEW:
    case FW_CLASS_UDP_REFLECTED:
      return FW_METRIC_UDP;
    case FW_CLASS_ICMP_ECHO:
    case FW_CLASS_ICMP_OTHER:
      return FW_METRIC_ICMP;
    default:
      return FW_METRIC_PACKETS;
  }
}

/* What keeps the link itself alive and cannot come from afar: neighbour discovery (RFC 4861: hop
 * limit 255 proves that no router forwarded it) and answers of a DHCP server. */
FW_INLINE int fw_is_neighbour_discovery(const struct fw_packet* p) {
  return p->is_v6 && p->proto == 58 && p->ttl == 255 && p->icmp_type >= 133 &&
         p->icmp_type <= 137 && p->fragment == FW_FRAG_NONE;
}
FW_INLINE int fw_is_dhcp_answer(const struct fw_packet* p) {
  fw_u8 message = (fw_u8)(p->payload_head >> 56);

  if (p->proto != 17 || p->fragment) return 0;
  if (p->is_v6)
    return p->sport == 547 && p->dport == 546 && p->src.hi >> 54 == 0xfe80 >> 6 &&
           (message == 2 || message == 7 || message == 10); /* RFC 8415 */
  return p->sport == 67 && p->dport == 68 && message == 2;  /* BOOTREPLY, RFC 2131 */
}

#endif
