/* SPDX-License-Identifier: MIT */
/* A byte per port, in two tables: its rule by the configuration, and its FW_PORT_*
 * flags. The latter also has the other IP protocols, which have no ports. */
#ifndef FW_TABLES_PORT_TABLE_H
#define FW_TABLES_PORT_TABLE_H

#include "env.h"

/* TCP's 65,536 ports first, then UDP's, then the protocols. */
FW_INLINE fw_u32 fw_port_index(fw_u8 proto, fw_u16 port) {
  if (proto == FW_IPPROTO_TCP) return port;
  return proto == FW_IPPROTO_UDP ? 65536u + port : 2 * 65536u + proto;
}

FW_INLINE fw_u32 fw_port_rule(struct fw_env* env, fw_u32 index) {
  const struct fw_port_line* line = fw_env_ports(env, index / FW_LINE_BYTES);

  return line ? line->value[index & (FW_LINE_BYTES - 1)] : 0;
}

FW_INLINE fw_u32 fw_port_served(struct fw_env* env, fw_u8 proto, fw_u16 port) {
  fw_u32 index = fw_port_index(proto, port);
  const struct fw_port_line* line = fw_env_served(env, index / FW_LINE_BYTES);

  return line ? line->value[index & (FW_LINE_BYTES - 1)] : 0;
}

FW_INLINE void fw_port_set_answers(struct fw_env* env, fw_u8 proto, fw_u16 port) {
  fw_u32 index = fw_port_index(proto, port);
  struct fw_port_line* line = fw_env_served(env, index / FW_LINE_BYTES);

  if (line && !(line->value[index & (FW_LINE_BYTES - 1)] & FW_PORT_ANSWERS))
    line->value[index & (FW_LINE_BYTES - 1)] |= FW_PORT_ANSWERS;
}

#endif
