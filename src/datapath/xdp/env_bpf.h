/* SPDX-License-Identifier: MIT */
/* The maps, and policy/env.h answered from them. Sizes of the tables are set by
 * the loader before it loads; the maps are pinned under the names they have here
 * (the lists' inner maps live in `lists`).
 *
 * ARRAY maps only: look-ups are inlined, nothing is allocated or evicted by the
 * kernel, and the daemon writes them through mmap. What does not depend on the
 * loader's sizes and is read for most packets needs no look-up at all: it is a
 * variable, of a map ".data.NAME" that is one element. */
#ifndef FW_DATAPATH_XDP_ENV_BPF_H
#define FW_DATAPATH_XDP_ENV_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "policy/env.h"
#include "policy/list_image.h"

#define FW_TABLE(name, type_of_value, entries) \
  struct {                                     \
    __uint(type, BPF_MAP_TYPE_ARRAY);          \
    __uint(map_flags, BPF_F_MMAPABLE);         \
    __uint(max_entries, entries);              \
    __type(key, __u32);                        \
    __type(value, type_of_value);              \
  } name SEC(".maps")

#define FW_VARIABLE(name, type_of_value, entries) type_of_value name[entries] SEC(".data." #name)

/* Configuration, ports and lists have two halves; `active` says which is in force. */
FW_VARIABLE(active, struct fw_active, 1);
FW_VARIABLE(configs, struct fw_config, 2);
FW_TABLE(ports, struct fw_port_line, 2 * FW_PORT_LINES);
FW_TABLE(sources, struct fw_source_bucket, 1);
FW_TABLE(meters, struct fw_meter, 1);
FW_TABLE(flows, struct fw_flow_bucket, 1);
FW_TABLE(flow_filter, struct fw_flow_filter, 1);
FW_TABLE(entry_keys, struct fw_entry_keys, 1);
FW_TABLE(entry_filter, struct fw_entry_filter, 1);
FW_TABLE(entries, struct fw_entry, 1);
/* A part for every CPU, one after another. Not a per-CPU map: that has an array of pointers to its
 * elements' memory, so a packet of one of many banned sources waits for two lines in turn (64 k of
 * them: 640 ns instead of 510). */
FW_TABLE(entry_pending, struct fw_entry_pending, 1);
FW_VARIABLE(shared, struct fw_shared, 1);
FW_TABLE(served, struct fw_port_line, FW_PORT_LINES);
FW_VARIABLE(budgets, struct fw_budget, FW_BUDGET_SLOTS);
FW_TABLE(signatures, struct fw_signature, FW_MAX_SIGNATURES);
FW_VARIABLE(signature_set, struct fw_signature_set, 1);

#define FW_CPU_TABLE(name, type_of_value, entries) \
  struct {                                         \
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);       \
    __uint(max_entries, entries);                  \
    __type(key, __u32);                            \
    __type(value, type_of_value);                  \
  } name SEC(".maps")

FW_CPU_TABLE(budget_shares, struct fw_budget_share, FW_BUDGET_SLOTS);
FW_CPU_TABLE(counters, struct fw_counters, 1);
FW_CPU_TABLE(cpu_state, struct fw_cpu, 1);

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 18);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);
} samples SEC(".maps");

/* IPv4's lines of a list have fixed places, so they are in an array, whose look-ups are inlined:
 * that of an inner map, which can have any size, is a call. */
FW_TABLE(list_v4, struct fw_list_line, 2 * FW_LIST_V4_LINES);
struct fw_list_map {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, sizeof(struct fw_list_line));
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, 2);
  __type(key, __u32);
  __array(values, struct fw_list_map);
} lists SEC(".maps");

/* least <= x <= most, of a fw_u64 that is a size for a helper. Clang makes one comparison of two,
 * of which the verifier of Linux 6.1 learns nothing; so it must not see them together. */
#define FW_IS_WITHIN(x, least, most) \
  ((x) >= (least) && ({              \
     FW_OPAQUE(x);                   \
     (x) <= (most);                  \
   }))

#define FW_LOOK_UP(map, index)          \
  ({                                    \
    __u32 key_ = (index);               \
    bpf_map_lookup_elem(&(map), &key_); \
  })

