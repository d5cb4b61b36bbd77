/* SPDX-License-Identifier: MIT */
/* The policy for everything that runs in a process: the headers of policy/,
 * compiled once for the host, with env.h answered from fw_env's arrays. */
#include "policy/policy.h"

#include "datapath/user/syn_cookie.h"
#include "policy/decide.h"

FW_INLINE fw_u64 fw_env_now(struct fw_env* e) {
  return e->now_ns;
}
FW_INLINE const struct fw_config* fw_env_config(struct fw_env* e) {
  return e->config;
}
FW_INLINE const struct fw_port_line* fw_env_port_line(struct fw_env* e, fw_u32 index) {
  return e->ports && index < FW_PORT_LINES ? &e->ports[index] : NULL;
}
FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env* e, fw_u32 index) {
  return e->lists && index < e->list_lines ? &e->lists[index] : NULL;
}
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env* e, fw_u32 index) {
  return fw_env_list_line(e, index);
}
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env* e) {
  const struct fw_list_header* header =
      (const struct fw_list_header*)fw_env_list_line(e, FW_LIST_HEADER);

  return header ? header->is_short & 1 : 0;
}
FW_INLINE struct fw_source_bucket* fw_env_sources(struct fw_env* e, fw_u32 bucket) {
  return &e->sources[bucket];
}
FW_INLINE struct fw_meter* fw_env_meter(struct fw_env* e, fw_u32 index) {
  return &e->meters[index];
}
FW_INLINE struct fw_flow_bucket* fw_env_flows(struct fw_env* e, fw_u32 bucket) {
  return &e->flows[bucket];
}
FW_INLINE struct fw_flow_filter* fw_env_flow_filter(struct fw_env* e, fw_u32 index) {
  return &e->flow_filter[index];
}
FW_INLINE struct fw_entry_filter* fw_env_entry_filter(struct fw_env* e, fw_u32 index) {
  return &e->entry_filter[index];
}
FW_INLINE struct fw_entry_keys* fw_env_entry_keys(struct fw_env* e, fw_u32 bucket) {
  return &e->entry_keys[bucket];
}
FW_INLINE struct fw_entry* fw_env_entry(struct fw_env* e, fw_u32 index) {
  return &e->entries[index];
}
FW_INLINE struct fw_entry_pending* fw_env_entry_pending(struct fw_env* e, fw_u32 index) {
  return &e->hits[index & (FW_PENDING_SLOTS - 1)];
}
FW_INLINE struct fw_counters* fw_env_counters(struct fw_env* e) {
  return e->counters;
}
FW_INLINE struct fw_shared* fw_env_shared(struct fw_env* e) {
  return e->shared;
}
FW_INLINE struct fw_port_line* fw_env_served(struct fw_env* e, fw_u32 index) {
  return e->served && index < FW_PORT_LINES ? &e->served[index] : NULL;
}
FW_INLINE struct fw_budget* fw_env_budget(struct fw_env* e, fw_u32 index) {
  return e->budgets && index < FW_BUDGET_SLOTS ? &e->budgets[index] : NULL;
}
FW_INLINE struct fw_budget_share* fw_env_budget_share(struct fw_env* e, fw_u32 index) {
  return e->shares && index < FW_BUDGET_SLOTS ? &e->shares[index] : NULL;
}
FW_INLINE const struct fw_signature* fw_env_signature(struct fw_env* e, fw_u32 index) {
  return e->signatures && index < FW_MAX_SIGNATURES ? &e->signatures[index] : NULL;
}
FW_INLINE const struct fw_signature_set* fw_env_signature_set(struct fw_env* e) {
  return e->signature_set;
}
FW_INLINE struct fw_cpu* fw_env_cpu(struct fw_env* e) {
  return e->cpu;
}
FW_INLINE int fw_env_is_past(struct fw_env* e) {
  return e->is_past != 0;
}
FW_INLINE int fw_env_event(struct fw_env* e, const struct fw_event* event) {
  if (e->event) e->event(e->self, event);
  return 0;
}

