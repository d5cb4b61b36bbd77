/* SPDX-License-Identifier: MIT */
/* The policy as compiled for this process (policy.c): the functions that C++ may
 * call. The same headers, compiled for BPF, are the XDP program.
 *
 * Thread rule: any number of threads may call fw_policy_decide() with their
 * own fw_env on the same tables; the tables of FW_CPU_TABLES are per thread. */
#ifndef FW_POLICY_POLICY_H
#define FW_POLICY_POLICY_H

#include "abi/abi.h"
#include "abi/list_image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The tables of one datapath in this process; the sizes of those that are configured are in the
 * configuration's masks. A NULL pointer is an absent table. */
struct fw_env {
  const struct fw_config* config;
  const struct fw_port_line* ports;
  const struct fw_list_line* list_v4;   /* FW_LIST_V4_LINES; NULL: no lists */
  const struct fw_list_line* list_rest; /* what follows them in the image */
  fw_u32 list_rest_lines;
  /* 1: packets are of a capture. What is dropped now was not dropped then, and SYNs that the XDP
   * program would answer count as answered. */
  fw_u32 is_past;
  fw_u64 now_ns; /* of the packet that is judged */
#define FW_ENV_TABLE(storage, name, type, count) type* name;
  FW_SHARED_TABLES(FW_ENV_TABLE)
  FW_CPU_TABLES(FW_ENV_TABLE)
#undef FW_ENV_TABLE
  void* self;
  void (*sample)(void* self, const struct fw_sample* sample); /* NULL: nobody learns */
  void (*event)(void* self, const struct fw_event* event);
};

/* Judges one ingress frame. *packet and *decision are filled. */
void fw_policy_decide(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns,
                      struct fw_packet* packet, struct fw_decision* decision);

/* A packet's header fields as signatures see them. */
struct fw_match_key fw_policy_match_key(const struct fw_packet* packet);

/* Only reads the headers. 0: not IP, or malformed. */
int fw_policy_parse(const struct fw_frame* frame, struct fw_packet* packet);

/* Records one frame that this host sends. */
void fw_policy_record_egress(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns);

/* What the access lists and entries decide about a source, before anything else is looked at:
 * FW_REASON_EXEMPT, ALLOW, DENY or BAN, else FW_REASON_PASS. Needs config, the lists, and the
 * tables of entries. */
enum fw_reason fw_policy_access(const struct fw_env* env, struct fw_addr addr, fw_u64 now_ns);

/* Entries. `index` is that of fw_entry; they need only config, entry_keys, entry_filter and
 * entries. The caller sees to it that config lists prefix_bits for the address's family. */

/* The entry of exactly this prefix and kind, or -1. In force or not. */
fw_s32 fw_policy_entry_find(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits,
                            fw_u8 kind);
/* Puts *entry in force (an equal prefix and kind is overwritten). Returns its
 * index, or -1 when both buckets are full of entries that are in force at now_ns. */
fw_s32 fw_policy_entry_put(struct fw_env* env, const struct fw_entry* entry, fw_u64 now_ns);
/* Prefetches the memory that find and put will read: call it some entries ahead of them. */
void fw_policy_entry_prefetch(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits);
/* Takes it out of force and frees its place. */
void fw_policy_entry_erase(struct fw_env* env, fw_u32 index);
/* Packets that one CPU (FW_PENDING_SLOTS of `pending`) has not yet added to an entry; and forgets
 * them. */
fw_u32 fw_policy_pending(const struct fw_entry_pending* pending, fw_u32 index);
void fw_policy_forget_pending(struct fw_entry_pending* pending, fw_u32 index);
/* Recomputes the protected-prefix bitmap, after entries that protect were erased. */
void fw_policy_recompute_protected(struct fw_env* env);

/* A connection from before the start: established from now on. Needs config, flows and flow_filter.
 */
void fw_policy_flow_establish(struct fw_env* env, struct fw_addr remote, fw_u16 remote_port,
                              struct fw_addr local, fw_u16 local_port, fw_u8 proto, fw_u64 now_ns);

/* Empties the meters of a source under every rule. `key` is the source's: itself, or its IPv6
 * prefix of config's source_bits_v6. Needs config and sources. */
void fw_policy_source_forget(const struct fw_env* env, struct fw_addr key);

/* What a source sent in the last 2^30 ns under a rule with meters of its own (or 0), by metric:
 * packets, or 16 bytes. `verified`: 1 its packets of verified flows, 0 the others. Returns 0, and
 * all zero, when it has no meters there. Needs config, sources and meters. */
int fw_policy_source_rates(const struct fw_env* env, struct fw_addr key, fw_u32 rule,
                           fw_u32 verified, fw_u64 now_ns, fw_u32 rates[FW_METRIC_COUNT]);
/* What a banned source sent in the last 2^30 ns, in the metric that renews its ban. */
fw_u32 fw_policy_entry_rate(const struct fw_entry* entry, fw_u64 now_ns);

#ifdef __cplusplus
}
#endif
#endif
