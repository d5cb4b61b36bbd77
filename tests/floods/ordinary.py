# SPDX-License-Identifier: MIT
"""Ordinary two-way traffic of a small server, into which the floods are laid.

Per second: some 20 new web visits beside 30 old connections, 60 clients of a UDP service of which a
few come and go, QUIC-like visits, and what the host does itself: look-ups, time, connections to
others. Plus a monitor's pings and a scanner now and then (label `n`).
"""
import packets
from peers import Connection, Peer

WEB, GAME, QUIC = (80, 443), 27015, 443
# The UDP payload that a client pads its first packets to: Chromium, Firefox, Apple, quiche and others.
QUIC_BYTES = (1250, 1357, 1280, 1200)
QUIC_INITIAL, QUIC_HANDSHAKE, QUIC_SHORT = 0xc0, 0xe0, 0x40
RESOLVERS = {4: ("9.9.9.9", "149.112.112.112"), 6: ("2620:fe::fe", "2620:fe::9")}
NTP = {4: "162.159.200.1", 6: "2606:4700:f1::1"}


class OrdinaryTraffic:
    def __init__(self, capture, host, seconds, rng):
        self._capture, self._host, self._seconds, self._rng = capture, host, seconds, rng
        self._family = 6 if packets.is_v6(host) else 4

    def fill(self):
        for _ in range(30):
            self._old_connection()
        for when in self._moments(20):
            web_visit(self._capture, self._host, self._peer(), when, self._rng)
        for index in range(60):
            self._player(0.0 if index < 50 else self._rng.uniform(0, self._seconds))
        for when in self._moments(3):
            quic_visit(self._capture, self._host, self._peer(), when, self._rng)
        self._own_traffic()
        self._pings()
        for when in self._moments(1):
            self._scan(when)

    def _peer(self, value=None):
        return Peer(self._rng, self._family, value)

    def _moments(self, rate):
        """Random times at `rate` a second on average."""
        when = self._rng.expovariate(rate)
        while when < self._seconds:
            yield when
            when += self._rng.expovariate(rate)

    def _old_connection(self):
        link = Connection(self._capture, self._host, self._rng.choice(WEB), self._peer(), self._rng)
        when = self._rng.uniform(0, 2)
        while when < self._seconds:
            when = link.exchange(when, self._rng.randint(40, 300), self._rng.randint(50, 4000))
            when += self._rng.expovariate(0.7)

    def _player(self, begin):
        peer, port = self._peer(), self._rng.randint(1024, 65000)
        when = begin + self._rng.random() / 10
        end = self._seconds if begin == 0 else min(begin + 8, self._seconds)
        while when < end:
            ask(self._capture, self._host, peer, port, GAME, when, self._rng)
            when += 0.1 * self._rng.uniform(0.8, 1.2)

    def _own_traffic(self):
        resolvers = [self._peer(packets.address(a)) for a in RESOLVERS[self._family]]
        clock = self._peer(packets.address(NTP[self._family]))
        for when in self._moments(5):
            look_up(self._capture, self._host, self._rng.choice(resolvers), when, self._rng)
        for when in self._moments(0.25):
            _answered(self._capture, self._host, clock, 123, when, b"\x23" + bytes(47),
                      b"\x24\x01" + self._rng.randbytes(46), 48, self._rng)
        for when in self._moments(3):
            link = Connection(self._capture, self._host, self._rng.randint(32768, 60999), self._peer(),
                              self._rng, peer_port=443)
            when = link.dials(when)
            when = link.answers(when, 500)
            when = link.asks(when, self._rng.randint(300, 20000))
            link.closes(link.acks(when + 0.01) + 0.01)

    def _pings(self):
        peer = self._peer()
        for sequence, when in enumerate(range(1, int(self._seconds))):
            ping(self._capture, self._host, peer, when + 0.3, sequence)

    def _scan(self, when):
        peer = self._peer()
        self._capture.arrives(when, packets.tcp(
            peer.address, self._host, self._rng.randint(30000, 60000),
            self._rng.choice((22, 23, 3389, 8080)), self._rng.getrandbits(32), 0, packets.SYN,
            1024, bytes.fromhex("020405b4"), ttl=240), "n")


