/* SPDX-License-Identifier: MIT */
/* Integer types, units and compiler attributes for code that is compiled three ways:
 * clang -target bpf, a C11 host compiler, and (this folder only) a C++23 host
 * compiler.
 *
 * Byte order: ports, lengths and addresses are numbers in host order everywhere;
 * only policy/parse.h reads integers in network order.
 *
 * Time: one clock, CLOCK_MONOTONIC (coarse), in nanoseconds: `now_ns`. */
#ifndef FW_ABI_TYPES_H
#define FW_ABI_TYPES_H

typedef unsigned char fw_u8;
typedef unsigned short fw_u16;
typedef unsigned int fw_u32;
typedef int fw_s32;
typedef unsigned long long fw_u64;
typedef long long fw_s64;

#ifndef NULL
#define NULL ((void*)0)
#endif

#if defined(__cplusplus)
#define FW_STATIC_ASSERT(c, m) static_assert(c, m)
#else
#define FW_STATIC_ASSERT(c, m) _Static_assert(c, m)
#endif
#define FW_INLINE static inline __attribute__((always_inline))
/* In BPF a global function: the verifier checks it once, by itself, instead of on every path that
 * calls it. It takes at most five arguments (numbers or pointers to structs), checks the pointers
 * for NULL, and returns a number. */
#if defined(__bpf__)
#define FW_GLOBAL __attribute__((noinline))
#else
#define FW_GLOBAL static inline __attribute__((always_inline))
#endif
#define FW_READ(x) (*(const volatile __typeof__(x)*)&(x))
#define FW_WRITE(x, value) (*(volatile __typeof__(x)*)&(x) = (value))
/* Hides a value from the optimiser. Keeps clang from turning arithmetic into branches, which the
 * verifier would have to follow and the processor would mispredict. */
#define FW_OPAQUE(x) __asm__ volatile("" : "+r"(x))

enum {
  FW_WINDOW_SHIFT = 30, /* a window, the interval of rates, is now_ns >> 30: 1.074 s */
  FW_TICK_SHIFT = 4,    /* a tick, the currency of token buckets, is now_ns >> 4: 16 ns */
  FW_LINE_BYTES = 64,   /* a cache line of x86-64 and of most arm64 */
};

/* An IPv6 address as a number, most significant half first; the IPv4 address
 * a.b.c.d is ::ffff:a.b.c.d, so both families are one kind of key. */
struct fw_addr {
  fw_u64 hi, lo;
};

FW_STATIC_ASSERT(sizeof(fw_u32) == 4 && sizeof(fw_u64) == 8, "integer widths");
FW_STATIC_ASSERT(sizeof(struct fw_addr) == 16, "no padding");

#endif
