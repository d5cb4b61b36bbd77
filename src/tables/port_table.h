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

/* As the daemon does when it looks for sockets, and takes back when there is none. */
FW_INLINE void fw_port_set_listens(struct fw_env* env, fw_u8 proto, fw_u16 port) {
  fw_u32 index = fw_port_index(proto, port);
  struct fw_port_line* line = fw_env_served(env, index / FW_LINE_BYTES);

  if (line) line->value[index & (FW_LINE_BYTES - 1)] |= FW_PORT_LISTENS;
}

/* The five highest bits of a port that ANSWERS: the epoch, of four windows, in which it sent last.
 * They wrap around after two minutes. */
enum { FW_PORT_EPOCH_SHIFT = 3, FW_PORT_EPOCH_WINDOWS_SHIFT = 2 };
FW_INLINE fw_u8 fw_port_epoch(fw_u32 window) {
  return (fw_u8)(window >> FW_PORT_EPOCH_WINDOWS_SHIFT << FW_PORT_EPOCH_SHIFT);
}
/* Records that a port which answers sends UDP. */
FW_INLINE void fw_port_sends(struct fw_env* env, fw_u16 port, fw_u32 window) {
  const fw_u8 flags = (1 << FW_PORT_EPOCH_SHIFT) - 1;
  fw_u32 index = fw_port_index(FW_IPPROTO_UDP, port);
  struct fw_port_line* line = fw_env_served(env, index / FW_LINE_BYTES);
  fw_u8 was, is;

  if (!line) return;
  was = line->value[index & (FW_LINE_BYTES - 1)];
  is = (was & flags) | fw_port_epoch(window);
  if ((was & FW_PORT_ANSWERS) && was != is) line->value[index & (FW_LINE_BYTES - 1)] = is;
}
/* 1: the port answers, and has sent something in this epoch or the one before. */
FW_INLINE int fw_port_answers_lately(fw_u8 served, fw_u32 window) {
  fw_u8 epoch = (fw_u8)(served >> FW_PORT_EPOCH_SHIFT << FW_PORT_EPOCH_SHIFT);
  fw_u8 passed = (fw_u8)(fw_port_epoch(window) - epoch) >> FW_PORT_EPOCH_SHIFT;

  return (served & FW_PORT_ANSWERS) && passed <= 1;
}

#endif
