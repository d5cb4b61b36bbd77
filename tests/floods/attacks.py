# SPDX-License-Identifier: MIT
"""Floods, family by family. A family is a function of (target, rng) that returns a maker: each call
of it gives the next packets of the flood, (bytes, size) in a list that is seldom longer than one.

What the attacked host answers while nothing protects it (`echoes`, `refuses`, ...) is in answers.py:
a capture taken there shows both.
"""
import struct

import packets
from packets import ACK, PSH, RST, SYN
from ordinary import GAME, QUIC, QUIC_BYTES, QUIC_INITIAL, quic_long
from peers import SYSTEMS, public_v4, public_v6, syn_options

CARRIER = 0xc6336400  # 198.51.100.0/24: sources in concert
ONE = {4: packets.address("203.0.113.77"), 6: packets.address("2001:db8:bad::77")}


def _family(target):
    return 6 if packets.is_v6(target) else 4


def forged(target, rng):
    """Random sources of the target's family."""
    return public_v6(rng) if packets.is_v6(target) else public_v4(rng)


def _port(rng):
    return rng.randint(1024, 65535)


# ---------------------------------------------------------------- TCP


def _plain_syn(src, target, rng, window=512):
    """As hping3 and its likes make them: no options, one window, a TTL as far away as they are."""
    return packets.tcp(src, target, _port(rng), 80, rng.getrandbits(32), 0, SYN, window, ttl=53,
                       ident=rng.getrandbits(16))


def syn_fixed(target, rng):
    return lambda: [_plain_syn(forged(target, rng), target, rng)]


def syn_one_source(target, rng):
    return lambda: [_plain_syn(ONE[_family(target)], target, rng, 64240)]


def syn_slash24(target, rng):
    return lambda: [_plain_syn(CARRIER | rng.getrandbits(8), target, rng, 1024)]


def syn_mimic(target, rng):
    """Options, windows and distances of real systems."""
    def make():
        ttl, window, options = rng.choice(SYSTEMS)
        return [packets.tcp(forged(target, rng), target, _port(rng), rng.choice((80, 443)),
                            rng.getrandbits(32), 0, SYN, window, syn_options(options, rng),
                            ttl=ttl - rng.randint(4, 22), ident=rng.getrandbits(16))]
    return make


def _stray(flags, size=0):
    def family(target, rng):
        return lambda: [packets.tcp(
            forged(target, rng), target, _port(rng), 443, rng.getrandbits(32), rng.getrandbits(32), flags,
            rng.getrandbits(16), b"", rng.randbytes(min(size, 24)), size, rng.randint(40, 250),
            rng.getrandbits(16))]
    return family


ack = _stray(ACK)
ack_data = _stray(ACK | PSH, 900)
rst = _stray(RST)


def syn_ack(target, rng):
    """Reflected by 5,000 real servers, which were sent SYNs in the target's name."""
    servers = [(forged(target, rng), rng.choice(SYSTEMS), rng.randint(4, 22)) for _ in range(5000)]

    def make():
        src, (ttl, window, options), hops = rng.choice(servers)
        return [packets.tcp(src, target, rng.choice((80, 443, 443)), _port(rng), rng.getrandbits(32),
                            rng.getrandbits(32), SYN | ACK, window, syn_options(options, rng),
                            ttl=ttl - hops)]
    return make


def botnet(family, hosts=500):
    """From so many hosts, each with one packet of the family that it sends again and again."""
    def several(target, rng):
        make = family(target, rng)
        sent = [packet for _ in range(hosts) for packet in make()]
        return lambda: [rng.choice(sent)]
    return several


# ---------------------------------------------------------------- UDP


def udp_fixed(target, rng):
    """One payload, to a port that is served."""
    payload = rng.randbytes(32)
    return lambda: [packets.udp(forged(target, rng), target, _port(rng), GAME, payload, ttl=49,
                                ident=rng.getrandbits(16))]


def udp_random(target, rng):
    return lambda: [packets.udp(forged(target, rng), target, _port(rng), GAME, rng.randbytes(24),
                                rng.randint(24, 1400), rng.randint(40, 240), rng.getrandbits(16))]


