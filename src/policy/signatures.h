/* SPDX-License-Identifier: MIT */
/* The stage of signatures: values of header fields that the packets of a flood share
 * and normal traffic does not. The engine finds them (engine/detect) and writes them
 * while packets are judged. They never apply to packets of verified flows, nor to
 * other packets of sources with verified flows. */
#ifndef FW_POLICY_SIGNATURES_H
#define FW_POLICY_SIGNATURES_H

#include "context.h"
#include "tables/signature_match.h"

FW_INLINE fw_u32 fw_stage_signatures(struct fw_context* x) {
  struct fw_decision* decision = x->decision;

  if (x->sender->peer || !fw_signatures_exist(x->env, decision->traffic_class)) return FW_CONTINUE;
  decision->signature =
      (fw_u8)fw_signature_find(x->env, x->packet, decision->traffic_class, x->now_ns);
  if (decision->signature &&
      !fw_source_is_verified(x->env, &x->sender->key, decision->rule, x->now_ns))
    return FW_REASON_SIGNATURE;
  return FW_CONTINUE;
}

#endif
