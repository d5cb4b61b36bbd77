/* SPDX-License-Identifier: MIT */
/* Looks an address up in the deny and allow lists and among the entries. Both
 * together, so that a structure is not read where its result cannot matter.
 *
 * fw_counters.last_was_denied is a one-bit predictor: after a denied packet the
 * next one is expected to be denied too, and the list's filter is skipped
 * (docs/decisions/list-layout.md). For an address that the lists deny, the entries
 * are read only where the protected-prefix bitmap has a bit. */
#ifndef FW_TABLES_ACCESS_LISTS_H
#define FW_TABLES_ACCESS_LISTS_H

#include "entry_table.h"
#include "list_lookup.h"

struct fw_access {
  struct fw_entry_match entry; /* the one that decides, unless the lists do */
  fw_u32 listed;               /* FW_LIST_DENY and FW_LIST_ALLOW, or-ed */
};

FW_INLINE struct fw_access fw_access_find_v4(struct fw_env* env, const struct fw_config* cfg,
                                             struct fw_counters* counters,
                                             const struct fw_addr* a) {
  struct fw_access access = {{0, FW_STANDING_NONE}, 0};
  int denied;

  access.listed = fw_list_find_v4(env, (fw_u32)a->lo, counters->last_was_denied != 0);
  denied = access.listed == FW_LIST_DENY;
  if (counters->last_was_denied != (fw_u64)denied) counters->last_was_denied ^= 1;
  if (!denied || fw_may_be_protected(env, cfg, a))
    access.entry = fw_entry_find(env, a, fw_env_now(env));
  return access;
}

/* Where an entry may protect the address the entries are read first: the IPv6 lists are slower. */
FW_INLINE struct fw_access fw_access_find_v6(struct fw_env* env, const struct fw_config* cfg,
                                             const struct fw_addr* a) {
  struct fw_access access = {{0, FW_STANDING_NONE}, 0};
  int may_be_protected = fw_may_be_protected(env, cfg, a);

  if (may_be_protected) access.entry = fw_entry_find(env, a, fw_env_now(env));
  if (access.entry.standing > FW_STANDING_BANNED) return access; /* whatever the lists say */
  access.listed = fw_list_find_v6(env, a);
  if (!may_be_protected && access.listed != FW_LIST_DENY)
    access.entry = fw_entry_find(env, a, fw_env_now(env));
  return access;
}

FW_INLINE struct fw_access fw_access_find(struct fw_env* env, const struct fw_config* cfg,
                                          struct fw_counters* counters, const struct fw_addr* a) {
  return fw_is_v4(a) ? fw_access_find_v4(env, cfg, counters, a) : fw_access_find_v6(env, cfg, a);
}

#endif
