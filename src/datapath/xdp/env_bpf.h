/* SPDX-License-Identifier: MIT */
/* The BPF maps, and the functions of tables/env.h on them. programs.cpp sets the
 * sizes of ARRAY and SLICED maps before it loads them. Maps are pinned under the
 * names that they have here.
 *
 * All are array maps: look-ups are inlined, the kernel allocates and evicts
 * nothing, and the daemon writes them through mmap (docs/decisions/tables.md). A
 * VARIABLE needs no look-up: it is the one element of a map ".data.NAME". */
#ifndef FW_DATAPATH_XDP_ENV_BPF_H
#define FW_DATAPATH_XDP_ENV_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "tables/env.h"

#define FW_MAP_ARRAY(name, type_of_value, entries_count) \
  struct {                                               \
    __uint(type, BPF_MAP_TYPE_ARRAY);                    \
    __uint(map_flags, BPF_F_MMAPABLE);                   \
    __uint(max_entries, entries_count);                  \
    __type(key, __u32);                                  \
    __type(value, type_of_value);                        \
  } name SEC(".maps");
#define FW_MAP_VARIABLE(name, type_of_value, count) type_of_value name[count] SEC(".data." #name);
#define FW_MAP_PER_CPU(name, type_of_value, count) \
  struct {                                         \
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);       \
    __uint(max_entries, count);                    \
    __type(key, __u32);                            \
    __type(value, type_of_value);                  \
  } name SEC(".maps");

/* The maps of abi/tables.h. A SLICED one is an array with a slice per CPU. A per-CPU map would cost
 * a second cache line per look-up, the array of pointers to its elements (measured with 64 k banned
 * sources: 640 ns instead of 510). */
#define FW_TABLE_ARRAY(name, type, count) FW_MAP_ARRAY(name, type, 1)
#define FW_TABLE_SLICED(name, type, count) FW_MAP_ARRAY(name, type, 1)
#define FW_TABLE_VARIABLE(name, type, count) FW_MAP_VARIABLE(name, type, count)
#define FW_TABLE_PER_CPU(name, type, count) FW_MAP_PER_CPU(name, type, count)
#define FW_TABLE(storage, name, type, count) FW_TABLE_##storage(name, type, count)
FW_SHARED_TABLES(FW_TABLE)
FW_CPU_TABLES(FW_TABLE)

/* Configuration, ports and lists have two halves; `active` has the number of the one in force. */
FW_MAP_VARIABLE(active, struct fw_active, 1)
FW_MAP_VARIABLE(configs, struct fw_config, 2)
FW_MAP_ARRAY(ports, struct fw_port_line, 2 * FW_PORT_LINES)
/* The IPv4 lines of a list have fixed places, so they are in an array, whose look-up is inlined.
 * The rest can have any size, so it is in an inner map, whose look-up is a call. */
FW_MAP_ARRAY(list_v4, struct fw_list_line, 2 * FW_LIST_V4_LINES)
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

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 18); /* 3,600 events */
} events SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20); /* 4,600 samples */
} samples SEC(".maps");

/* least <= x <= most, for a fw_u64 that is passed to a helper as a size. FW_OPAQUE keeps clang from
 * merging the two comparisons, since the verifier of Linux 6.1 derives no bounds from the merged
 * one. */
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

/* The halves that are in force for this packet, read once. */
struct fw_env {
  struct fw_active active;
  fw_u64 now_ns; /* 0: not read yet */
};

FW_INLINE void fw_env_open(struct fw_env* env) {
  env->now_ns = 0;
  env->active.half = FW_READ(active->half) & 1;
  env->active.lists = FW_READ(active->lists);
}

#define FW_SLOT_ARRAY(name, index, count) FW_LOOK_UP(name, index)
#define FW_SLOT_VARIABLE(name, index, count) (&name[(index) & ((count) - 1)])
#define FW_SLOT_PER_CPU(name, index, count) FW_LOOK_UP(name, index)
#define FW_SLOT_SLICED(name, index, count) \
  FW_LOOK_UP(name, bpf_get_smp_processor_id() * (count) + ((index) & ((count) - 1)))
#define FW_ENV_ACCESSOR(storage, name, type, count)                 \
  FW_INLINE type* fw_env_##name(struct fw_env* env, fw_u32 index) { \
    (void)env;                                                      \
    return FW_SLOT_##storage(name, index, count);                   \
  }
FW_SHARED_TABLES(FW_ENV_ACCESSOR)
FW_CPU_TABLES(FW_ENV_ACCESSOR)
#undef FW_ENV_ACCESSOR

FW_INLINE fw_u64 fw_env_now(struct fw_env* env) {
  if (!env->now_ns) env->now_ns = bpf_ktime_get_coarse_ns();
  return env->now_ns;
}
FW_INLINE const struct fw_config* fw_env_config(struct fw_env* env) {
  return &configs[env->active.half & 1];
}
FW_INLINE const struct fw_port_line* fw_env_ports(struct fw_env* env, fw_u32 index) {
  return FW_LOOK_UP(ports, env->active.half * FW_PORT_LINES + index);
}
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env* env, fw_u32 index) {
  return FW_LOOK_UP(list_v4, (env->active.lists & FW_LISTS_HALF) * FW_LIST_V4_LINES + index);
}
FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env* env, fw_u32 index) {
  void* map = FW_LOOK_UP(lists, env->active.lists & FW_LISTS_HALF);

  index -= FW_LIST_V4_LINES;
  return map ? bpf_map_lookup_elem(map, &index) : NULL;
}
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env* env) {
  return (env->active.lists & FW_LISTS_SHORT) / FW_LISTS_SHORT;
}
FW_INLINE int fw_env_is_past(struct fw_env* env) {
  (void)env;
  return 0;
}
FW_INLINE int fw_env_event(struct fw_env* env, const struct fw_event* event) {
  (void)env;
  return bpf_ringbuf_output(&events, (void*)event, sizeof *event, 0) ? -1 : 0;
}

#endif
