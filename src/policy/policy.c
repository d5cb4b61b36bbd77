/* SPDX-License-Identifier: MIT */
/* The policy for code in this process: the headers of the XDP program, compiled for
 * the host, with the functions of tables/env.h on the arrays of fw_env. */
#include "policy/policy.h"

#include "policy/egress.h"
#include "policy/judge.h"
#include "policy/syn_cookie.h"

/* The table of one reader is one slice of FW_PENDING_SLOTS. */
FW_INLINE fw_u32 fw_env_slice(fw_u32 index) {
  return index & (FW_PENDING_SLOTS - 1);
}
#define FW_INDEX_ARRAY(index) (index)
#define FW_INDEX_VARIABLE(index) (index)
#define FW_INDEX_SLICED(index) fw_env_slice(index)
#define FW_INDEX_PER_CPU(index) (index)
#define FW_ENV_ACCESSOR(storage, name, type, count)                  \
  FW_INLINE type* fw_env_##name(struct fw_env* env, fw_u32 index) {  \
    return env->name ? &env->name[FW_INDEX_##storage(index)] : NULL; \
  }
FW_SHARED_TABLES(FW_ENV_ACCESSOR)
FW_CPU_TABLES(FW_ENV_ACCESSOR)
#undef FW_ENV_ACCESSOR

FW_INLINE fw_u64 fw_env_now(struct fw_env* env) {
  return env->now_ns;
}
FW_INLINE const struct fw_config* fw_env_config(struct fw_env* env) {
  return env->config;
}
FW_INLINE const struct fw_port_line* fw_env_ports(struct fw_env* env, fw_u32 index) {
  return env->ports && index < FW_PORT_LINES ? &env->ports[index] : NULL;
}
FW_INLINE const struct fw_list_line* fw_env_list_v4(struct fw_env* env, fw_u32 index) {
  return env->list_v4 && index < FW_LIST_V4_LINES ? &env->list_v4[index] : NULL;
}
FW_INLINE const struct fw_list_line* fw_env_list_line(struct fw_env* env, fw_u32 index) {
  index -= FW_LIST_V4_LINES;
  return env->list_rest && index < env->list_rest_lines ? &env->list_rest[index] : NULL;
}
FW_INLINE fw_u32 fw_env_list_is_short(struct fw_env* env) {
  const struct fw_list_header* header =
      (const struct fw_list_header*)fw_env_list_line(env, FW_LIST_HEADER);

  return header ? header->is_short & 1 : 0;
}
FW_INLINE int fw_env_is_past(struct fw_env* env) {
  return env->is_past != 0;
}
FW_INLINE int fw_env_event(struct fw_env* env, const struct fw_event* event) {
  if (env->event) env->event(env->self, event);
  return 0;
}

/* Frames are in one piece here: no cursor is a far one. */
FW_INLINE long fw_frame_load(void* frame, fw_u32 offset, fw_u8* to, fw_u32 size) {
  (void)frame, (void)offset, (void)to, (void)size;
  return -1;
}

static struct fw_cursor cursor_of(const struct fw_frame* frame) {
  struct fw_cursor cursor = {.pos = frame->data,
                             .end = frame->data + frame->captured_bytes,
                             .left_bytes = frame->wire_bytes};
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
  sample.served = decision->served & (FW_SERVED | FW_OF_PARTNER);
  sample.link = frame->link;
  sample.head_bytes = (fw_u16)bytes;
  if (bytes) __builtin_memcpy(sample.head, frame->data, bytes);
  env->sample(env->self, &sample);
}

/* Would the XDP program answer this SYN by a SYN cookie? A port that answered counts as listening,
 * and net.ipv4.tcp_syncookies is taken to be 2. */
