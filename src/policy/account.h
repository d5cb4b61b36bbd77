/* SPDX-License-Identifier: MIT */
/* All counting and sampling of judged packets. Nothing is counted elsewhere, except
 * by the meters and budgets. */
#ifndef FW_POLICY_ACCOUNT_H
#define FW_POLICY_ACCOUNT_H

#include "capacity.h"
#include "tables/port_table.h"

enum {
  /* 1,000/s per CPU and kind, and 256 at once; judgement: more than the engine's search uses. */
  FW_SAMPLE_COST_TICKS = 62500,
  FW_SAMPLE_BURST_TICKS = 16000000,
};

/* Marks the packet as a sample for the engine, if this kind's token bucket has tokens. */
FW_INLINE void fw_take_sample(struct fw_context* x, fw_u32 kind) {
  struct fw_cpu* cpu = fw_env_cpu_state(x->env, 0);
  const struct fw_packet* p = x->packet;

  if (!cpu || kind >= FW_SAMPLE_KINDS) return;
  if (!fw_rate_admit64(&cpu->samples_tat_ticks[kind], x->now_ns, FW_SAMPLE_COST_TICKS,
                       FW_SAMPLE_BURST_TICKS))
    return;
  x->decision->sample = (fw_u8)(kind + 1);
  if (fw_port_served(x->env, p->proto, p->dport)) x->decision->served |= FW_SERVED;
  if (x->sender->has_verified) x->decision->served |= FW_OF_PARTNER;
}

/* Counts a classified packet under its class, and samples it if the engine learns from its reason.
 * A packet above a limit of its source is no sample: it is no evidence about other sources. */
FW_INLINE void fw_account(struct fw_context* x, fw_u32 reason) {
  struct fw_counters* counters = x->counters;
  fw_u32 traffic_class = x->decision->traffic_class, signature;

  if (!fw_reason_is_classified(reason) || traffic_class >= FW_CLASS_COUNT) return;
  counters->class_packets[traffic_class]++;
  counters->class_bytes[traffic_class] += x->packet->len_bytes;
  if (!x->sender->peer && reason != FW_REASON_QUOTE) counters->class_unverified[traffic_class]++;
  if (x->completes_handshake) counters->class_answered[FW_CLASS_TCP_SYN]++;
  if (reason == FW_REASON_SIGNATURE) {
    signature = x->decision->signature - 1U;
    counters->signature_packets[signature & (FW_MAX_SIGNATURES - 1)]++;
  }
  if ((reason == FW_REASON_PASS || reason == FW_REASON_BUDGET) && x->sender->is_new)
    counters->class_new_sources[traffic_class]++;

  if (reason == FW_REASON_SIGNATURE || reason == FW_REASON_BUDGET)
    fw_take_sample(x, FW_SAMPLE_REFUSED);
  else if (reason == FW_REASON_VERIFIED)
    fw_take_sample(x, FW_SAMPLE_TRUSTED);
  else if (reason == FW_REASON_PASS)
    fw_take_sample(x, x->sender->has_verified ? FW_SAMPLE_TRUSTED : FW_SAMPLE_NEW);
}

/* Sets the verdict, and counts the packet under its reason. Called once per packet. A packet above
 * a budget passes if its service bears it. A BPF function, so that the verifier follows it once and
 * not once for each stage that ends a packet's way. */
FW_GLOBAL int fw_settle(struct fw_env* env, const struct fw_packet* p, struct fw_decision* decision,
                        fw_u32 reason) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  struct fw_counters* counters = env ? fw_env_counters(env, 0) : NULL;
  int drops;
  fw_u64 at;

  if (!cfg || !counters || !p || !decision) return 0;
  if (reason == FW_REASON_BUDGET && decision->budget)
    reason = fw_settle_excess(env, p, decision);
  else if (decision->ask == FW_ASK_SENDER && decision->budget) /* answered, and yet above it */
    fw_count_refused(env, decision->budget - 1U, decision->of_all, fw_env_now(env));
  drops = fw_reason_drops(reason);
  at = reason;
  decision->reason = (fw_u8)reason;
  decision->observed = drops && cfg->mode == FW_MODE_OBSERVE;
  decision->verdict = drops && !decision->observed ? FW_DROP : FW_PASS;
  FW_OPAQUE(at); /* older verifiers need the index in the register that was compared */
  if (at < FW_REASON_COUNT) {
    counters->packets[at]++;
    counters->bytes[at] += p->len_bytes;
  }
  counters->observed_drops += decision->observed;
  return 1;
}

#endif
