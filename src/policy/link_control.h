/* SPDX-License-Identifier: MIT */
/* The stages of headers and link control: packets that are not IP, malformed ones,
 * and those that keep the link alive and cannot come from beyond it
 * (docs/decisions/what-passes-unjudged.md). */
#ifndef FW_POLICY_LINK_CONTROL_H
#define FW_POLICY_LINK_CONTROL_H

#include "context.h"
#include "parse.h"
#include "tables/rate.h"

enum {
  /* 100/s and 100 at once pass; above that, DHCP is judged like anything else. Judgement. */
  FW_DHCP_COST_TICKS = 625000,
  FW_DHCP_BURST_TICKS = 62500000,
};
enum {
  FW_DHCPV4_SERVER_PORT = 67, /* RFC 2131 */
  FW_DHCPV4_CLIENT_PORT = 68,
  FW_DHCPV4_BOOTREPLY = 2,
  FW_DHCPV6_CLIENT_PORT = 546, /* RFC 8415 */
  FW_DHCPV6_SERVER_PORT = 547,
  FW_DHCPV6_ADVERTISE = 2,
  FW_DHCPV6_REPLY = 7,
  FW_DHCPV6_RECONFIGURE = 10,
};

FW_INLINE fw_u32 fw_stage_headers(int parsed) {
  if (parsed == FW_PARSED_NOT_IP) return FW_REASON_NOT_IP;
  if (parsed == FW_PARSED_ARP) return FW_REASON_LINK;
  if (parsed == FW_PARSED_MALFORMED) return FW_REASON_MALFORMED;
  return FW_CONTINUE;
}

/* RFC 4861: hop limit 255 means that no router forwarded the packet. */
FW_INLINE int fw_is_neighbour_discovery(const struct fw_packet* p) {
  return p->is_v6 && p->proto == FW_IPPROTO_ICMPV6 && p->ttl == 255 &&
         p->icmp_type >= FW_ICMPV6_ROUTER_SOLICITATION && p->icmp_type <= FW_ICMPV6_REDIRECT &&
         p->fragment == FW_FRAG_NONE;
}

FW_INLINE int fw_is_dhcp_answer(const struct fw_packet* p) {
  fw_u8 message = (fw_u8)(p->payload_head >> 56);

  if (p->proto != FW_IPPROTO_UDP || p->fragment) return 0;
  if (p->is_v6)
    return p->sport == FW_DHCPV6_SERVER_PORT && p->dport == FW_DHCPV6_CLIENT_PORT &&
           p->src.hi >> 54 == 0xfe80 >> 6 &&
           (message == FW_DHCPV6_ADVERTISE || message == FW_DHCPV6_REPLY ||
            message == FW_DHCPV6_RECONFIGURE);
  return p->sport == FW_DHCPV4_SERVER_PORT && p->dport == FW_DHCPV4_CLIENT_PORT &&
         message == FW_DHCPV4_BOOTREPLY;
}

FW_INLINE fw_u32 fw_stage_link_control(struct fw_context* x) {
  struct fw_shared* shared;

  if (fw_is_neighbour_discovery(x->packet)) return FW_REASON_LINK;
  if (!fw_is_dhcp_answer(x->packet)) return FW_CONTINUE;
  shared = fw_env_shared(x->env, 0);
  if (shared && fw_rate_admit64(&shared->link_tat_ticks, fw_env_now(x->env), FW_DHCP_COST_TICKS,
                                FW_DHCP_BURST_TICKS))
    return FW_REASON_LINK;
  return FW_CONTINUE;
}

#endif