static int would_challenge(struct fw_env* env, const struct fw_frame* frame,
                           const struct fw_packet* p) {
  const struct fw_config* cfg = env->config;
  fw_u32 offset = 0, ip_bytes = p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES;
  const struct fw_flow* flow;

  if (!fw_syn_is_to_this_host(env, p, env->now_ns) || p->fragment != FW_FRAG_NONE) return 0;
  if (!fw_port_served(env, FW_IPPROTO_TCP, p->dport)) return 0;
  if (frame->link == FW_LINK_ETHERNET) {
    if (frame->captured_bytes < FW_SYN_LINK_BYTES) return 0;
    offset = fw_syn_ip_offset(frame->data, p->is_v6);
    if (!offset) return 0;
  }
  if (frame->captured_bytes < offset + ip_bytes) return 0;
  if (!fw_syn_ip_is_plain(frame->data + offset, p->is_v6, p->proto)) return 0;
  flow = fw_flow_find(env, cfg, fw_arriving_hash(cfg, p), fw_window(env->now_ns), 0);
  return !flow || fw_flow_state(flow) != FW_FLOW_ESTABLISHED; /* like fw_flow_offer() */
}

/* Would the XDP program answer this question by a challenge? */
static int would_ask_back(struct fw_env* env, const struct fw_packet* p) {
  return fw_question_is_served(env, p) && fw_syn_is_to_this_host(env, p, env->now_ns);
}

/* Nothing is sent, and no flow is recorded: a client in a capture acknowledges the number of the
 * SYN-ACK in that capture. There is no kernel with sockets to be asked, either. */
static void settle_asked(struct fw_env* env, const struct fw_frame* frame,
                         const struct fw_packet* packet, struct fw_decision* decision) {
  fw_u32 reason = decision->reason;

  if (decision->ask == FW_ASK_SENDER && env->is_past &&
      (packet->proto == FW_IPPROTO_UDP ? would_ask_back(env, packet)
                                       : would_challenge(env, frame, packet))) {
    reason = FW_REASON_CHALLENGE;
    if (packet->proto == FW_IPPROTO_UDP) decision->sample = 0;
  }
  fw_settle_asked(env, packet, decision, reason);
}

/* The UDP payload in a plain frame, as datapath/xdp/payload.h reads it; NULL: none. */
static const fw_u8* payload_of(const struct fw_frame* frame, const struct fw_packet* p) {
  fw_u32 offset, ip_bytes = p->is_v6 ? FW_IPV6_BYTES : FW_IPV4_BYTES;

  if (p->proto != FW_IPPROTO_UDP || p->fragment == FW_FRAG_LATER) return NULL;
  if (frame->link != FW_LINK_ETHERNET || frame->captured_bytes < FW_SYN_LINK_BYTES) return NULL;
  offset = fw_syn_ip_offset(frame->data, p->is_v6);
  if (!offset) return NULL;
  if (frame->captured_bytes < offset + ip_bytes + FW_UDP_BYTES) return NULL;
  if (!fw_syn_ip_is_plain(frame->data + offset, p->is_v6, FW_IPPROTO_UDP)) return NULL;
  return frame->data + offset + ip_bytes + FW_UDP_BYTES;
}

static void note_question(const struct fw_frame* frame, struct fw_packet* p) {
  const fw_u8* payload = payload_of(frame, p);
  fw_u32 at = p->dport == FW_DNS_PORT ? 0 : fw_a2s_number_offset(p);

  if (!payload || payload + at + 4 > frame->data + frame->captured_bytes) return;
  p->question = fw_question_of(p);
  p->challenge = at ? fw_be32(payload + at) : FW_CHALLENGE_WANTED;
}

/* Returns 0 if the packet has no payload that is looked at. */
static int load_payload(const struct fw_frame* frame, const struct fw_packet* p,
                        struct fw_payload* payload) {
  const fw_u8* from = payload_of(frame, p);
  fw_u32 size = p->payload_bytes;

  __builtin_memset(payload, 0, sizeof *payload);
  if (size > FW_PAYLOAD_HEAD_BYTES) size = FW_PAYLOAD_HEAD_BYTES;
  if (!from || size < FW_ECHO_LEAST_BYTES || from + size > frame->data + frame->captured_bytes)
    return 0;
  __builtin_memcpy(payload->bytes, from, size);
  payload->size = size;
  return 1;
}

