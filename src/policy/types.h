/* SPDX-License-Identifier: MIT */
/* Integer types for code that is compiled three ways: clang -target bpf, a C11
 * host compiler, and (abi.h only) a C++23 host compiler.
 *
 * Byte order: there is no network-order integer in this project outside
 * parse.h. Ports, lengths and addresses are numbers in host order. */
#ifndef FW_POLICY_TYPES_H
#define FW_POLICY_TYPES_H

typedef unsigned char fw_u8;
typedef unsigned short fw_u16;
typedef unsigned int fw_u32;
typedef int fw_s32;
typedef unsigned long long fw_u64;
typedef long long fw_s64;

#if defined(__cplusplus)
#define FW_STATIC_ASSERT(c, m) static_assert(c, m)
#else
#define FW_STATIC_ASSERT(c, m) _Static_assert(c, m)
#endif
#define FW_INLINE static inline __attribute__((always_inline))
/* A stage of the decision. In BPF it is a global function: the verifier checks it once, by itself,
 * instead of once per path that leads to it. It may take at most five arguments, numbers or
 * pointers to structs, and has to check the pointers for NULL. */
#if defined(__bpf__)
#define FW_STAGE __attribute__((noinline))
#else
#define FW_STAGE static inline __attribute__((always_inline))
#endif
#define FW_UNUSED __attribute__((unused))
#define FW_READ(x) (*(const volatile __typeof__(x)*)&(x))
#define FW_WRITE(x, value) (*(volatile __typeof__(x)*)&(x) = (value))
/* Keeps the compiler from turning arithmetic into branches, which the verifier would follow and the
 * processor mispredict. */
#define FW_OPAQUE(x) __asm__ volatile("" : "+r"(x))

FW_STATIC_ASSERT(sizeof(fw_u32) == 4 && sizeof(fw_u64) == 8, "integer widths");

/* An IPv6 address as a number, most significant half first; the IPv4 address
 * a.b.c.d is ::ffff:a.b.c.d, so both families are one kind of key. */
struct fw_addr {
  fw_u64 hi, lo;
};

FW_STATIC_ASSERT(sizeof(struct fw_addr) == 16, "no padding");

#endif