def web_visit(capture, host, peer, when, rng, port=None):
    """A whole connection: one to four requests."""
    link = Connection(capture, host, port or rng.choice(WEB), peer, rng)
    when = link.opens(when) + 0.0002
    for _ in range(rng.randint(1, 4)):
        when = link.exchange(when, rng.randint(200, 900), rng.randint(200, 15000)) + rng.uniform(0, 0.2)
    return link.closes(when)


def ask(capture, host, peer, peer_port, port, when, rng, sizes=((24, 80), (60, 400))):
    """One datagram to a UDP service of the host and its answer."""
    size, answer = rng.randint(*sizes[0]), rng.randint(*sizes[1])
    capture.arrives(when, packets.udp(peer.address, host, peer_port, port, b"\x07" + rng.randbytes(23),
                                      size, peer.ttl, rng.getrandbits(16)))
    capture.leaves(when + 0.0003,
                   packets.udp(host, peer.address, port, peer_port, rng.randbytes(24), answer))


def quic_long(kind, ident, size, rng):
    """The head of a packet of `size` bytes with a long header (RFC 9000, 17.2). The low four bits of its
    first byte are protected, so of any value (RFC 9001, 5.4)."""
    head = bytes([kind | rng.getrandbits(4)]) + b"\0\0\0\1" + bytes([len(ident)]) + ident + b"\0"
    if kind == QUIC_INITIAL:
        head += b"\0"  # no token
    return head + (0x4000 + size - len(head) - 2).to_bytes(2, "big") + rng.randbytes(20)


def quic_visit(capture, host, peer, when, rng):
    """Initials of at least 1,200 bytes both ways (RFC 9000, 14.1), then short packets."""
    port, ident, size = rng.randint(20000, 65000), rng.randbytes(8), rng.choice(QUIC_BYTES)

    def there(at, head, size):
        capture.arrives(at, packets.udp(peer.address, host, port, QUIC, head, size, peer.ttl))

    def back(at, size):
        capture.leaves(at, packets.udp(host, peer.address, QUIC, port, rng.randbytes(24), size))

    there(when, quic_long(QUIC_INITIAL, ident, size, rng), size)
    back(when + 0.001, 1200)
    back(when + 0.00105, 1200)
    when += 0.001 + peer.rtt
    there(when, quic_long(QUIC_HANDSHAKE, ident, size, rng), size)
    for _ in range(rng.randint(3, 12)):
        short = bytes([QUIC_SHORT | rng.getrandbits(5)])  # of a short header five bits are protected
        there(when + 0.0002, short + ident + rng.randbytes(16), rng.randint(30, 200))
        back(when + 0.0007, rng.randint(100, 1250))
        when += peer.rtt


def look_up(capture, host, server, when, rng, answered=True):
    """A DNS question of the host (RFC 1035) from a port of its own, and its answer."""
    port, ident = rng.randint(32768, 60999), rng.randbytes(2)
    name = b"\x03www" + bytes([8]) + rng.randbytes(4).hex().encode() + b"\x03com\0"
    question = ident + b"\x01\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1"
    capture.leaves(when, packets.udp(host, server.address, port, 53, question))
    if answered:
        answer = ident + b"\x81\x80\0\1\0\1\0\0\0\0" + name + b"\0\1\0\1"
        capture.arrives(when + server.rtt, packets.udp(
            server.address, host, 53, port, answer, len(answer) + rng.choice((16, 16, 28, 90, 300)),
            server.ttl, rng.getrandbits(16)))


def _answered(capture, host, server, port, when, question, answer, size, rng):
    own = rng.randint(32768, 60999)
    capture.leaves(when, packets.udp(host, server.address, own, port, question))
    capture.arrives(when + server.rtt,
                    packets.udp(server.address, host, port, own, answer, size, server.ttl))


def ping(capture, host, peer, when, sequence):
    capture.arrives(when, packets.echo(peer.address, host, 77, sequence, bytes(56), ttl=peer.ttl))
    capture.leaves(when + 0.00002, packets.echo(host, peer.address, 77, sequence, bytes(56), reply=True))
