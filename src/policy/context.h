/* SPDX-License-Identifier: MIT */
/* What the stages of the decision share about one packet: looked up once, and what
 * one stage finds out the later ones read here.
 *
 * A stage is a function that returns a reason, which ends the packet's way, or
 * FW_CONTINUE. */
#ifndef FW_POLICY_CONTEXT_H
#define FW_POLICY_CONTEXT_H

#include "classify.h"
#include "tables/source_table.h"

enum { FW_CONTINUE = FW_REASON_COUNT }; /* no reason yet: the next stage */

/* Runs a stage within a function that returns a reason. */
#define FW_STAGE(stage)                         \
  do {                                          \
    fw_u32 reason_ = (stage);                   \
    if (reason_ != FW_CONTINUE) return reason_; \
  } while (0)

/* Who is judged: a source, or the prefix that it is in. A struct of its own, without pointers,
 * since BPF functions are given it. */
struct fw_sender {
  struct fw_addr key;
  fw_u32 slot_number; /* in the source table, index + 1; 0: nobody's address, or no slot */
  fw_u32 peer;        /* enum fw_peer */
  fw_u8 is_new;       /* 1: first seen with this packet */
  fw_u8 has_verified; /* 1: this packet is of no verified flow, but its source has some */
  fw_u8 is_prefix;    /* 1: FW_RULE_OF_PREFIXES holds, else the packet's rule */
  fw_u8 bits;         /* of key */
  fw_u8 served;       /* FW_PORT_* of the destination port, for a packet of an unknown peer */
  fw_u8 pad[3];
};

struct fw_context {
  struct fw_env* env;
  const struct fw_config* config;
  struct fw_counters* counters;
  const struct fw_packet* packet;
  struct fw_decision* decision;
  fw_u64 now_ns;            /* from the access lists on */
  fw_u64 source_hash;       /* from the flow stage on */
  struct fw_sender* sender; /* the same; not a member: BPF functions are given its address, and the
                               rest can then stay in registers */
  int completes_handshake;  /* the same */
};

FW_INLINE void fw_sender_find(struct fw_env* env, struct fw_sender* sender, fw_u64 hash,
                              fw_u64 now_ns) {
  struct fw_source_place place = fw_source_find(env, hash, sender->peer != FW_PEER_UNKNOWN, now_ns);

  sender->slot_number = place.slot_number;
  sender->is_new = place.is_new;
  sender->has_verified = place.has_verified;
}

#endif
