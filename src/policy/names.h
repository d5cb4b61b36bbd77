/* SPDX-License-Identifier: MIT */
/* What is decided about an address by name: lists and entries, looked up together,
 * so that their cache misses are waited for once. A denied packet costs little
 * more than these misses: of a flood of them only that of its cell, since one that
 * comes after a denied one is expected to be denied as well. */
#ifndef FW_POLICY_NAMES_H
#define FW_POLICY_NAMES_H

#include "entries.h"
#include "lists.h"

/* What fw_names() says: the index of the entry that wins, the FW_ENTRY_* it is, and FW_LIST_*. */
#define FW_NAMES_INDEX(names) ((fw_u32)(names))
#define FW_NAMES_ENTRY(names) ((fw_u32)((names) >> 32) & 0xff)
#define FW_NAMES_LISTS(names) ((fw_u32)((names) >> 40))

FW_INLINE fw_u64 fw_names_v4(struct fw_env* env, const struct fw_config* cfg,
                             struct fw_counters* counters, const struct fw_addr* a) {
  fw_u64 listed = fw_list_find_v4(env, (fw_u32)a->lo, counters->denied_last != 0);

  if (counters->denied_last != (listed == FW_LIST_DENY)) counters->denied_last ^= 1;
  if (listed == FW_LIST_DENY && !fw_is_guarded(env, cfg, a)) return listed << 40;
  return listed << 40 | fw_entry_find(env, a, fw_env_now(env));
}

FW_INLINE fw_u64 fw_names(struct fw_env* env, const struct fw_config* cfg,
                          struct fw_counters* counters, const struct fw_addr* a) {
  fw_u64 entry = 0, listed;
  int guarded;

  if (fw_is_v4(a)) return fw_names_v4(env, cfg, counters, a);
  guarded = fw_is_guarded(env, cfg, a);
  if (guarded) entry = fw_entry_find(env, a, fw_env_now(env));
  if (FW_NAMES_ENTRY(entry) > FW_ENTRY_BAN) return entry; /* lists do not matter to it */
  listed = fw_list_find_v6(env, a);
  if (!guarded && listed != FW_LIST_DENY) entry = fw_entry_find(env, a, fw_env_now(env));
  return listed << 40 | entry;
}

#endif
