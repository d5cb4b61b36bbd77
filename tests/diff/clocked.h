/* SPDX-License-Identifier: MIT */
/* What the test and its build of the XDP program share: the clock that the test
 * sets, and the packet and decision of the last ingress frame. */
#ifndef FW_TESTS_DIFF_CLOCKED_H
#define FW_TESTS_DIFF_CLOCKED_H

#include "abi/packet.h"

struct fw_clocked {
  fw_u64 now_ns;
  struct fw_packet packet;
  struct fw_decision decision;
  fw_u8 pad[4];
};

#endif
