/* SPDX-License-Identifier: MIT */
/* Signatures: what a flood's packets have in common and peace does not. The
 * engine finds them (engine/signatures) and writes them here while packets are
 * judged; packets of verified peers never come this far. */
#ifndef FW_POLICY_SIGNATURES_H
#define FW_POLICY_SIGNATURES_H

#include "env.h"

FW_INLINE struct fw_match_key fw_match_key_of(const struct fw_packet* p) {
  struct fw_match_key key;
  fw_u32 ip_len = p->ip_len_bytes > 0xffff ? 0xffff : p->ip_len_bytes;

  key.word[0] = (fw_u64)p->proto << 56 | (fw_u64)p->tcp_flags << 48 | (fw_u64)p->ttl << 40 |
                (fw_u64)(p->is_v6 << 4 | p->fragment) << 32 | (fw_u64)p->sport << 16 | p->dport;
  key.word[1] = (fw_u64)ip_len << 48 | (fw_u64)p->window << 32 | (fw_u64)p->icmp_type << 24 |
                (fw_u64)p->icmp_code << 16 | (fw_u64)(p->proto == 6 ? p->l4_header_bytes : 0) << 8;
  key.word[2] = p->payload_head;
  return key;
}

FW_INLINE int fw_key_matches(const struct fw_match_key* key, const struct fw_signature* s) {
  return !(((key->word[0] & s->mask.word[0]) ^ s->value.word[0]) |
           ((key->word[1] & s->mask.word[1]) ^ s->value.word[1]) |
           ((key->word[2] & s->mask.word[2]) ^ s->value.word[2]));
}

FW_INLINE int fw_has_signatures(struct fw_env* env, fw_u32 traffic_class) {
  const struct fw_signature_set* set = fw_env_signature_set(env);

  return set && traffic_class < FW_CLASS_COUNT && set->active[traffic_class];
}

/* The first signature in force that the packet matches, + 1; 0 if none. */
FW_STAGE int fw_signature_find(struct fw_env* env, const struct fw_packet* p,
                               fw_u32 traffic_class) {
  const struct fw_signature_set* set = env ? fw_env_signature_set(env) : NULL;
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
      signature = fw_env_signature(env, i);
      if (signature && fw_key_matches(&key, signature)) return (int)i + 1;
    }
    active >>= 1;
  }
  return 0;
}

#endif
