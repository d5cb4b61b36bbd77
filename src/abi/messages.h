/* SPDX-License-Identifier: MIT */
/* What the policy sends to the daemon: counters, events (none should be lost) and
 * samples of packets (a part is enough). */
#ifndef FW_ABI_MESSAGES_H
#define FW_ABI_MESSAGES_H

#include "packet.h"
#include "signature.h"
#include "vocabulary.h"

enum { FW_EVENT_BAN = 1, FW_EVENT_LIMIT = 2, FW_EVENT_SCAN = 3, FW_EVENT_RESTRICT = 4 };

/* Sent once per change of state. `value` and `limit` are per window (see fw_limit). */
struct fw_event {
  fw_u64 time_ns;
  struct fw_addr src, dst; /* src is the source key (masked for IPv6), or the prefix over a limit */
  fw_u32 value;
  fw_u32 limit;
  fw_u32 len_bytes;
  fw_u16 sport, dport;
  fw_u8 kind; /* FW_EVENT_* */
  fw_u8 proto;
  fw_u8 traffic_class;
  fw_u8 rule;
  fw_u8 metric;
  fw_u8 prefix_bits; /* of src */
  fw_u8 observed;    /* 1: mode observe, nothing was dropped */
  fw_u8 pad;
};

enum fw_sample_kind {
  FW_SAMPLE_TRUSTED = 0, /* of a verified or answering peer, or of a source with a verified flow */
  FW_SAMPLE_NEW = 1,     /* of a new source, passed */
  FW_SAMPLE_REFUSED = 2, /* above a budget, or matching a signature */
  FW_SAMPLE_KINDS = 3,
};

/* A packet that the engine learns from, with its first bytes. Judgement: 128 bytes have the headers
 * and the beginning of the payload. */
enum { FW_SAMPLE_HEAD_BYTES = 128 };
struct fw_sample {
  fw_u64 time_ns;
  struct fw_packet packet;
  fw_u8 kind;   /* FW_SAMPLE_* */
  fw_u8 reason; /* enum fw_reason */
  fw_u8 traffic_class;
  fw_u8 signature;   /* number of the one that matched, + 1; 0 = none */
  fw_u8 served;      /* FW_SERVED, FW_OF_PARTNER */
  fw_u8 link;        /* FW_LINK_* of head */
  fw_u16 head_bytes; /* how many bytes of head are filled in */
  fw_u8 head[FW_SAMPLE_HEAD_BYTES];
};

/* One per CPU; 64-bit words only. In mode observe a packet that would have been dropped counts as
 * dropped. */
struct fw_counters {
  fw_u64 last_was_denied; /* not a count: a one-bit predictor, see tables/access_lists.h. It is in
                             the cache line where a denied packet is counted */
  fw_u64 packets[FW_REASON_COUNT], bytes[FW_REASON_COUNT];
  fw_u64 class_packets[FW_CLASS_COUNT], class_bytes[FW_CLASS_COUNT];
  fw_u64 class_unverified[FW_CLASS_COUNT];  /* packets of unverified sources */
  fw_u64 class_new_sources[FW_CLASS_COUNT]; /* sources first seen with a packet of the class */
  fw_u64 class_answered[FW_CLASS_COUNT];    /* handshakes completed, requests answered */
  fw_u64 signature_packets[FW_MAX_SIGNATURES];
  fw_u64 observed_drops; /* of the packets above: passed only because of mode observe */
  fw_u64 new_sources;    /* slots taken for sources */
  fw_u64 untracked;      /* packets of sources that found no slot */
  fw_u64 bans_capped;    /* bans not made: cap per minute, or table full */
  fw_u64 events_lost;    /* event ring full */
  fw_u64 samples_lost;   /* sample ring full */
};

FW_STATIC_ASSERT(sizeof(struct fw_sample) == 216, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_event) == 64, "no padding");
FW_STATIC_ASSERT(sizeof(struct fw_counters) ==
                     8 * (2 * (int)FW_REASON_COUNT + 5 * (int)FW_CLASS_COUNT +
                          (int)FW_MAX_SIGNATURES + 7),
                 "no padding");

#endif
