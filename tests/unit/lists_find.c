/* SPDX-License-Identifier: MIT */
/* The policy's look-up, compiled for the host over a block of memory. What
 * `self` points to counts the lines asked for. */
#include "lists_find.h"

#include "policy/env.h"
#include "policy/list_image.h"

FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env* env, fw_u32 index) {
  ++*(fw_u32*)env->self;
  return index < env->list_lines ? env->lists + index : NULL;
}
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env* env, fw_u32 index) {
  return fw_env_list_line(env, index);
}
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env* env) {
  return ((const struct fw_list_header*)(env->lists + FW_LIST_HEADER))->is_short & 1;
}

#include "policy/lists.h"

fw_u32 lists_find(const void* image, fw_u32 lines, struct fw_addr addr, fw_u32* looked_at) {
  struct fw_env env = {.lists = image, .list_lines = lines, .self = looked_at};

  *looked_at = 0;
  return fw_list_find(&env, &addr);
}