void fw_policy_decide(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns,
                      struct fw_packet* packet, struct fw_decision* decision) {
  struct fw_cursor cursor = cursor_of(frame), again = cursor;
  struct fw_payload payload;
  int parsed;

  __builtin_memset(packet, 0, sizeof *packet);
  __builtin_memset(decision, 0, sizeof *decision);
  env->now_ns = now_ns;
  again.is_quick = 1; /* as in the XDP program */
  parsed = fw_parse(&cursor, frame->link, packet);
  if (parsed == FW_PARSED && fw_is_icmp_error(packet))
    packet->quotes_flow = (fw_u32)fw_quotes_flow(env, &again, frame->link, packet);
  if (parsed == FW_PARSED && (env->is_past || env->notes_questions) && fw_question_of(packet))
    note_question(frame, packet);
  fw_decide(env, parsed, packet, decision);
  if (decision->ask) settle_asked(env, frame, packet, decision);
  if (fw_may_echo(packet, decision) && load_payload(frame, packet, &payload))
    fw_echo_arrive(env, packet, &payload, fw_window(now_ns));
  if (decision->sample && env->sample) show(env, frame, now_ns, packet, decision);
}

void fw_policy_record_egress(struct fw_env* env, const struct fw_frame* frame, fw_u64 now_ns) {
  struct fw_cursor cursor = cursor_of(frame);
  struct fw_payload payload;
  struct fw_packet packet;
  int parsed;

  __builtin_memset(&packet, 0, sizeof packet);
  env->now_ns = now_ns;
  parsed = fw_parse(&cursor, frame->link, &packet);
  fw_record_egress(env, parsed, &packet, now_ns);
  if (parsed == FW_PARSED && fw_may_choose(&packet) && load_payload(frame, &packet, &payload))
    fw_echo_depart(env, &packet, &payload);
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

enum fw_reason fw_policy_access(const struct fw_env* env, struct fw_addr addr, fw_u64 now_ns) {
  struct fw_counters predictor = {
      0}; /* this is no packet, so the datapath's predictor must not change */
  struct fw_env asking = *env;
  struct fw_access access;
  fw_u32 reason;

  asking.now_ns = now_ns;
  access = fw_access_find(&asking, env->config, &predictor, &addr);
  reason = fw_access_reason(&access);
  return reason == FW_CONTINUE ? FW_REASON_PASS : (enum fw_reason)reason;
}

/* Sets the bit of an exemption's or allowance's prefix in the bitmap. */
static void protect(struct fw_entry_filter* words, const struct fw_entry* entry) {
  fw_u32 bit = fw_protected_bit(&entry->addr);

  if (entry->kind == FW_ENTRY_BAN) return;
  if (entry->prefix_bits >= (fw_is_v4(&entry->addr) ? FW_PROTECTED_BITS_V4 : FW_PROTECTED_BITS_V6))
    words[bit >> 6].bits |= 1ULL << (bit & 63);
  else
    __builtin_memset(words, 0xff, FW_PROTECTED_WORDS * sizeof *words);
}

void fw_policy_recompute_protected(struct fw_env* env) {
  struct fw_entry_filter words[FW_PROTECTED_WORDS] = {0};

  for (fw_u32 i = 0; i < (env->config->entry_mask + 1) * FW_ENTRY_SLOTS; i++)
    if (FW_READ(env->entries[i].until_ns)) protect(words, &env->entries[i]);
  for (fw_u32 i = 0; i < FW_PROTECTED_WORDS; i++)
    FW_WRITE(fw_protected_word(env, env->config, i)->bits, words[i].bits);
}

fw_u32 fw_policy_pending(const struct fw_entry_pending* pending, fw_u32 index) {
  pending += fw_env_slice(index);
  return FW_READ(pending->entry) == index + 1 ? FW_READ(pending->packets) : 0;
}

void fw_policy_forget_pending(struct fw_entry_pending* pending, fw_u32 index) {
  pending += fw_env_slice(index);
  if (FW_READ(pending->entry) != index + 1) return;
  FW_WRITE(pending->packets, 0u);
  FW_WRITE(pending->metered, 0u);
}

/* The slot that has a key, whatever its entry says; FW_NO_ENTRY: none. Makes the filter show it. */
static fw_u32 slot_with_key(struct fw_env* env, fw_u64 key) {
  for (fw_u32 second = 0; second < 2; second++) {
    fw_u32 bucket = fw_entry_bucket(env->config, key, second);
    fw_u32 slot = fw_entry_slot_of(&env->entry_keys[bucket], key);

    if (slot >= FW_ENTRY_SLOTS) continue;
    fw_entry_filter_add(env, env->config, key, second);
    return bucket * FW_ENTRY_SLOTS + slot;
  }
  return FW_NO_ENTRY;
}

fw_s32 fw_policy_entry_put(struct fw_env* env, const struct fw_entry* entry, fw_u64 now_ns) {
  fw_u64 key = fw_entry_key(env->config, &entry->addr, entry->prefix_bits);
  fw_u32 index = fw_entry_index(env, env->config, &entry->addr, entry->prefix_bits);

  /* An entry that somebody spoiled is filled again: one in another slot would not be found, since
   * the search ends at the first slot with the key. */
  if (index == FW_NO_ENTRY) index = slot_with_key(env, key);
  if (index == FW_NO_ENTRY) index = fw_entry_claim(env, env->config, key, now_ns);
  if (index == FW_NO_ENTRY) return -1;
  protect(fw_protected_word(env, env->config, 0), entry); /* only the daemon writes the bitmap */
  fw_entry_fill(&env->entries[index], entry);
  return (fw_s32)index;
}

void fw_policy_entry_prefetch(const struct fw_env* env, struct fw_addr addr, fw_u8 prefix_bits) {
  fw_u64 key = fw_entry_key(env->config, &addr, prefix_bits);
  fw_u32 bucket = fw_entry_bucket(env->config, key, 0);

  __builtin_prefetch(&env->entry_keys[bucket], 1);
  __builtin_prefetch(&env->entries[(fw_u64)bucket * FW_ENTRY_SLOTS], 1);
}

/* The filter bits of the keys in a bucket that is their first one. */
static fw_u64 filter_bits_of(const struct fw_env* env, fw_u32 bucket) {
  fw_u64 bits = 0;

  for (fw_u32 slot = 0; slot < FW_ENTRY_SLOTS; slot++) {
    fw_u64 key = FW_READ(env->entry_keys[bucket].key[slot]);
    if (key && fw_entry_bucket(env->config, key, 0) == bucket) bits |= fw_entry_filter_bit(key);
  }
  return bits;
}

/* Clears the bits of keys that are no longer in a bucket; SPILLED stays. The bits of a key that is
 * claimed meanwhile are set by the second pass, or by fw_entry_claim() afterwards. */
static void recompute_filter(struct fw_env* env, fw_u32 bucket) {
  struct fw_entry_filter* filter = fw_entry_filter_at(env, bucket);
  fw_u32 shift = fw_entry_filter_shift(bucket);
  fw_u64 all = ((1ULL << FW_ENTRY_FILTER_BITS) - 1 - FW_ENTRY_SPILLED) << shift;
  fw_u64 old, bits;

  do {
    old = FW_READ(filter->bits);
    bits = (old & ~all) | filter_bits_of(env, bucket) << shift;
  } while (__sync_val_compare_and_swap(&filter->bits, old, bits) != old);
  __sync_fetch_and_or(&filter->bits, filter_bits_of(env, bucket) << shift);
}

void fw_policy_entry_erase(struct fw_env* env, fw_u32 index) {
  FW_WRITE(env->entries[index].until_ns, 0ULL);
  FW_WRITE(env->entry_keys[index / FW_ENTRY_SLOTS].key[index % FW_ENTRY_SLOTS], 0ULL);
  recompute_filter(env, index / FW_ENTRY_SLOTS);
}

void fw_policy_flow_establish(struct fw_env* env, struct fw_addr remote, fw_u16 remote_port,
                              struct fw_addr local, fw_u16 local_port, fw_u8 proto, fw_u64 now_ns) {
  struct fw_tuple tuple = {&remote, &local, remote_port, local_port, proto};
  fw_u64 h = fw_flow_hash(env->config, &tuple);
  struct fw_flow* flow = fw_flow_find(env, env->config, h, fw_window(now_ns), 1);

  fw_u32 state = proto == FW_IPPROTO_TCP ? FW_FLOW_ESTABLISHED : FW_FLOW_OUTBOUND;

  if (flow) fw_flow_publish(env, env->config, flow, h, fw_window(now_ns), state);
}

/* The slot of a source under a rule with meters of its own, or rule 0; NULL: it has none. */
static struct fw_source* source_of(const struct fw_env* env, const struct fw_addr* key, fw_u32 rule,
                                   fw_u32 verified, fw_u32* index) {
  fw_u64 h = fw_hash(env->config, key, rule + 1);
  fw_u32 tag = fw_source_tag(h, verified), bucket = (fw_u32)h & env->config->source_mask;

  for (fw_u32 i = 0; i < FW_SOURCE_SLOTS; i++) {
    if (FW_READ(env->sources[bucket].slot[i].tag) != tag) continue;
    *index = bucket * FW_SOURCE_SLOTS + i;
    return &env->sources[bucket].slot[i];
  }
  return NULL;
}

void fw_policy_source_forget(const struct fw_env* env, struct fw_addr key) {
  for (fw_u32 rule = 0; rule < FW_MAX_RULES; rule++) {
    if (rule && !env->config->rule[rule].own) continue;
    for (fw_u32 verified = 0; verified < 2; verified++) {
      fw_u32 index;
      struct fw_source* source = source_of(env, &key, rule, verified, &index);

      if (source)
        FW_WRITE(source->tag, 0U); /* the next source in the slot begins with empty meters */
    }
  }
}

/* The sliding-window count of a pair of counts that were last rolled `passed` windows ago. */
static fw_u32 sliding_rate(fw_u32 count, fw_u32 before, fw_u32 passed, fw_u64 now_ns) {
  if (passed > 1) return 0;
  if (passed) fw_rate_roll(&count, &before, passed);
  return fw_rate_sliding(count, before, now_ns);
}

int fw_policy_source_rates(const struct fw_env* env, struct fw_addr key, fw_u32 rule,
                           fw_u32 verified, fw_u64 now_ns, fw_u32 rates[FW_METRIC_COUNT]) {
  fw_u32 index, passed, excess;
  const struct fw_source* source = source_of(env, &key, rule, verified, &index);
  struct fw_meter meter;

  for (int i = 0; i < FW_METRIC_COUNT; i++) rates[i] = 0;
  if (!source) return 0;
  passed = fw_idle(fw_window(now_ns), FW_READ(source->seen_window), 0xffffffff);
  excess = FW_READ(source->excess);
  if (excess & FW_DEFERRED)
    fw_meter_begin(&meter, env->config->rule[rule].limit,
                   passed < FW_TAT_MEMORY_WINDOWS ? excess : FW_DEFERRED, now_ns);
  else
    meter = env->meters[index];
  passed = fw_idle(fw_window(now_ns) & 0x3fffff, meter.seen_ms >> 10, 0x3fffff);
  for (int i = 0; i < FW_METRIC_COUNT; i++)
    rates[i] = sliding_rate(meter.count[i], meter.before[i], passed, now_ns);
  return 1;
}

fw_u32 fw_policy_entry_rate(const struct fw_entry* entry, fw_u64 now_ns) {
  fw_u32 passed = fw_idle(fw_window(now_ns), FW_READ(entry->window), 0xffffffff);

  return sliding_rate(FW_READ(entry->count), FW_READ(entry->before), passed, now_ns);
}
