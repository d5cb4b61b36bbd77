/* SPDX-License-Identifier: MIT */
/* Gives the test frame another source each time, then tail-calls the program
 * under test. The time beyond that of `drop` is the cost of a packet. The 32 bits that
 * change are the IPv4 source, or the second 32 bits of the IPv6 source (both are at
 * byte 26), so that every IPv6 source has a /64 of its own. */
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

char LICENSE[] SEC("license") = "Dual MIT/GPL";
