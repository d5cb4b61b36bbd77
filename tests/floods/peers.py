# SPDX-License-Identifier: MIT
"""Who talks with the protected host, and their TCP connections, both directions, with right numbers."""
import struct

import packets
from packets import ACK, FIN, PSH, RST, SYN

MSS = 1448
# What a SYN looks like by operating system: TTL at the start, window, options.
_LINUX = bytes.fromhex("020405b40402080a") + b"TTTT" + bytes(4) + bytes.fromhex("01030307")
_WINDOWS = bytes.fromhex("020405b40103030801010402")
_APPLE = (bytes.fromhex("020405b4010303060101080a") + b"TTTT" + bytes(4)
          + bytes.fromhex("04020000"))
SYSTEMS = ((64, 64240, _LINUX), (128, 64240, _WINDOWS), (64, 65535, _APPLE), (128, 8192, _WINDOWS))


def syn_options(template, rng):
    return template.replace(b"TTTT", struct.pack("!I", rng.getrandbits(32)))


def public_v4(rng):
    """An address of the Internet that is nobody's in these captures."""
    while True:
        value = rng.getrandbits(32)
        first = value >> 24
        if 1 <= first < 224 and first not in (10, 127, 172, 192, 169, 198, 203, 100):
            return value


def public_v6(rng):
    return 0x2 << 124 | rng.getrandbits(61) << 63 | rng.getrandbits(63)


class Peer:
    """One machine out there: its address, distance and operating system."""

    def __init__(self, rng, family=4, value=None):
        self.address = value or (public_v4(rng) if family == 4 else public_v6(rng))
        self.rtt = min(0.004 + rng.expovariate(30), 0.3)
        ttl, self.window, self.options = rng.choice(SYSTEMS)
        self.ttl = ttl - rng.randint(4, 22)


class Connection:
    """A TCP connection between a peer and the host, as the host's interface sees it.

    Each method is given the time of its first packet and returns that of its last one."""

    def __init__(self, capture, host, port, peer, rng, peer_port=None):
        self._capture, self._host, self._port, self._peer, self._rng = capture, host, port, peer, rng
        self._peer_port = peer_port or rng.randint(20000, 65000)
        self._host_next, self._peer_next = rng.getrandbits(32), rng.getrandbits(32)
        self._acked = self._host_next  # what the peer has acknowledged last
        self._ident = rng.getrandbits(16)

    def _in(self, when, flags, size=0, options=b"", seq=None, ack=None):
        self._ident = (self._ident + 1) & 0xffff
        self._capture.arrives(when, packets.tcp(
            self._peer.address, self._host, self._peer_port, self._port,
            self._peer_next if seq is None else seq, self._acked if ack is None else ack, flags,
            self._peer.window if flags & SYN else 501, options, self._payload(size), size,
            self._peer.ttl, self._ident))
        self._peer_next += size + (1 if flags & (SYN | FIN) else 0)

    def _out(self, when, flags, size=0, options=b"", ack=None):
        self._capture.leaves(when, packets.tcp(
            self._host, self._peer.address, self._port, self._peer_port, self._host_next,
            self._peer_next if ack is None else ack, flags, 64240 if flags & SYN else 502, options,
            self._payload(size), size))
        self._host_next += size + (1 if flags & (SYN | FIN) else 0)

    def _payload(self, size):
        return self._rng.randbytes(min(size, 24))

    def opens(self, when):
        """The peer connects; returns when its ACK has come."""
        self._in(when, SYN, options=syn_options(self._peer.options, self._rng), ack=0)
        self._out(when + 0.00005, SYN | ACK, options=_WINDOWS)
        return self.acks(when + 0.0001 + self._peer.rtt)

    def dials(self, when):
        """The host connects to the peer; returns when the host's ACK has gone."""
        self._out(when, SYN, options=syn_options(_LINUX, self._rng), ack=0)
        self._acked = self._host_next
        self._in(when + self._peer.rtt, SYN | ACK, options=_WINDOWS)
        self._out(when + self._peer.rtt + 0.00005, ACK)
        return when + self._peer.rtt + 0.0001

    def acks(self, when):
        """The peer acknowledges all that the host has sent."""
        self._acked = self._host_next
        self._in(when, ACK)
        return when

    def asks(self, when, size, gap=0.00002):
        """The peer sends `size` bytes; the host acknowledges every other segment."""
        for index, piece in enumerate(_segments(size)):
            self._in(when, ACK | PSH, piece)
            if index % 2:
                self._out(when + 0.00001, ACK)
            when += gap
        return when

    def answers(self, when, size, gap=0.00002):
        """The host sends `size` bytes; the peer acknowledges every other segment and the last one."""
        segments = _segments(size)
        for index, piece in enumerate(segments):
            self._out(when, ACK | PSH, piece)
            if index % 2 or index == len(segments) - 1:
                self._acked = self._host_next
                self._in(when + self._peer.rtt, ACK)
            when += gap
        return when + self._peer.rtt

    def exchange(self, when, question, answer):
        """A question of the peer and the host's answer; returns when that is acknowledged."""
        return self.answers(self.asks(when, question) + 0.0005, answer)

    def closes(self, when):
        """The host closes, the peer closes in return."""
        self._out(when, FIN | ACK)
        when += self._peer.rtt
        self._acked = self._host_next
        self._in(when, FIN | ACK)
        self._out(when + 0.00003, ACK)
        return when + 0.00003

    def resets(self, when):
        """The host knows nothing of this connection (it restarted) and says so."""
        self._out(when, RST)
        return when


def _segments(size):
    return [min(MSS, size - at) for at in range(0, size, MSS)]
