/* SPDX-License-Identifier: MIT */
/* The textbook design: an LPM trie for the list, an LRU hash of token buckets. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { LISTED = 1100000, SOURCES = 1 << 20, TOKENS = 20000, NS_PER_TOKEN = 50000 };

struct key_v4 {
  __u32 prefix_bits;
  unsigned char address[4];
};
struct key_v6 {
  __u32 prefix_bits;
  unsigned char address[16];
};
struct bucket {
  __u64 tokens, filled_ns;
};
struct address_v6 {
  __u64 half[2];
};

#define TRIE(name, type_of_key)           \
  struct {                                \
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);  \
    __uint(max_entries, LISTED);          \
    __uint(map_flags, BPF_F_NO_PREALLOC); \
    __type(key, type_of_key);             \
    __type(value, __u8);                  \
  } name SEC(".maps")
#define BUCKETS(name, type_of_key)       \
  struct {                               \
    __uint(type, BPF_MAP_TYPE_LRU_HASH); \
    __uint(max_entries, SOURCES);        \
    __type(key, type_of_key);            \
    __type(value, struct bucket);        \
  } name SEC(".maps")

TRIE(trie_v4, struct key_v4);
TRIE(trie_v6, struct key_v6);
BUCKETS(buckets_v4, __u32);
BUCKETS(buckets_v6, struct address_v6);

static __always_inline int admit(void* buckets, const void* source) {
  __u64 now = bpf_ktime_get_ns();
  struct bucket* bucket = bpf_map_lookup_elem(buckets, source);

  if (!bucket) {
    struct bucket full = {TOKENS, now};
    bpf_map_update_elem(buckets, source, &full, BPF_ANY);
    return XDP_PASS;
  }
  bucket->tokens += (now - bucket->filled_ns) / NS_PER_TOKEN;
  if (bucket->tokens > TOKENS) bucket->tokens = TOKENS;
  bucket->filled_ns = now;
  if (!bucket->tokens) return XDP_DROP;
  bucket->tokens--;
  return XDP_PASS;
}

SEC("xdp.frags")
int textbook(struct xdp_md* ctx) {
  unsigned char *data = (void*)(long)ctx->data, *end = (void*)(long)ctx->data_end;
  struct ethhdr* ether = (void*)data;

  if (data + 34 > end) return XDP_PASS;
  if (ether->h_proto == bpf_htons(ETH_P_IP)) {
    struct key_v4 key = {32, {0}};
    __u32 source;

    __builtin_memcpy(key.address, data + 26, 4);
    __builtin_memcpy(&source, data + 26, 4);
    return bpf_map_lookup_elem(&trie_v4, &key) ? XDP_DROP : admit(&buckets_v4, &source);
  }
  if (ether->h_proto == bpf_htons(ETH_P_IPV6) && data + 54 <= end) {
    struct key_v6 key = {128, {0}};
    struct address_v6 source;

    __builtin_memcpy(key.address, data + 22, 16);
    __builtin_memcpy(&source, data + 22, 16);
    return bpf_map_lookup_elem(&trie_v6, &key) ? XDP_DROP : admit(&buckets_v6, &source);
  }
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
