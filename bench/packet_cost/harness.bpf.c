/* SPDX-License-Identifier: MIT */
/* Gives the test frame another source each time, then tail-calls the program
 * under test: what remains over `drop` is the price of a packet. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} under_test SEC(".maps");

struct harness_state {
  __u64 random;
  __u32 base, mask; /* sources are base + (random & mask) * spread */
  __u32 spread, pad;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct harness_state);
} state SEC(".maps");

SEC("xdp.frags")
int harness(struct xdp_md* ctx) {
  unsigned char* data = (void*)(long)ctx->data;
  __u32 zero = 0;
  struct harness_state* s = bpf_map_lookup_elem(&state, &zero);

  if (!s || data + 34 > (unsigned char*)(long)ctx->data_end) return XDP_ABORTED;
  __u64 r = s->random;
  r ^= r << 13;
  r ^= r >> 7;
  r ^= r << 17;
  s->random = r;
  __u32 source = s->base + ((__u32)(r >> 20) & s->mask) * s->spread;
  data[26] = source >> 24;
  data[27] = source >> 16;
  data[28] = source >> 8;
  data[29] = source;
  bpf_tail_call(ctx, &under_test, 0);
  return XDP_ABORTED;
}

SEC("xdp.frags")
int drop(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_DROP;
}

/* What a textbook does: a trie for the list, an LRU hash of token buckets. */
struct textbook_key {
  __u32 prefix_bits;
  unsigned char address[4];
};
struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 1100000);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct textbook_key);
  __type(value, __u8);
} trie SEC(".maps");

struct textbook_bucket {
  __u64 tokens, filled_ns;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1 << 20);
  __type(key, __u32);
  __type(value, struct textbook_bucket);
} buckets SEC(".maps");

SEC("xdp.frags")
int textbook(struct xdp_md* ctx) {
  unsigned char* data = (void*)(long)ctx->data;
  struct textbook_key key = {32, {0}};
  __u32 source;

  if (data + 34 > (unsigned char*)(long)ctx->data_end) return XDP_PASS;
  __builtin_memcpy(key.address, data + 26, 4);
  __builtin_memcpy(&source, data + 26, 4);
  if (bpf_map_lookup_elem(&trie, &key)) return XDP_DROP;
  __u64 now = bpf_ktime_get_ns();
  struct textbook_bucket* bucket = bpf_map_lookup_elem(&buckets, &source);
  if (!bucket) {
    struct textbook_bucket fresh = {20000, now};
    bpf_map_update_elem(&buckets, &source, &fresh, BPF_ANY);
    return XDP_PASS;
  }
  bucket->tokens += (now - bucket->filled_ns) / 50000;
  if (bucket->tokens > 20000) bucket->tokens = 20000;
  bucket->filled_ns = now;
  if (!bucket->tokens) return XDP_DROP;
  bucket->tokens--;
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
