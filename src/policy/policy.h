/* SPDX-License-Identifier: MIT */
/* The policy as compiled for this process (policy.c), callable from C++. The same
 * headers, compiled for BPF, are the XDP program.
 *
 * Thread rule: any number of threads may call fw_policy_decide() on the same shared
 * tables, each with an fw_env and FW_CPU_TABLES of its own. */
#ifndef FW_POLICY_POLICY_H
#define FW_POLICY_POLICY_H

#include "abi/abi.h"
#include "abi/list_image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The tables of one datapath in this process. The sizes of the configurable ones follow from the
 * configuration's masks. A NULL pointer is an absent table. */
struct fw_env {
  const struct fw_config* config;
  const struct fw_port_line* ports;
  const struct fw_list_line* list_v4;   /* FW_LIST_V4_LINES; NULL: no lists */
  const struct fw_list_line* list_rest; /* what follows them in the image */
  fw_u32 list_rest_lines;
  /* 1: packets are of a capture. A packet that is dropped now had reached the host then, and SYNs
   * that the XDP program would answer count as answered. */
  fw_u32 is_past;
  /* 1: UDP questions that the XDP program could answer are recognised, as with is_past. They are
   * not answered. */
  fw_u32 notes_questions;
  fw_u64 now_ns; /* time of the packet that is judged */
#define FW_ENV_TABLE(storage, name, type, count) type* name;
  FW_SHARED_TABLES(FW_ENV_TABLE)
  FW_CPU_TABLES(FW_ENV_TABLE)
#undef FW_ENV_TABLE
  void* self;
  void (*sample)(void* self, const struct fw_sample* sample); /* NULL: no samples */
  void (*event)(void* self, const struct fw_event* event);
};

/* Judges one ingress frame. Fills in *packet and *decision. */
void fw_policy_decide(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns,
                      struct fw_packet* packet, struct fw_decision* decision);

/* A packet's match key for signatures. */
struct fw_match_key fw_policy_match_key(const struct fw_packet* packet);

/* Parses the headers only. Returns 0 if the frame is not IP, or malformed. */
int fw_policy_parse(const struct fw_frame* frame, struct fw_packet* packet);

/* Records one frame that this host sends. */
void fw_policy_record_egress(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns);

/* What the access lists and entries decide about a source: FW_REASON_EXEMPT, ALLOW, DENY or BAN,
 * else FW_REASON_PASS. Needs config, the lists and the tables of entries. */
enum fw_reason fw_policy_access(const struct fw_env* env, struct fw_addr addr, fw_u64 now_ns);

/* Entries. `index` is that of the table `entries`. These functions need config, entry_keys,
 * entry_filter and entries. An entry is only found by packets if config lists its prefix_bits. */

/* The index of the entry of exactly this prefix and kind, in force or not; -1: there is none. */
fw_s32 fw_policy_entry_find(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits,
                            fw_u8 kind);
/* Puts *entry in force, in place of an entry of the same prefix. Returns its index; -1: both
 * buckets are full of entries in force at now_ns. */
fw_s32 fw_policy_entry_put(struct fw_env* env, const struct fw_entry* entry, fw_u64 now_ns);
/* Prefetches the memory that find and put will read. Call it some entries ahead. */
void fw_policy_entry_prefetch(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits);
/* Takes an entry out of force and frees its slot. */
void fw_policy_entry_erase(struct fw_env* env, fw_u32 index);
/* Returns, or resets, the packets that one CPU has not added to an entry yet. `pending` is that
 * CPU's FW_PENDING_SLOTS slots. */
fw_u32 fw_policy_pending(const struct fw_entry_pending* pending, fw_u32 index);
void fw_policy_forget_pending(struct fw_entry_pending* pending, fw_u32 index);
/* Recomputes the protected-prefix bitmap, after exemptions or allowances were erased. */
void fw_policy_recompute_protected(struct fw_env* env);

/* Records a connection from before the start as an established flow. Needs config, flows and
 * flow_filter. */
void fw_policy_flow_establish(struct fw_env* env, struct fw_addr remote, fw_u16 remote_port,
                              struct fw_addr local, fw_u16 local_port, fw_u8 proto, fw_u64 now_ns);

/* Forgets a source under every rule, with its meters. `key` is its address, or its IPv6 prefix of
 * source_bits_v6. Needs config and sources. */
void fw_policy_source_forget(const struct fw_env* env, struct fw_addr key);

/* What a source sent in the last 2^30 ns, by metric, in packets or 16 bytes. `rule`: one with
 * meters of its own, or 0. `verified`: 1: its packets of verified flows, 0: its others. Returns 0,
 * and all rates are 0, if it has no meters there. Needs config, sources and meters. */
int fw_policy_source_rates(const struct fw_env* env, struct fw_addr key, fw_u32 rule,
                           fw_u32 verified, fw_u64 now_ns, fw_u32 rates[FW_METRIC_COUNT]);
/* What a banned source sent in the last 2^30 ns, in the metric that renews its ban. */
fw_u32 fw_policy_entry_rate(const struct fw_entry* entry, fw_u64 now_ns);

#ifdef __cplusplus
}
#endif
#endif
