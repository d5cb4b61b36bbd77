/* SPDX-License-Identifier: MIT */
/* The interface between the policy and a datapath: all functions of the datapath
 * that policy code may call. Each datapath defines them before it includes
 * policy/judge.h. Policy code calls nothing else: no clock, no random source, no
 * log, no allocation.
 *
 * Each table of abi/tables.h has an accessor fw_env_NAME(env, index). The caller
 * masks the index. NULL means that the slot is absent (an index out of range, a
 * table that was not made yet); then the packet is judged without it. */
#ifndef FW_TABLES_ENV_H
#define FW_TABLES_ENV_H

#include "abi/list_image.h"
#include "abi/tables.h"

struct fw_env;

#define FW_ENV_ACCESSOR(storage, name, type, count) \
  FW_INLINE type* fw_env_##name(struct fw_env*, fw_u32 index);
FW_SHARED_TABLES(FW_ENV_ACCESSOR)
FW_CPU_TABLES(FW_ENV_ACCESSOR)
#undef FW_ENV_ACCESSOR

/* The packet's time; every call for one packet returns the same. Not called for a denied packet,
 * since reading the clock costs. */
FW_INLINE fw_u64 fw_env_now(struct fw_env*);
FW_INLINE const struct fw_config* fw_env_config(struct fw_env*);
FW_INLINE const struct fw_port_line* fw_env_ports(struct fw_env*, fw_u32 index);
/* A line of the list image: one of the FW_LIST_V4_LINES, or one behind them. */
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env*, fw_u32 index);
FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env*, fw_u32 index);
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env*); /* is_short of the image's header: 0 or 1 */
/* 1: packets are of a capture: those that are dropped now had reached the host then. */
FW_INLINE int fw_env_is_past(struct fw_env*);
/* 0, or -1 when the ring is full. */
FW_INLINE int fw_env_event(struct fw_env*, const struct fw_event*);

#endif
