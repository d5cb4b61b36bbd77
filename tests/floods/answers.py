# SPDX-License-Identifier: MIT
"""What an unprotected host answers to a flood. A capture taken on it shows that too, and a firewall must
not take it for a sign that the peer is real."""
import packets
from packets import ACK, RST, SYN

SYN_ACK_OPTIONS = bytes.fromhex("020405b40103030801010402")


def _reversed(data):
    """(source, target, L4 offset) of the answer to an IPv4 or IPv6 packet without extensions."""
    src = packets.source(data)
    if data[0] >> 4 == 4:
        return int.from_bytes(data[16:20], "big"), src, 20
    return int.from_bytes(data[24:40], "big"), src, 40


def _ports(data, at):
    return int.from_bytes(data[at + 2:at + 4], "big"), int.from_bytes(data[at:at + 2], "big")


def cookies(data, rng):
    """A SYN is answered: the port is open, and the kernel sends SYN cookies."""
    own, peer, at = _reversed(data)
    seq = int.from_bytes(data[at + 4:at + 8], "big")
    return packets.tcp(own, peer, *_ports(data, at), rng.getrandbits(32), seq + 1, SYN | ACK, 64240,
                       SYN_ACK_OPTIONS)


def refuses(data, _):
    """A segment of no connection is answered by RST (RFC 9293, 3.10.7.1)."""
    own, peer, at = _reversed(data)
    return packets.tcp(own, peer, *_ports(data, at), int.from_bytes(data[at + 8:at + 12], "big"), 0, RST, 0)


def serves(data, rng):
    """The service takes the datagram for a client's."""
    own, peer, at = _reversed(data)
    return packets.udp(own, peer, *_ports(data, at), rng.randbytes(24), 120)


def echoes(data, _):
    own, peer, at = _reversed(data)
    ident, sequence = int.from_bytes(data[at + 4:at + 6], "big"), int.from_bytes(data[at + 6:at + 8], "big")
    return packets.echo(own, peer, ident, sequence, data[at + 8:], reply=True)


def closed(data, _):
    """Nobody listens on that UDP port; the kernel says so 1,000 times a second at most, which the
    caller sees to."""
    own, _, _ = _reversed(data)
    return packets.unreachable(own, (data, len(data)))
