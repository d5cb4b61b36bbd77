/* SPDX-License-Identifier: MIT */
/* The policy's look-up in a list image in memory, callable from C++. */
#ifndef TESTS_HARNESS_LIST_FIND_H
#define TESTS_HARNESS_LIST_FIND_H

#include "abi/list_image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* FW_LIST_DENY and FW_LIST_ALLOW, or-ed. `image` is aligned to a line, or NULL. *looked_at is set
 * to how many lines the look-up read. */
fw_u32 list_find(const void* image, fw_u32 lines, struct fw_addr addr, fw_u32* looked_at);

#ifdef __cplusplus
}
#endif
#endif
