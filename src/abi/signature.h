/* SPDX-License-Identifier: MIT */
/* Signatures as the policy matches them. The engine finds and writes them. */
#ifndef FW_ABI_SIGNATURE_H
#define FW_ABI_SIGNATURE_H

#include "packet.h"
#include "vocabulary.h"

enum { FW_MAX_SIGNATURES = 64 }; /* one bit each in a word of fw_signature_set */

/* Matches a packet if its match key, masked, equals `value` in all three words. */
struct fw_signature {
  struct fw_match_key mask, value;
  fw_u64 until_ns; /* exclusive; 0: without an end. The engine renews it while the flood lasts, so
                      that a signature ends by itself when the daemon is dead */
  fw_u64 pad;
};
/* Which signatures are in force, by class: bit i is signatures[i]. The engine writes a signature
 * before it sets its bits, and clears the bits before it writes another one there. */
struct fw_signature_set {
  fw_u64 active[FW_CLASS_COUNT];
  fw_u64 pad[6];
};

FW_STATIC_ASSERT(sizeof(struct fw_signature) == FW_LINE_BYTES, "one line");
FW_STATIC_ASSERT(sizeof(struct fw_signature_set) == 128, "no padding");

#endif
