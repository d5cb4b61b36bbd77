# SPDX-License-Identifier: MIT
"""Frames, written with scapy: an implementation of the protocols that is not ours.

A frame carries a token, 8 bytes found nowhere else in it, so that the protected side can tell which
frames came through whatever was wrapped around them. kinds() is the list of what a ban must stop:
every shape that a neighbouring product was seen to let through is in it.
"""
import itertools
import struct

from scapy.layers.inet import GRE, ICMP, IP, TCP, UDP, IPOption
from scapy.layers.inet6 import (ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN)
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import Dot1AD, Dot1Q
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.sctp import SCTP, SCTPChunkInit
from scapy.packet import Raw

_serial = itertools.count(1)


def token():
    """8 bytes that no other frame of this run holds."""
    return b"\xf1oW" + struct.pack(">IB", next(_serial), 0x5a)


def ip(family, src, dst, **fields):
    return IP(src=src, dst=dst, **fields) if family == 4 else IPv6(src=src, dst=dst, **fields)


def _marked(packet, pad):
    mark = token()
    return bytes(packet / Raw(mark + bytes(pad))), mark


def udp(link, src, dst, sport=40000, dport=9, pad=0):
    """(bytes, token), as all that follow."""
    return _marked(link.ether / ip(link.family, src, dst) / UDP(sport=sport, dport=dport), pad)


def tcp(link, src, dst, flags="S", sport=40000, dport=9, pad=0):
    return _marked(link.ether / ip(link.family, src, dst)
                   / TCP(sport=sport, dport=dport, flags=flags, seq=7, ack=7), pad)


def echo(link, src, dst, pad=0):
    ask = ICMP() if link.family == 4 else ICMPv6EchoRequest()
    return _marked(link.ether / ip(link.family, src, dst) / ask, pad)


def _over(link, src, dst, *layers, **fields):
    packet = link.ether / ip(link.family, src, dst, **fields)
    for layer in layers:
        packet = packet / layer
    return packet


def _tagged(link, src, dst, *tags):
    ether = link.ether
    for tag in tags:
        ether = ether / tag
    return ether / ip(link.family, src, dst) / UDP(sport=4000, dport=9)


def _fragment(**fields):
    return IPv6ExtHdrFragment(nh=17, **fields)


_ASK = UDP(sport=4000, dport=9)
_HOP, _OPTIONS = IPv6ExtHdrHopByHop(options=[PadN()]), IPv6ExtHdrDestOpt(options=[PadN()])
_ROUTING = IPv6ExtHdrRouting(type=4, segleft=0)
_INNER = IP(src="192.0.2.1", dst="192.0.2.2") / UDP()
_LAYERS = {  # kinds that are layers behind the IP header, with fields of that header
    "tcp-syn": ([TCP(sport=4000, dport=9, flags="S")], {}),
    "tcp-ack": ([TCP(sport=4000, dport=9, flags="A", seq=9, ack=9)], {}),
    "tcp-rst": ([TCP(sport=4000, dport=9, flags="R", seq=9)], {}),
    "udp": ([_ASK], {}),
    "gre": ([GRE()], {}),
    "esp": ([ESP(spi=5, seq=1)], {}),
    "sctp": ([SCTP(sport=4000, dport=9), SCTPChunkInit()], {}),
}
_LAYERS_V4 = _LAYERS | {
    "icmp-echo": ([ICMP()], {}),
    "icmp-unreachable": ([ICMP(type=3, code=1)], {}),
    "options": ([_ASK], {"options": [IPOption(b"\x94\x04\x00\x00")] * 3}),
    "first-fragment": ([UDP(sport=4000, dport=9, len=2000)], {"flags": "MF"}),
    "later-fragment": ([Raw(b"\x00" * 24)], {"proto": 17, "frag": 185}),
    "unknown-protocol": ([Raw(b"\x00" * 8)], {"proto": 253}),
    "ip-in-ip": ([_INNER], {}),
}
_LAYERS_V6 = _LAYERS | {
    "icmpv6-echo": ([ICMPv6EchoRequest()], {}),
    "hop-by-hop": ([_HOP, _ASK], {}),
    "destination-options": ([_OPTIONS, _ASK], {}),
    "routing": ([_ROUTING, _ASK], {}),
    "all-extensions": ([_HOP, _OPTIONS, _ROUTING, _fragment(), _ASK], {}),
    "many-options": ([_OPTIONS] * 8 + [_ASK], {}),
    "options-then-tcp": ([_OPTIONS, TCP(sport=4000, dport=9, flags="S")], {}),
    "hop-by-hop-then-icmpv6": ([_HOP, ICMPv6EchoRequest()], {}),
    "first-fragment": ([_fragment(m=1), UDP(sport=4000, dport=9, len=2000)], {}),
    "later-fragment": ([_fragment(offset=185), Raw(b"\x00" * 24)], {}),
    "unknown-protocol": ([Raw(b"\x00" * 8)], {"nh": 253}),
    "no-next-header": ([Raw(b"\x00" * 8)], {"nh": 59}),
    "ipv4-in-ipv6": ([_INNER], {}),
}
_TAGS = {
    "vlan": [Dot1Q(vlan=5)],
    "qinq": [Dot1AD(vlan=5), Dot1Q(vlan=6)],
    "double-8100": [Dot1Q(vlan=5), Dot1Q(vlan=6)],
    "priority-tag": [Dot1Q(vlan=0, prio=3)],
    "pppoe": [PPPoE(sessionid=9), PPP()],
    "pppoe-in-vlan": [Dot1Q(vlan=7), PPPoE(sessionid=9), PPP()],
    "priority-tags": [Dot1Q(vlan=0), Dot1AD(vlan=0)] * 4,
}
KINDS = {4: [*_LAYERS_V4, *_TAGS], 6: [*_LAYERS_V6, *_TAGS]}


def kind(link, name, src, dst):
    """One frame of KINDS[link.family], with a token at its end: (bytes, token)."""
    mark = token()
    if name in _TAGS:
        return bytes(_tagged(link, src, dst, *_TAGS[name]) / Raw(mark)), mark
    layers, fields = (_LAYERS_V4 if link.family == 4 else _LAYERS_V6)[name]
    return bytes(_over(link, src, dst, *layers, Raw(mark), **fields)), mark


def copies(frame_and_token, count):
    """That frame so many times, each with a token of its own (its checksum is not corrected)."""
    frame, old = frame_and_token
    marks = [token() for _ in range(count)]
    return [(frame.replace(old, mark), mark) for mark in marks]


def from_source(frame_and_token, family, address):
    """The same untagged frame from another source, 4 or 16 bytes; scapy is too slow for floods.

    The IPv4 header's checksum is corrected; that of UDP, TCP and ICMP is not: no packet filter
    looks at it."""
    frame, old = frame_and_token
    mark = token()
    frame = bytearray(frame.replace(old, mark))
    if family == 6:
        frame[22:38] = address
        return bytes(frame), mark
    frame[26:30] = address
    frame[24:26] = bytes(2)
    words = sum(struct.unpack_from(f">{(frame[14] & 15) * 2}H", frame, 14))
    words = (words & 0xffff) + (words >> 16)
    struct.pack_into(">H", frame, 24, ~((words & 0xffff) + (words >> 16)) & 0xffff)
    return bytes(frame), mark