static struct fw_cursor cursor_of(const struct fw_frame* frame) {
  struct fw_cursor cursor = {frame->data, frame->data + frame->captured_bytes, frame->wire_bytes,
                             0};
  return cursor;
}

static void show(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns,
                 const struct fw_packet* packet, const struct fw_decision* decision) {
  struct fw_sample sample;
  fw_u32 bytes = frame->captured_bytes;

  if (bytes > FW_SAMPLE_HEAD_BYTES) bytes = FW_SAMPLE_HEAD_BYTES;
  __builtin_memset(&sample, 0, sizeof sample);
  sample.time_ns = now_ns;
  sample.packet = *packet;
  sample.kind = (fw_u8)(decision->sample - 1);
  sample.reason = decision->reason;
  sample.traffic_class = decision->traffic_class;
  sample.signature = decision->signature;
  sample.served = decision->served;
  sample.link = frame->link;
  sample.head_bytes = (fw_u16)bytes;
  if (bytes) __builtin_memcpy(sample.head, frame->data, bytes);
  env->sample(env->self, &sample);
}

/* Nothing can be sent from here. */
static void settle_challenge(struct fw_env* env, const struct fw_frame* frame,
                             const struct fw_packet* packet, struct fw_decision* decision) {
  fw_u32 reason = decision->reason;

  if (env->is_past && fw_would_challenge(env, frame, packet, env->now_ns))
    reason = FW_REASON_CHALLENGE;
  fw_settle(env, env->counters, packet, decision, reason);
}

void fw_policy_decide(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns,
                      struct fw_packet* packet, struct fw_decision* decision) {
  struct fw_cursor cursor = cursor_of(frame);

  __builtin_memset(packet, 0, sizeof *packet);
  __builtin_memset(decision, 0, sizeof *decision);
  env->now_ns = now_ns;
  fw_decide(env, fw_parse(&cursor, frame->link, packet), packet, decision);
  if (decision->sample && env->sample) show(env, frame, now_ns, packet, decision);
  if (decision->challenge) settle_challenge(env, frame, packet, decision);
}

void fw_policy_note_egress(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns) {
  struct fw_cursor cursor = cursor_of(frame);
  struct fw_packet packet;

  __builtin_memset(&packet, 0, sizeof packet);
  fw_note_egress(env, fw_parse(&cursor, frame->link, &packet), &packet, now_ns);
}

struct fw_match_key fw_policy_match_key(const struct fw_packet* packet) {
  return fw_match_key_of(packet);
}

int fw_policy_parse(const struct fw_frame* frame, struct fw_packet* packet) {
  struct fw_cursor cursor = cursor_of(frame);

  __builtin_memset(packet, 0, sizeof *packet);
  return fw_parse(&cursor, frame->link, packet) == FW_PARSED;
}

fw_s32 fw_policy_entry_find(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits,
                            fw_u8 kind) {
  fw_u32 index = fw_entry_index((struct fw_env*)env, env->config, &addr, prefix_bits);

  return index == FW_NO_ENTRY || env->entries[index].kind != kind ? -1 : (fw_s32)index;
}

/* Notes in the FW_GUARD_WORDS what an entry protects. */
static void guard(struct fw_entry_filter* words, const struct fw_entry* entry) {
  fw_u32 bit = fw_guard_bit(&entry->addr);

  if (entry->kind == FW_ENTRY_BAN) return;
  if (entry->prefix_bits >= (fw_is_v4(&entry->addr) ? FW_GUARD_V4 : FW_GUARD_V6))
    words[bit >> 6].bits |= 1ULL << (bit & 63);
  else
    __builtin_memset(words, 0xff, FW_GUARD_WORDS * sizeof *words);
}

void fw_policy_entries_guard(struct fw_env* env) {
  struct fw_entry_filter words[FW_GUARD_WORDS] = {0};

  for (fw_u32 i = 0; i < (env->config->entry_mask + 1) * FW_ENTRY_SLOTS; i++)
    if (FW_READ(env->entries[i].until_ns)) guard(words, &env->entries[i]);
  for (fw_u32 i = 0; i < FW_GUARD_WORDS; i++)
    FW_WRITE(fw_guard_at(env, env->config, i)->bits, words[i].bits);
}

