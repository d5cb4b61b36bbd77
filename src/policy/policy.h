/* SPDX-License-Identifier: MIT */
/* The policy as compiled for the host (policy.c): the functions that C++ may
 * call. The same headers, compiled for BPF, are the XDP program.
 *
 * Thread rule: any number of threads may call fw_policy_decide() with their
 * own fw_env on the same tables; `counters`, `hits`, `shares` and `cpu` are per thread. */
#ifndef FW_POLICY_POLICY_H
#define FW_POLICY_POLICY_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fw_env;
struct fw_list_line {
  fw_u8 byte[FW_LINE_BYTES];
};

#if !defined(__bpf__)
/* The tables of one datapath in this process; sizes are in config's masks. */
struct fw_env {
  const struct fw_config* config;
  const struct fw_port_line* ports;
  const struct fw_list_line* lists; /* NULL: no lists */
  fw_u32 list_lines;
  /* 1: packets are of a capture. What is dropped now was not dropped then, and SYNs that the XDP
   * program would answer count as answered. */
  fw_u32 is_past;
  fw_u64 now_ns; /* of the packet that is judged */
  struct fw_source_bucket* sources;
  struct fw_meter* meters;
  struct fw_flow_bucket* flows;
  struct fw_flow_filter* flow_filter;
  struct fw_entry_keys* entry_keys;
  struct fw_entry_filter* entry_filter;
  struct fw_entry* entries;
  struct fw_entry_pending* hits; /* FW_PENDING_SLOTS */
  struct fw_counters* counters;
  struct fw_shared* shared;
  struct fw_port_line* served;
  struct fw_budget* budgets;
  struct fw_budget_share* shares; /* one per budget */
  const struct fw_signature* signatures;
  const struct fw_signature_set* signature_set;
  struct fw_cpu* cpu;
  void* self;
  void (*sample)(void* self, const struct fw_sample* sample); /* NULL: nobody learns */
  void (*event)(void* self, const struct fw_event* event);
};
#endif

/* A frame: `captured` bytes from `data` are there of `wire_bytes`. */
enum { FW_LINK_ETHERNET = 0, FW_LINK_IP = 1 };
struct fw_frame {
  const fw_u8* data;
  fw_u32 captured_bytes;
  fw_u32 wire_bytes;
  fw_u8 link; /* FW_LINK_* */
};

/* Judges one ingress frame. *packet and *decision are filled. */
struct fw_decision {
  fw_u8 verdict;       /* FW_PASS or FW_DROP: what is done */
  fw_u8 reason;        /* enum fw_reason */
  fw_u8 traffic_class; /* enum fw_class */
  fw_u8 rule;
  fw_u8 observed;  /* 1: would have been dropped, but the mode is observe */
  fw_u8 signature; /* that the packet matches, + 1; 0 = none */
  fw_u8 sample;    /* FW_SAMPLE_* + 1: the datapath shows it to the engine; 0 = not this one */
  fw_u8 served;    /* of a sample: 1: a service listens or answers on its port */
  fw_u8 challenge; /* 1: a SYN that the datapath may answer by a SYN cookie instead */
};
void fw_policy_decide(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns,
                      struct fw_packet* packet, struct fw_decision* decision);

/* A packet's header fields as signatures see them. */
struct fw_match_key fw_policy_match_key(const struct fw_packet* packet);

/* Only reads the headers. 0: not IP, or malformed. */
int fw_policy_parse(const struct fw_frame* frame, struct fw_packet* packet);

/* Notes one frame that this host sends. */
void fw_policy_note_egress(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns);

/* Entries. `index` is that of fw_entry; they need only config, entry_keys, entry_filter and
 * entries. The caller sees to it that config lists prefix_bits for the address's family. */

/* The entry of exactly this prefix and kind, or -1. In force or not. */
fw_s32 fw_policy_entry_find(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits,
                            fw_u8 kind);
/* Puts *entry in force (an equal prefix and kind is overwritten). Returns its
 * index, or -1 when both buckets are full of entries that are in force at now_ns. */
fw_s32 fw_policy_entry_put(struct fw_env* env, const struct fw_entry* entry, fw_u64 now_ns);
/* Asks the processor for the memory that find and put will look at: some entries ahead of them, it
 * is there in time. */
void fw_policy_entry_prefetch(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits);
/* Takes it out of force and frees its place. */
void fw_policy_entry_erase(struct fw_env* env, fw_u32 index);
/* What `hits` of one CPU (FW_PENDING_SLOTS) hold for an entry, in packets; and forgets it. */
fw_u32 fw_policy_pending(const struct fw_entry_pending* hits, fw_u32 index);
void fw_policy_forget_pending(struct fw_entry_pending* hits, fw_u32 index);
/* After entries that protect were erased: what is around them needs no look at the entries any
 * more. */
void fw_policy_entries_guard(struct fw_env* env);

/* A conversation that stood before the start: verified from now on. Needs config, flows and
 * flow_filter. */
void fw_policy_flow_establish(struct fw_env* env, struct fw_addr remote, fw_u16 remote_port,
                              struct fw_addr local, fw_u16 local_port, fw_u8 proto, fw_u64 now_ns);

/* The lists' answer for one address: bit 0 = denied, bit 1 = allowed. */
enum { FW_LIST_DENY = 1, FW_LIST_ALLOW = 2 };
fw_u32 fw_policy_list_find(const struct fw_env* env, struct fw_addr addr);

/* Empties the meters of a source, under every rule: its past counts no more. `key` is the source's
 * (fw_policy_source_key). Needs config and sources. */
void fw_policy_source_forget(const struct fw_env* env, struct fw_addr key);

/* What a source sent in the last 2^30 ns under a rule with meters of its own (or 0), by metric:
 * packets, or 16 bytes. `verified`: 1 its packets of verified flows, 0 the others. Returns 0, and
 * all zero, when it has no meters there. Needs config, sources and meters. */
int fw_policy_source_rates(const struct fw_env* env, struct fw_addr key, fw_u32 rule,
                           fw_u32 verified, fw_u64 now_ns, fw_u32 rates[FW_METRIC_COUNT]);
/* The same of a banned source, of the one metric that its ban goes on by. */
fw_u32 fw_policy_entry_rate(const struct fw_entry* entry, fw_u64 now_ns);

/* The key under which a source is known: itself, or its IPv6 prefix. */
struct fw_addr fw_policy_source_key(const struct fw_config* config, struct fw_addr addr);

#ifdef __cplusplus
}
#endif
#endif