def udp_mimic(target, rng):
    """As the service's own clients look: nothing in a single packet tells them apart."""
    def make():
        return [packets.udp(forged(target, rng), target, _port(rng), GAME, b"\x07" + rng.randbytes(23),
                            rng.randint(24, 80), rng.choice(SYSTEMS)[0] - rng.randint(4, 22),
                            rng.getrandbits(16))]
    return make


def udp_ports(target, rng):
    return lambda: [packets.udp(forged(target, rng), target, _port(rng), rng.randint(1, 65535),
                                rng.randbytes(24), 512, rng.randint(40, 240), rng.getrandbits(16))]


def udp_one_source(target, rng):
    return lambda: [packets.udp(ONE[_family(target)], target, 40000, GAME, rng.randbytes(24), 400, 55)]


def udp_in_a_name(name):
    """In the name of somebody the host talks with, who must not pay for it."""
    src = packets.address(name)

    def family(target, rng):
        return lambda: [packets.udp(src, target, 53, rng.randint(1024, 65535), rng.randbytes(24), 900, 57)]
    return family


def quic_fixed(target, rng):
    """One recorded QUIC Initial, sent by one machine in the name of many, each time with another connection
    id."""
    size = 1200
    recorded = quic_long(QUIC_INITIAL, bytes(8), size, rng)

    def make():
        head = recorded[:6] + rng.randbytes(8) + recorded[14:]
        return [packets.udp(forged(target, rng), target, _port(rng), QUIC, head, size, ttl=52)]
    return make


def quic_mimic(target, rng):
    """QUIC Initials as real clients send them."""
    def make():
        size = rng.choice(QUIC_BYTES)
        head = quic_long(QUIC_INITIAL, rng.randbytes(8), size, rng)
        return [packets.udp(forged(target, rng), target, _port(rng), QUIC, head, size,
                            rng.choice(SYSTEMS)[0] - rng.randint(4, 22))]
    return make


# ---------------------------------------------------------------- ICMP and others


def echo(target, rng):
    return lambda: [packets.echo(forged(target, rng), target, rng.getrandbits(16), 1, bytes(32),
                                 ttl=rng.randint(40, 120))]


def unreachable(target, rng):
    """Routers and hosts complain about packets that somebody sent in the target's name."""
    def make():
        about = packets.udp(target, forged(target, rng), _port(rng), 27015, bytes(8))
        return [packets.unreachable(forged(target, rng), about, rng.randint(40, 250))]
    return make


def _protocol(number, head, size):
    def family(target, rng):
        return lambda: [packets.ip(forged(target, rng), target, number, head(rng), size,
                                   ttl=rng.randint(40, 240))]
    return family


gre = _protocol(packets.GRE, lambda rng: b"\0\0\x08\0E\0" + rng.randbytes(40), 512)
esp = _protocol(packets.ESP, lambda rng: rng.randbytes(40), 800)


def fragment(target, rng):
    """Later fragments of datagrams that have no first one."""
    return lambda: [packets.fragment(forged(target, rng), target, packets.UDP, rng.randbytes(40), 1400,
                                     rng.getrandbits(16), 8 * rng.randint(1, 8000), rng.random() < 0.5,
                                     rng.randint(40, 240))]


def extensions(target, rng):
    """IPv6 with a chain of extension headers, as tools for denial of service have it."""
    kinds = [packets.HOP_BY_HOP] + [packets.DESTINATION, packets.ROUTING, packets.DESTINATION]
    body = struct.pack("!BBHHH", 128, 0, 0, 0xfacf, 0xdead)
    return lambda: [packets.chain(forged(target, rng), target, kinds, packets.ICMPV6, body, ttl=255)]


def mix(*families):
    """Several at once, packet by packet in turn."""
    def family(target, rng):
        makers = [each(target, rng) for each in families]
        return lambda: [packet for maker in makers for packet in maker()]
    return family


def carpet(family, targets):
    """Spread over all addresses of a network: little for each, much for the line."""
    def spread(_, rng):
        makers = [family(target, rng) for target in targets]
        return lambda: rng.choice(makers)()
    return spread
