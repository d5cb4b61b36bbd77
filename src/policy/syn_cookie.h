/* SPDX-License-Identifier: MIT */
/* Which SYNs can be answered by a SYN cookie. Used by the XDP program, which answers
 * them (datapath/xdp/syn_answer.h), and by replay, which only counts them. */
#ifndef FW_POLICY_SYN_COOKIE_H
#define FW_POLICY_SYN_COOKIE_H

#include "flows.h"
#include "parse.h"
#include "tables/entry_table.h"
#include "tables/port_table.h"

enum {
  FW_SYN_LINK_BYTES = 22, /* Ethernet with two tags, the longest link header that is answered */
  FW_IPV4_BYTES = 20,
  FW_IPV6_BYTES = 40,
  FW_UDP_BYTES = 8,
  FW_IPV4_PLAIN = 0x45, /* first byte: version 4, no options */
};

/* The offset of the IP header behind Ethernet and at most two tags. At least FW_SYN_LINK_BYTES are
 * at `frame`. 0: another header follows. */
FW_INLINE fw_u32 fw_syn_ip_offset(const fw_u8* frame, int is_v6) {
  fw_u16 type = fw_be16(frame + 12);
  fw_u32 offset = FW_ETHERNET_BYTES;

  if (fw_is_vlan_tag(type)) {
    type = fw_be16(frame + 16);
    offset += 4;
    if (type == FW_ETHERTYPE_VLAN) {
      type = fw_be16(frame + 20);
      offset += 4;
    }
  }
  return type == (is_v6 ? FW_ETHERTYPE_IPV6 : FW_ETHERTYPE_IPV4) ? offset : 0;
}

/* 1: `proto` over IP without options or extension headers. */
FW_INLINE int fw_syn_ip_is_plain(const fw_u8* ip, int is_v6, fw_u8 proto) {
  return is_v6 ? ip[0] >> 4 == 6 && ip[6] == proto : ip[0] == FW_IPV4_PLAIN && ip[9] == proto;
}

/* 1: to an address of this host, which the engine exempts as its own. A listener on any address
 * would also be found for forwarded packets, for those of virtual machines on a bridge, and for
 * those of neighbours that a promiscuous interface receives. */
FW_INLINE int fw_syn_is_to_this_host(struct fw_env* env, const struct fw_packet* p, fw_u64 now_ns) {
  return !fw_is_special(&p->src) && fw_entry_find(env, &p->dst, now_ns).standing == FW_STANDING_OWN;
}

#endif
