/* SPDX-License-Identifier: MIT */
/* fw_list_find() over an image in memory, for C++. */
#ifndef TESTS_UNIT_LISTS_FIND_H
#define TESTS_UNIT_LISTS_FIND_H

#include "policy/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* *looked_at is how many lines the look-up asked for. */
fw_u32 lists_find(const void* image, fw_u32 lines, struct fw_addr addr, fw_u32* looked_at);

#ifdef __cplusplus
}
#endif
#endif
