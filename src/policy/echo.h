/* SPDX-License-Identifier: MIT */
/* Proof of a UDP peer's address: it returns a number that this host chose and sent to
 * that address, which the forger of the address cannot see. Protocols have such
 * numbers: QUIC connection ids, WireGuard's receiver index, the cookie of DTLS,
 * OpenVPN's session id, the challenge of game servers (docs/decisions/udp-proof.md).
 *
 * The flow keeps a keyed digest of the number that is awaited. A number that the peer
 * may itself have chosen proves nothing: a QUIC server may take over the id that its
 * client chose, so ids that the client used first never count. */
#ifndef FW_POLICY_ECHO_H
#define FW_POLICY_ECHO_H

#include "parse.h"
#include "tables/env.h"
#include "tables/hash.h"

enum {
  FW_ECHO_LEAST_BYTES = 4,    /* 32 bits: what a forger may guess at one in 4 billion */
  FW_ECHO_MOST_BYTES = 20,    /* the longest connection id, RFC 9000 17.2 */
  FW_PAYLOAD_HEAD_BYTES = 88, /* where numbers are looked for; the stack of BPF has no more */
};

/* fw_flow_of_udp.echo: a keyed digest of 25 bits, the number's length << 2, and one of these. */
enum fw_echo {
  FW_ECHO_NONE = 0,
  FW_ECHO_OURS = 1,   /* this host chose it: its return is awaited */
  FW_ECHO_THEIRS = 2, /* the peer chose it: it proves nothing, whoever uses it later */
  FW_ECHO_STATE = 3,
  FW_ECHO_LENGTH_SHIFT = 2,
  FW_ECHO_LENGTH = 31,
};
#define FW_ECHO_PROVEN 0xffffffffU
#define FW_ECHO_NEVER \
  0xfffffffeU /* the peer chose several: which of them this host takes over is open */

FW_INLINE fw_u8 fw_echo_is_awaited(fw_u32 echo) {
  return (echo & FW_ECHO_STATE) == FW_ECHO_OURS;
}

/* The beginning of a UDP payload, with zeros behind its end. */
struct fw_payload {
  fw_u32 size; /* bytes that are filled in */
  fw_u32 pad;
  fw_u8 bytes[FW_PAYLOAD_HEAD_BYTES + FW_ECHO_MOST_BYTES + 4];
};

/* The digest of a number of `length` bytes in three words, with zeros behind it. */
FW_INLINE fw_u32 fw_echo_digest_of(const struct fw_config* cfg, fw_u64 a, fw_u64 b, fw_u64 c,
                                   fw_u32 length) {
  a = fw_mix(a ^ cfg->seed[0]);
  a = fw_mix(a ^ b ^ cfg->seed[1]);
  a = fw_mix(a ^ c ^ length);
  return (fw_u32)(a >> 39) << 7 | length << FW_ECHO_LENGTH_SHIFT;
}

/* The digest of the number of `length` bytes at `offset`. 0: it is too short or too long, or its
 * end is not there. */
FW_GLOBAL fw_u32 fw_echo_digest(struct fw_env* env, const struct fw_payload* payload, fw_u32 offset,
                                fw_u32 length) {
  const struct fw_config* cfg = env ? fw_env_config(env) : NULL;
  fw_u64 a, b, c;

  if (!cfg || !payload) return 0;
  if (length < FW_ECHO_LEAST_BYTES || length > FW_ECHO_MOST_BYTES) return 0;
  if (offset > FW_PAYLOAD_HEAD_BYTES || offset + length > payload->size) return 0;
  a = fw_be64(payload->bytes + offset);
  b = fw_be64(payload->bytes + offset + 8);
  c = (fw_u64)fw_be32(payload->bytes + offset + 16) << 32;
  if (length < 8) a &= ~0ULL << (64 - 8 * length);
  b = length <= 8 ? 0 : length < 16 ? b & ~0ULL << (128 - 8 * length) : b;
  c = length <= 16 ? 0 : c & ~0ULL << (192 - 8 * length);
  return fw_echo_digest_of(cfg, a, b, c, length);
}

