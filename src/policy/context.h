/* SPDX-License-Identifier: MIT */
/* What the stages know about one packet. Each fact is looked up once, and later
 * stages read it here.
 *
 * A stage is a function that returns a reason, which ends the judging, or
 * FW_CONTINUE. */
#ifndef FW_POLICY_CONTEXT_H
#define FW_POLICY_CONTEXT_H

#include "classify.h"
#include "tables/source_table.h"

enum { FW_CONTINUE = FW_REASON_COUNT }; /* no reason yet: go on with the next stage */

/* Runs a stage within a function that returns a reason. */
#define FW_STAGE(stage)                         \
  do {                                          \
    fw_u32 reason_ = (stage);                   \
    if (reason_ != FW_CONTINUE) return reason_; \
  } while (0)

/* Who is judged: a source, or its prefix. A separate struct without pointers, since it is passed to
 * BPF functions. */
struct fw_sender {
  struct fw_addr key;
  fw_u32 slot_number; /* in the source table, index + 1; 0: a special address, or no slot */
  fw_u32 peer;        /* enum fw_peer */
  fw_u8 is_new;       /* 1: first seen with this packet */
  fw_u8 has_verified; /* 1: the packet is of no verified flow, but its source has one */
  fw_u8 is_prefix;    /* 1: FW_RULE_OF_PREFIXES applies, else the packet's rule */
  fw_u8 bits;         /* prefix length of key */
  fw_u8 served;       /* FW_PORT_* of the destination port; of an unknown peer only */
  fw_u8 pad[3];
};

struct fw_context {
  struct fw_env* env;
  const struct fw_config* config;
  struct fw_counters* counters;
  const struct fw_packet* packet;
  struct fw_decision* decision;
  fw_u64 now_ns;            /* set by the access lists */
  fw_u64 source_hash;       /* set by identify, as are the next two */
  struct fw_sender* sender; /* a pointer: its address is passed to BPF functions, and the other
                               members can stay in registers */
  int completes_handshake;
};

FW_INLINE void fw_sender_find(struct fw_env* env, struct fw_sender* sender, fw_u64 hash,
                              fw_u8 traffic_class, fw_u64 now_ns) {
  struct fw_source_place place =
      fw_source_find(env, hash, sender->peer == FW_PEER_VERIFIED, traffic_class, now_ns);

  sender->slot_number = place.slot_number;
  sender->is_new = place.is_new;
  sender->has_verified = place.has_verified;
}

#endif