fw_u32 fw_policy_pending(const struct fw_entry_pending* hits, fw_u32 index) {
  hits += index & (FW_PENDING_SLOTS - 1);
  return FW_READ(hits->entry) == index + 1 ? FW_READ(hits->packets) : 0;
}

void fw_policy_forget_pending(struct fw_entry_pending* hits, fw_u32 index) {
  hits += index & (FW_PENDING_SLOTS - 1);
  if (FW_READ(hits->entry) != index + 1) return;
  FW_WRITE(hits->packets, 0u);
  FW_WRITE(hits->metered, 0u);
}

fw_s32 fw_policy_entry_put(struct fw_env* env, const struct fw_entry* entry, fw_u64 now_ns) {
  fw_u32 index = fw_entry_index(env, env->config, &entry->addr, entry->prefix_bits);

  if (index == FW_NO_ENTRY)
    index = fw_entry_claim(env, env->config,
                           fw_entry_key(env->config, &entry->addr, entry->prefix_bits), now_ns);
  if (index == FW_NO_ENTRY) return -1;
  guard(fw_guard_at(env, env->config, 0), entry); /* nobody else writes these */
  fw_entry_fill(&env->entries[index], entry);
  return (fw_s32)index;
}

void fw_policy_entry_prefetch(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits) {
  fw_u64 key = fw_entry_key(env->config, &addr, prefix_bits);
  fw_u32 bucket = fw_entry_bucket(env->config, key, 0);

  __builtin_prefetch(&env->entry_keys[bucket], 1);
  __builtin_prefetch(&env->entries[(fw_u64)bucket * FW_ENTRY_SLOTS], 1);
}

/* The kinds of the keys that a bucket has and is the first one of. */
static fw_u64 kinds_in(const struct fw_env* env, fw_u32 bucket) {
  fw_u64 kinds = 0;

  for (fw_u32 way = 0; way < FW_ENTRY_SLOTS; way++) {
    fw_u64 key = FW_READ(env->entry_keys[bucket].key[way]);
    if (key && fw_entry_bucket(env->config, key, 0) == bucket) kinds |= fw_entry_kind(key);
  }
  return kinds;
}

/* Takes the kinds that a bucket has no more out of the filter. That keys of it are elsewhere stays
 * noted: who would know that the last of them went? A key that is claimed meanwhile is seen by the
 * second look, or enters itself afterwards. */
static void renew_filter(struct fw_env* env, fw_u32 bucket) {
  struct fw_entry_filter* filter = fw_entry_filter_at(env, bucket);
  fw_u32 shift = fw_entry_filter_shift(bucket);
  fw_u64 kinds = ((1ULL << FW_ENTRY_FILTER_BITS) - 1 - FW_ENTRY_SPILLED) << shift;
  fw_u64 old, renewed;

  do {
    old = FW_READ(filter->bits);
    renewed = (old & ~kinds) | kinds_in(env, bucket) << shift;
  } while (__sync_val_compare_and_swap(&filter->bits, old, renewed) != old);
  __sync_fetch_and_or(&filter->bits, kinds_in(env, bucket) << shift);
}

void fw_policy_entry_erase(struct fw_env* env, fw_u32 index) {
  FW_WRITE(env->entries[index].until_ns, 0ULL);
  FW_WRITE(env->entry_keys[index / FW_ENTRY_SLOTS].key[index % FW_ENTRY_SLOTS], 0ULL);
  renew_filter(env, index / FW_ENTRY_SLOTS);
}

void fw_policy_flow_establish(struct fw_env* env, struct fw_addr remote, fw_u16 remote_port,
                              struct fw_addr local, fw_u16 local_port, fw_u8 proto, fw_u64 now_ns) {
  struct fw_tuple tuple = {&remote, &local, remote_port, local_port, proto};
  fw_u64 h = fw_flow_hash(env->config, &tuple);
  struct fw_flow* flow = fw_flow_find(env, env->config, h, fw_window(now_ns), 1);

  if (flow) fw_flow_say(env, env->config, flow, h, fw_window(now_ns), FW_FLOW_ESTABLISHED);
}

