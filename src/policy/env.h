/* SPDX-License-Identifier: MIT */
/* The seam: everything the policy may ask of a datapath. Each datapath defines
 * these before it includes decide.h. Nothing else may be called from policy
 * code: no clock, no random source, no log, no allocation.
 *
 * Indexes are masked by the caller; NULL means absent (an index out of range,
 * tables not there yet), and absent always means: judge without it. */
#ifndef FW_POLICY_ENV_H
#define FW_POLICY_ENV_H

#include "policy.h"

#ifndef NULL
#define NULL ((void*)0)
#endif

/* The packet's time, the same however often it is asked for. A denied packet does not ask. */
FW_INLINE fw_u64 fw_env_now(struct fw_env*);
FW_INLINE const struct fw_config* fw_env_config(struct fw_env*);
FW_INLINE const struct fw_port_line* fw_env_port_line(struct fw_env*, fw_u32 index);
/* A line of the lists: one of IPv4's FW_LIST_V4_LINES, or one behind them. */
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env*, fw_u32 index);
FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env*, fw_u32 index);
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env*); /* of the lists' header: 0 or 1 */
FW_INLINE struct fw_source_bucket* fw_env_sources(struct fw_env*, fw_u32 bucket);
FW_INLINE struct fw_meter* fw_env_meter(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_flow_bucket* fw_env_flows(struct fw_env*, fw_u32 bucket);
FW_INLINE struct fw_flow_filter* fw_env_flow_filter(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_entry_keys* fw_env_entry_keys(struct fw_env*, fw_u32 bucket);
FW_INLINE struct fw_entry_filter* fw_env_entry_filter(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_entry* fw_env_entry(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_entry_pending* fw_env_entry_pending(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_counters* fw_env_counters(struct fw_env*);
FW_INLINE struct fw_shared* fw_env_shared(struct fw_env*);
FW_INLINE struct fw_port_line* fw_env_served(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_budget* fw_env_budget(struct fw_env*, fw_u32 index);
FW_INLINE struct fw_budget_share* fw_env_budget_share(struct fw_env*, fw_u32 index);
FW_INLINE const struct fw_signature* fw_env_signature(struct fw_env*, fw_u32 index);
FW_INLINE const struct fw_signature_set* fw_env_signature_set(struct fw_env*);
FW_INLINE struct fw_cpu* fw_env_cpu(struct fw_env*);
/* 1: packets are of the past, and those that are dropped now were not dropped then. */
FW_INLINE int fw_env_is_past(struct fw_env*);
/* 0, or -1 when there was no room. */
FW_INLINE int fw_env_event(struct fw_env*, const struct fw_event*);

#endif