/* Numbers of one length at one place. X(the first 8 bytes of our payload under a mask, our
 * payload's length or 0, offset in ours; theirs under a mask, offset in theirs; length):
 *   WireGuard (Donenfeld 2017, 5.4): the sender index of a handshake is the receiver index of what
 *     answers it: an initiation's of the response or of the cookie reply, a response's of the data;
 *   A2S (Valve): the challenge of a game server;
 *   OpenVPN (protocol.h, reliable.c): the server's session id behind one acknowledgement, without
 *     and with an HMAC of SHA-1 or SHA-256 and its replay id. */
#define FW_ECHOES(X)                                                   \
  X(~0U, 0x01000000, 0, 148, 4, ~0U, 0x02000000, 0, 8, 4)              \
  X(~0U, 0x01000000, 0, 148, 4, ~0U, 0x03000000, 0, 4, 4)              \
  X(~0U, 0x02000000, 0, 92, 4, ~0U, 0x04000000, 0, 4, 4)               \
  X(~0U, ~0U, 0x41, 9, 5, ~0U, ~0U, 0x54, 25, 4)                       \
  X(~0U, ~0U, 0x41, 9, 5, ~0U, ~0U, 0x55, 5, 4)                        \
  X(~0U, ~0U, 0x41, 9, 5, ~0U, ~0U, 0x56, 5, 4)                        \
  X(0xf8000000, 0x40000000, 0, 0, 1, 0xf0000000, 0x20000000, 0, 14, 8) \
  X(0xf8000000, 0x40000000, 0, 0, 1, 0xf0000000, 0x20000000, 0, 42, 8) \
  X(0xf8000000, 0x40000000, 0, 0, 1, 0xf0000000, 0x20000000, 0, 54, 8)

/* The first four bytes under `mask`, and the fifth where `fifth` is not 0. */
FW_INLINE int fw_head_is(fw_u64 head, fw_u32 mask, fw_u32 value, fw_u32 fifth) {
  return ((fw_u32)(head >> 32) & mask) == value && (!fifth || (head >> 24 & 0xff) == fifth);
}

/* QUIC long headers (RFC 9000, RFC 9369 and drafts): 1 bit, fixed bit, version. */
FW_INLINE int fw_is_quic_long(fw_u64 head) {
  fw_u32 version = (fw_u32)(head >> 24);

  return (head >> 62) == 3 && (version == 1 || version == 0x6b3343cf || version >> 16 == 0xff00);
}
FW_INLINE int fw_is_quic_short(fw_u64 head) {
  return (head >> 62) == 1;
}
/* DTLS up to 1.2: a handshake record (RFC 6347 4.1). */
FW_INLINE int fw_is_dtls_handshake(fw_u64 head) {
  return head >> 48 == 0x16fe;
}

enum {
  FW_QUIC_ID = 6, /* offset of the destination's id, behind its length */
  FW_QUIC_SHORT_ID = 1,
  FW_DTLS_MESSAGE = 13, /* offset of a handshake message's type, RFC 6347 4.2.2 */
  FW_DTLS_CLIENT_HELLO = 1,
  FW_DTLS_VERIFY_REQUEST = 3,
  FW_DTLS_VERIFY_COOKIE = 28, /* behind its length, 4.2.1 */
  FW_DTLS_SESSION_ID = 60,    /* behind its length; it is empty in a first handshake */
  FW_DTLS_HELLO_COOKIE = 61,  /* behind its length */
};

