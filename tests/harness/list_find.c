/* SPDX-License-Identifier: MIT */
#include "harness/list_find.h"

#include "tables/env.h"

struct fw_env {
  const struct fw_list_line* lines;
  fw_u32 count, looked_at;
};

FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env* env, fw_u32 index) {
  env->looked_at++;
  return env->lines && index < env->count ? env->lines + index : NULL;
}
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env* env, fw_u32 index) {
  return fw_env_list_line(env, index);
}
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env* env) {
  return env->lines ? ((const struct fw_list_header*)(env->lines + FW_LIST_HEADER))->is_short & 1
                    : 0;
}

#include "tables/list_lookup.h"

fw_u32 list_find(const void* image, fw_u32 lines, struct fw_addr addr, fw_u32* looked_at) {
  struct fw_env env = {image, lines, 0};
  fw_u32 found = fw_list_find(&env, &addr);

  *looked_at = env.looked_at;
  return found;
}
