/* SPDX-License-Identifier: MIT */
/* The list of tables. Everything that has one member, map, accessor, pin or size
 * per table is generated from these lists: the BPF maps and pins (datapath/xdp),
 * the tables of a process (datapath/user), the interface (datapath/datapath.hpp),
 * the policy's accessors and the tests' comparisons. A new table is one line here,
 * and its struct in layout.h.
 *
 * X(storage, name, type, count): `count` slots of `type`; the name is that of the
 * BPF map and its pin. In `count`, `sizes` is a const struct fw_table_sizes*.
 * Storage: ARRAY, a map of its own; VARIABLE, a global variable of the BPF
 * program, cheaper to reach, whose count must be a constant; SLICED, an array with
 * a slice of `count` slots per CPU; PER_CPU, a per-CPU map. */
#ifndef FW_ABI_TABLES_H
#define FW_ABI_TABLES_H

#include "configuration.h"
#include "layout.h"

/* Slots of the tables whose size is configured; powers of two. */
struct fw_table_sizes {
  fw_u32 sources, flows, bans;
};

/* Two slots per ban. Measured: with two-choice hashing into buckets of eight no insertion fails at
 * half load (docs/decisions/tables.md). */
FW_INLINE fw_u32 fw_entry_slots(const struct fw_table_sizes* sizes) {
  return 2 * sizes->bans;
}
FW_INLINE fw_u32 fw_entry_buckets(const struct fw_table_sizes* sizes) {
  return fw_entry_slots(sizes) / FW_ENTRY_SLOTS;
}
FW_INLINE fw_u32 fw_entry_filters(const struct fw_table_sizes* sizes) {
  return (fw_entry_buckets(sizes) + FW_ENTRY_FILTER_BUCKETS - 1) / FW_ENTRY_FILTER_BUCKETS +
         FW_PROTECTED_WORDS;
}
FW_INLINE fw_u32 fw_flow_buckets(const struct fw_table_sizes* sizes) {
  return sizes->flows / FW_FLOW_SLOTS;
}
FW_INLINE fw_u32 fw_flow_filters(const struct fw_table_sizes* sizes) {
  return (fw_flow_buckets(sizes) + FW_FLOW_FILTER_BUCKETS - 1) / FW_FLOW_FILTER_BUCKETS;
}

/* Shared by all CPUs and with the daemon, which writes them as well. */
#define FW_SHARED_TABLES(X)                                                    \
  X(ARRAY, sources, struct fw_source_bucket, sizes->sources / FW_SOURCE_SLOTS) \
  X(ARRAY, meters, struct fw_meter, sizes->sources)                            \
  X(ARRAY, flows, struct fw_flow_bucket, fw_flow_buckets(sizes))               \
  X(ARRAY, flow_filter, struct fw_flow_filter, fw_flow_filters(sizes))         \
  X(ARRAY, datagrams, struct fw_datagram, FW_DATAGRAMS)                        \
  X(ARRAY, entry_keys, struct fw_entry_keys, fw_entry_buckets(sizes))          \
  X(ARRAY, entry_filter, struct fw_entry_filter, fw_entry_filters(sizes))      \
  X(ARRAY, entries, struct fw_entry, fw_entry_slots(sizes))                    \
  X(ARRAY, served, struct fw_port_line, FW_SERVED_LINES)                       \
  X(VARIABLE, budgets, struct fw_budget, FW_BUDGET_SLOTS)                      \
  X(VARIABLE, capacities, struct fw_capacity, FW_BUDGET_SLOTS)                 \
  X(ARRAY, retries, struct fw_retry_bucket, FW_RETRY_BUCKETS)                  \
  X(ARRAY, signatures, struct fw_signature, FW_MAX_SIGNATURES)                 \
  X(VARIABLE, signature_set, struct fw_signature_set, 1)                       \
  X(VARIABLE, shared, struct fw_shared, 1)

/* One per CPU, or in a process one per reader of packets. */
#define FW_CPU_TABLES(X)                                              \
  X(SLICED, entry_pending, struct fw_entry_pending, FW_PENDING_SLOTS) \
  X(PER_CPU, budget_shares, struct fw_budget_share, FW_BUDGET_SLOTS)  \
  X(PER_CPU, counters, struct fw_counters, 1)                         \
  X(PER_CPU, cpu_state, struct fw_cpu, 1)

#endif