/* May a packet that this host sends have a number that its peer will return? */
FW_INLINE int fw_may_choose(const struct fw_packet* p) {
  if (p->proto != FW_IPPROTO_UDP || p->fragment == FW_FRAG_LATER) return 0;
  if (fw_is_quic_long(p->payload_head) || fw_is_dtls_handshake(p->payload_head)) return 1;
#define FW_ECHO_CHOSEN(mask, value, fifth, size, at, ...)                                         \
  if (fw_head_is(p->payload_head, mask, value, fifth) && (!(size) || p->payload_bytes == (size))) \
    return 1;
  FW_ECHOES(FW_ECHO_CHOSEN)
#undef FW_ECHO_CHOSEN
  return 0;
}

/* The digest of the number that a packet of this host has; 0: none. */
FW_INLINE fw_u32 fw_echo_chosen(struct fw_env* env, const struct fw_packet* p,
                                const struct fw_payload* payload) {
  fw_u32 at;

  if (fw_is_quic_long(p->payload_head)) {
    at = payload->bytes[FW_QUIC_ID - 1];
    if (at > FW_ECHO_MOST_BYTES) return 0;
    at += FW_QUIC_ID; /* of the length of the source's id */
    return fw_echo_digest(env, payload, at + 1, payload->bytes[at]);
  }
  if (fw_is_dtls_handshake(p->payload_head)) {
    if (payload->bytes[FW_DTLS_MESSAGE] != FW_DTLS_VERIFY_REQUEST) return 0;
    at = payload->bytes[FW_DTLS_VERIFY_COOKIE - 1];
    return fw_echo_digest(env, payload, FW_DTLS_VERIFY_COOKIE,
                          at > FW_ECHO_MOST_BYTES ? FW_ECHO_MOST_BYTES : at);
  }
#define FW_ECHO_CHOSEN(mask, value, fifth, size, offset, their_mask, their_value, their_fifth,    \
                       their_offset, length)                                                      \
  if (fw_head_is(p->payload_head, mask, value, fifth) && (!(size) || p->payload_bytes == (size))) \
    return fw_echo_digest(env, payload, offset, length);
  FW_ECHOES(FW_ECHO_CHOSEN)
#undef FW_ECHO_CHOSEN
  return 0;
}

/* 1: the packet of a peer has the number of `awaited` at a place where it is returned. */
FW_INLINE int fw_echo_is_returned(struct fw_env* env, const struct fw_packet* p,
                                  const struct fw_payload* payload, fw_u32 awaited) {
  fw_u32 digest = awaited & ~(fw_u32)FW_ECHO_STATE;
  fw_u32 length = awaited >> FW_ECHO_LENGTH_SHIFT & FW_ECHO_LENGTH, returned;

  if (fw_is_quic_long(p->payload_head))
    return payload->bytes[FW_QUIC_ID - 1] == length &&
           fw_echo_digest(env, payload, FW_QUIC_ID, length) == digest;
  if (fw_is_dtls_handshake(p->payload_head)) {
    returned = payload->bytes[FW_DTLS_HELLO_COOKIE - 1];
    if (returned > FW_ECHO_MOST_BYTES) returned = FW_ECHO_MOST_BYTES;
    return payload->bytes[FW_DTLS_MESSAGE] == FW_DTLS_CLIENT_HELLO &&
           !payload->bytes[FW_DTLS_SESSION_ID - 1] && returned == length &&
           fw_echo_digest(env, payload, FW_DTLS_HELLO_COOKIE, length) == digest;
  }
  if (fw_is_quic_short(p->payload_head))
    return fw_echo_digest(env, payload, FW_QUIC_SHORT_ID, length) == digest;
#define FW_ECHO_RETURNED(mask, value, fifth, size, offset, their_mask, their_value, their_fifth, \
                         their_offset, their_length)                                             \
  if (length == (their_length) &&                                                                \
      fw_head_is(p->payload_head, their_mask, their_value, their_fifth) &&                       \
      fw_echo_digest(env, payload, their_offset, their_length) == digest)                        \
    return 1;
  FW_ECHOES(FW_ECHO_RETURNED)
#undef FW_ECHO_RETURNED
  return 0;
}

#endif
