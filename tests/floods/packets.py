# SPDX-License-Identifier: MIT
"""IP packets as bytes, fast enough for millions, with right checksums.

A packet is (bytes, size): what a capture holds of it from the IP header on, and its length on the
wire. What is missing of a payload counts as zeros. Addresses are integers; IPv6 ones are those above
2^32. Checksums use 2^16 = 1 (mod 2^16 - 1): a number is congruent to the sum of its 16-bit words.
"""
import ipaddress
import struct

TCP, UDP, ICMP, ICMPV6, GRE, ESP = 6, 17, 1, 58, 47, 50
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000

_IP4 = struct.Struct("!BBHHHBBHII")
_IP6 = struct.Struct("!IHBB")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")
_ICMP = struct.Struct("!BBHHH")


def address(text):
    return int(ipaddress.ip_address(text))


def is_v6(value):
    return value >> 32 != 0


def text(value):
    return str(ipaddress.IPv6Address(value) if is_v6(value) else ipaddress.IPv4Address(value))


def source(packet):
    """The source address of a packet's bytes."""
    return int.from_bytes(packet[12:16] if packet[0] >> 4 == 4 else packet[8:24], "big")


def ip(src, dst, proto, body, size=None, ttl=64, ident=0, fragment=DONT_FRAGMENT):
    """`body` is what lies behind the IP header and `size` its length on the wire. `ident` and
    `fragment` are IPv4's; ip6_fragment() makes the other family's."""
    size = len(body) if size is None else size
    if is_v6(src):
        return (_IP6.pack(6 << 28, size, proto, ttl) + src.to_bytes(16, "big")
                + dst.to_bytes(16, "big") + body, 40 + size)
    total = 20 + size
    words = (0x4500 + total + ident + fragment + (ttl << 8 | proto) + src + dst) % 0xffff
    return (_IP4.pack(0x45, 0, total, ident, fragment, ttl, proto, (0xffff - words) % 0xffff, src, dst)
            + body, total)


def _sum(src, dst, proto, body, size):
    value = int.from_bytes(body, "big")
    return ((value << 8 if len(body) & 1 else value) + src + dst + proto + size) % 0xffff


def tcp_body(src, dst, sport, dport, seq, ack, flags, window, options=b"", payload=b"", size=None):
    """The TCP segment and its length; `size` is that of the payload on the wire."""
    size = len(payload) if size is None else size
    offset = 5 + len(options) // 4
    head = _TCP.pack(sport, dport, seq & 0xffffffff, ack & 0xffffffff, offset << 4, flags, window, 0, 0)
    body = head + options + payload
    whole = offset * 4 + size
    check = (0xffff - _sum(src, dst, TCP, body, whole)) % 0xffff
    return body[:16] + check.to_bytes(2, "big") + body[18:], whole


def tcp(src, dst, sport, dport, seq, ack, flags, window, options=b"", payload=b"", size=None, ttl=64,
        ident=0):
    body, whole = tcp_body(src, dst, sport, dport, seq, ack, flags, window, options, payload, size)
    return ip(src, dst, TCP, body, whole, ttl, ident)


def udp_body(src, dst, sport, dport, payload=b"", size=None):
    whole = 8 + (len(payload) if size is None else size)
    head = _UDP.pack(sport, dport, whole, 0)
    check = 0xffff - _sum(src, dst, UDP, head + payload, whole)
    return head[:6] + check.to_bytes(2, "big") + payload, whole


def udp(src, dst, sport, dport, payload=b"", size=None, ttl=64, ident=0):
    body, whole = udp_body(src, dst, sport, dport, payload, size)
    return ip(src, dst, UDP, body, whole, ttl, ident)


def icmp(src, dst, kind, code, ident, sequence, payload=b"", ttl=64):
    """ICMP of the addresses' family; `kind` is that family's number."""
    body = _ICMP.pack(kind, code, 0, ident, sequence) + payload
    pseudo = (src, dst, ICMPV6, body, len(body)) if is_v6(src) else (0, 0, 0, body, 0)
    check = (0xffff - _sum(*pseudo)) % 0xffff
    body = body[:2] + check.to_bytes(2, "big") + body[4:]
    return ip(src, dst, ICMPV6 if is_v6(src) else ICMP, body, ttl=ttl)


def echo(src, dst, ident, sequence, payload=b"", reply=False, ttl=64):
    kinds = (129, 128) if is_v6(src) else (0, 8)
    return icmp(src, dst, kinds[0] if reply else kinds[1], 0, ident, sequence, payload, ttl)


def unreachable(src, about, ttl=64):
    """A router's or host's "port unreachable" to the source of the packet `about`."""
    quoted = about[0][:64]
    if quoted[0] >> 4 == 6:
        return icmp(src, source(quoted), 1, 4, 0, 0, quoted, ttl)
    return icmp(src, source(quoted), 3, 3, 0, 0, quoted[:28], ttl)


def extension(following, kind, size=8):
    """An IPv6 extension header of `size` bytes that only pads; `kind` is hop-by-hop, destination
    options or routing."""
    if kind == ROUTING:
        return bytes([following, size // 8 - 1, 4, 0]) + bytes(size - 4)
    return bytes([following, size // 8 - 1, 1, size - 4]) + bytes(size - 4)


def chain(src, dst, kinds, proto, body, size=None, ttl=64):
    """IPv6 with extension headers of those kinds before `body`, which is of protocol `proto`."""
    heads = b""
    for kind, following in zip(reversed(kinds), [proto, *reversed(kinds)]):
        heads = extension(following, kind) + heads
    whole = len(heads) + (len(body) if size is None else size)
    return ip(src, dst, kinds[0], heads + body, whole, ttl)


def fragments(src, dst, proto, body, size, ident, ttl=64, mtu=1500):
    """The packets that a datagram of `size` bytes behind the IP header becomes."""
    step = (mtu - (48 if is_v6(src) else 20)) // 8 * 8
    for at in range(0, size, step):
        piece, length = body[at:at + step], min(step, size - at)
        yield fragment(src, dst, proto, piece, length, ident, at, at + step < size, ttl)


def fragment(src, dst, proto, body, size, ident, at, more, ttl=64):
    """One fragment that begins `at` bytes (a multiple of 8) behind the IP header."""
    if is_v6(src):
        head = struct.pack("!BBHI", proto, 0, at | more, ident)
        return ip(src, dst, FRAGMENT, head + body, 8 + size, ttl)
    return ip(src, dst, proto, body, size, ttl, ident & 0xffff, at // 8 | (MORE_FRAGMENTS if more else 0))
