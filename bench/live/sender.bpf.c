/* SPDX-License-Identifier: MIT */
/* Run as live frames (BPF_PROG_RUN): gives each frame another source and puts it on
 * the interface. And the smallest possible receivers. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct sender_state {
  __u64 random;
  __u32 mask;     /* sources - 1 */
  __u32 base;     /* their first octets ... */
  __u32 space;    /* ... and the bits that follow them */
  __u32 spread;   /* odd */
  __u32 checksum; /* of the IP header without the source, not folded */
  __u32 ifindex;
};
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sender_state);
} state SEC(".maps");

SEC("xdp")
int sender(struct xdp_md* ctx) {
  unsigned char* data = (void*)(long)ctx->data;
  __u32 zero = 0, source, sum;
  struct sender_state* s = bpf_map_lookup_elem(&state, &zero);

  if (!s || data + 34 > (unsigned char*)(long)ctx->data_end) return XDP_ABORTED;
  __u64 r = s->random;
  r ^= r << 13;
  r ^= r >> 7;
  r ^= r << 17;
  s->random = r;
  source = s->base | ((((__u32)(r >> 20) & s->mask) * s->spread) & s->space);
  sum = s->checksum + (source >> 16) + (source & 0xffff);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~((sum & 0xffff) + (sum >> 16));
  data[24] = sum >> 8;
  data[25] = sum;
  data[26] = source >> 24;
  data[27] = source >> 16;
  data[28] = source >> 8;
  data[29] = source;
  return bpf_redirect(s->ifindex, 0);
}

SEC("xdp.frags")
int drop(struct xdp_md* ctx) {
  (void)ctx;
  return XDP_DROP;
}

/* Drops 64.0.0.0/3, where the floods come from, and passes the rest. */
SEC("xdp.frags")
int drop_flood(struct xdp_md* ctx) {
  const unsigned char* data = (void*)(long)ctx->data;

  if (data + 34 > (const unsigned char*)(long)ctx->data_end) return XDP_PASS;
  return data[12] == 8 && data[13] == 0 && data[26] >> 5 == 2 ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
