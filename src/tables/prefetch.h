/* SPDX-License-Identifier: MIT */
/* Reads the source's bucket and, if it will be needed, the flow's, so that the
 * processor waits for both cache lines at once (docs/decisions/memory-latency.md).
 * The source's meters are not read: most sources of a flood have none. */
#ifndef FW_TABLES_PREFETCH_H
#define FW_TABLES_PREFETCH_H

#include "env.h"

FW_INLINE void fw_prefetch(struct fw_env* env, const struct fw_config* cfg, fw_u64 source_hash,
                           fw_u64 flow_hash, int needs_flow) {
  const struct fw_source_bucket* sources =
      fw_env_sources(env, (fw_u32)source_hash & cfg->source_mask);
  const struct fw_flow_bucket* flows =
      needs_flow ? fw_env_flows(env, (fw_u32)flow_hash & cfg->flow_mask) : NULL;

  if (sources) (void)FW_READ(sources->slot[0].tag);
  if (flows) (void)FW_READ(flows->slot[0].tag);
}

#endif