/* What this packet sees in force, from its first look to its last. */
struct fw_env {
  struct fw_active active;
  fw_u64 now_ns; /* 0: nobody asked yet */
};

FW_INLINE void fw_env_open(struct fw_env* e) {
  e->now_ns = 0;
  e->active.half = FW_READ(active->half) & 1;
  e->active.lists = FW_READ(active->lists);
}

FW_INLINE fw_u64 fw_env_now(struct fw_env* e) {
  if (!e->now_ns) e->now_ns = bpf_ktime_get_coarse_ns();
  return e->now_ns;
}
FW_INLINE const struct fw_config* fw_env_config(struct fw_env* e) {
  return &configs[e->active.half & 1];
}
FW_INLINE const struct fw_port_line* fw_env_port_line(struct fw_env* e, fw_u32 index) {
  return FW_LOOK_UP(ports, e->active.half * FW_PORT_LINES + index);
}
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env* e, fw_u32 index) {
  return FW_LOOK_UP(list_v4, (e->active.lists & FW_LISTS_HALF) * FW_LIST_V4_LINES + index);
}
FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env* e, fw_u32 index) {
  void* map = FW_LOOK_UP(lists, e->active.lists & FW_LISTS_HALF);

  index -= FW_LIST_V4_LINES;
  return map ? bpf_map_lookup_elem(map, &index) : NULL;
}
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env* e) {
  return (e->active.lists & FW_LISTS_SHORT) / FW_LISTS_SHORT;
}
FW_INLINE struct fw_source_bucket* fw_env_sources(struct fw_env* e, fw_u32 bucket) {
  (void)e;
  return FW_LOOK_UP(sources, bucket);
}
FW_INLINE struct fw_meter* fw_env_meter(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(meters, index);
}
FW_INLINE struct fw_flow_bucket* fw_env_flows(struct fw_env* e, fw_u32 bucket) {
  (void)e;
  return FW_LOOK_UP(flows, bucket);
}
FW_INLINE struct fw_flow_filter* fw_env_flow_filter(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(flow_filter, index);
}
FW_INLINE struct fw_entry_keys* fw_env_entry_keys(struct fw_env* e, fw_u32 bucket) {
  (void)e;
  return FW_LOOK_UP(entry_keys, bucket);
}
FW_INLINE struct fw_entry_filter* fw_env_entry_filter(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(entry_filter, index);
}
FW_INLINE struct fw_entry* fw_env_entry(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(entries, index);
}
FW_INLINE struct fw_entry_pending* fw_env_entry_pending(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(entry_pending, bpf_get_smp_processor_id() * FW_PENDING_SLOTS +
                                       (index & (FW_PENDING_SLOTS - 1)));
}
FW_INLINE struct fw_counters* fw_env_counters(struct fw_env* e) {
  (void)e;
  return FW_LOOK_UP(counters, 0);
}
FW_INLINE struct fw_shared* fw_env_shared(struct fw_env* e) {
  (void)e;
  return shared;
}
FW_INLINE struct fw_port_line* fw_env_served(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(served, index);
}
FW_INLINE struct fw_budget* fw_env_budget(struct fw_env* e, fw_u32 index) {
  (void)e;
  return &budgets[index & (FW_BUDGET_SLOTS - 1)];
}
FW_INLINE struct fw_budget_share* fw_env_budget_share(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(budget_shares, index);
}
FW_INLINE const struct fw_signature* fw_env_signature(struct fw_env* e, fw_u32 index) {
  (void)e;
  return FW_LOOK_UP(signatures, index);
}
FW_INLINE const struct fw_signature_set* fw_env_signature_set(struct fw_env* e) {
  (void)e;
  return signature_set;
}
FW_INLINE struct fw_cpu* fw_env_cpu(struct fw_env* e) {
  (void)e;
  return FW_LOOK_UP(cpu_state, 0);
}
FW_INLINE int fw_env_is_past(struct fw_env* e) {
  (void)e;
  return 0;
}
FW_INLINE int fw_env_event(struct fw_env* e, const struct fw_event* event) {
  (void)e;
  return bpf_ringbuf_output(&events, (void*)event, sizeof *event, 0) ? -1 : 0;
}

#endif
