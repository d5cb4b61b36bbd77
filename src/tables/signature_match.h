/* SPDX-License-Identifier: MIT */
/* Makes a packet's match key of its header fields, and compares it with the
 * signatures in force. */
#ifndef FW_TABLES_SIGNATURE_MATCH_H
#define FW_TABLES_SIGNATURE_MATCH_H

#include "env.h"

FW_INLINE struct fw_match_key fw_match_key_of(const struct fw_packet* p) {
  struct fw_match_key key;
  fw_u32 ip_len = p->ip_len_bytes > 0xffff ? 0xffff : p->ip_len_bytes;

  key.word[0] = (fw_u64)p->proto << 56 | (fw_u64)p->tcp_flags << 48 | (fw_u64)p->ttl << 40 |
                (fw_u64)(p->is_v6 << 4 | p->fragment) << 32 | (fw_u64)p->sport << 16 | p->dport;
  key.word[1] = (fw_u64)ip_len << 48 | (fw_u64)p->tcp_window << 32 | (fw_u64)p->icmp_type << 24 |
                (fw_u64)p->icmp_code << 16 |
                (fw_u64)(p->proto == FW_IPPROTO_TCP ? p->l4_header_bytes : 0) << 8;
  key.word[2] = p->payload_head;
  return key;
}

FW_INLINE int fw_signature_matches(const struct fw_signature* s, const struct fw_match_key* key) {
  return !(((key->word[0] & s->mask.word[0]) ^ s->value.word[0]) |
           ((key->word[1] & s->mask.word[1]) ^ s->value.word[1]) |
           ((key->word[2] & s->mask.word[2]) ^ s->value.word[2]));
}

/* Are there signatures in force for this class? */
FW_INLINE int fw_signatures_exist(struct fw_env* env, fw_u32 traffic_class) {
  const struct fw_signature_set* set = fw_env_signature_set(env, 0);

  return set && traffic_class < FW_CLASS_COUNT && set->active[traffic_class];
}

FW_INLINE int fw_signature_is_over(const struct fw_signature* s, fw_u64 now_ns) {
  fw_u64 until_ns = FW_READ(s->until_ns);

  return until_ns && until_ns <= now_ns;
}

/* The number (index + 1) of the first signature in force that the packet matches; 0: none. */
FW_GLOBAL int fw_signature_find(struct fw_env* env, const struct fw_packet* p, fw_u32 traffic_class,
                                fw_u64 now_ns) {
  const struct fw_signature_set* set = env ? fw_env_signature_set(env, 0) : NULL;
  struct fw_match_key key;
  fw_u64 active;

  if (!set || !p || traffic_class >= FW_CLASS_COUNT) return 0;
  active = set->active[traffic_class];
  if (!active) return 0;
  key = fw_match_key_of(p);
  for (fw_u32 i = 0; i < FW_MAX_SIGNATURES; i++) {
    const struct fw_signature* signature;

    if (!active) break;
    if (active & 1) {
      signature = fw_env_signatures(env, i);
      if (signature && fw_signature_matches(signature, &key) &&
          !fw_signature_is_over(signature, now_ns))
        return (int)i + 1;
    }
    active >>= 1;
  }
  return 0;
}

#endif