/* The index of a source's cell under a rule, as fw_source_find() would find it; -1: none. */
static fw_s32 cell_of(const struct fw_env* env, const struct fw_addr* key, fw_u32 rule,
                      fw_u32 verified) {
  fw_u64 h = fw_hash(env->config, key, rule + 1);
  fw_u32 tag = (((fw_u32)(h >> 32) | 2u) & ~1u) | (verified & 1);
  fw_u32 bucket = (fw_u32)h & env->config->source_mask;

  for (fw_u32 i = 0; i < FW_SOURCE_SLOTS; i++)
    if (FW_READ(env->sources[bucket].slot[i].tag) == tag)
      return (fw_s32)(bucket * FW_SOURCE_SLOTS + i);
  return -1;
}

void fw_policy_source_forget(const struct fw_env* env, struct fw_addr key) {
  for (fw_u32 rule = 0; rule < FW_MAX_RULES; rule++) {
    if (rule && !env->config->rule[rule].own) continue;
    for (fw_u32 verified = 0; verified < 2; verified++) {
      fw_s32 cell = cell_of(env, &key, rule, verified);

      /* Whoever takes it next begins with empty meters. */
      if (cell >= 0)
        FW_WRITE(env->sources[cell / FW_SOURCE_SLOTS].slot[cell % FW_SOURCE_SLOTS].tag, 0U);
    }
  }
}

/* Of a pair of counts that were last rolled `passed` windows ago. */
static fw_u32 sliding_rate(fw_u32 count, fw_u32 before, fw_u32 passed, fw_u64 now_ns) {
  if (passed > 1) return 0;
  if (passed) fw_rate_roll(&count, &before, passed);
  return fw_rate_sliding(count, before, now_ns);
}

int fw_policy_source_rates(const struct fw_env* env, struct fw_addr key, fw_u32 rule,
                           fw_u32 verified, fw_u64 now_ns, fw_u32 rates[FW_METRIC_COUNT]) {
  fw_s32 cell = cell_of(env, &key, rule, verified);
  const struct fw_source* source;
  struct fw_meter meter;
  fw_u32 passed, note;

  for (int i = 0; i < FW_METRIC_COUNT; i++) rates[i] = 0;
  if (cell < 0) return 0;
  source = &env->sources[cell / FW_SOURCE_SLOTS].slot[cell % FW_SOURCE_SLOTS];
  passed = fw_idle(fw_window(now_ns), FW_READ(source->seen_window), 0xffffffff);
  note = FW_READ(source->over);
  if (note & FW_SOURCE_NOTED)
    fw_meter_begin(&meter, env->config->rule[rule].limit,
                   passed < FW_TAT_MEMORY_WINDOWS ? note : FW_SOURCE_NOTED, now_ns);
  else
    meter = env->meters[cell];
  passed = fw_idle(fw_window(now_ns) & 0x3fffff, meter.seen_ms >> 10, 0x3fffff);
  for (int i = 0; i < FW_METRIC_COUNT; i++)
    rates[i] = sliding_rate(meter.count[i], meter.before[i], passed, now_ns);
  return 1;
}

fw_u32 fw_policy_entry_rate(const struct fw_entry* entry, fw_u64 now_ns) {
  fw_u32 passed = fw_idle(fw_window(now_ns), FW_READ(entry->window), 0xffffffff);

  return sliding_rate(FW_READ(entry->count), FW_READ(entry->before), passed, now_ns);
}

fw_u32 fw_policy_list_find(const struct fw_env* env, struct fw_addr addr) {
  return fw_list_find((struct fw_env*)env, &addr);
}

struct fw_addr fw_policy_source_key(const struct fw_config* config, struct fw_addr addr) {
  return fw_source_key(config, addr);
}
