# SPDX-License-Identifier: MIT
"""Reflection: services of third parties answer requests that were sent in the target's name.

Families as in attacks.py. Sources are real machines, a few thousand, again and again; the source
port is the service's. Long answers come in fragments.
"""
import attacks
import packets

# service: port, beginning of an answer, sizes of answers. Shapes: RFC 1035; ntp.org mode 7 monlist
# (100 entries in pieces of 440); memcached UDP framing; RFC 4511 searchResEntry; UPnP 1.1; RFC 3416;
# ASHRAE 135 annex J; WS-Discovery 1.1. `unknown` is a game's query port that no list names.
SERVICES = {
    "dns": (53, b"\x3a\x1c\x81\x80\0\1\0\x1b\0\0\0\1\x03isc\x03org\0\0\xff\0\1", (1800, 3200, 4000)),
    "ntp": (123, b"\xd7\0\x03\x2a\0\6\0\x48" + bytes(16), (440,)),
    "memcached": (11211, b"\0\0\0\0\x02\xbc\0\0VALUE a 0 1048576\r\n", (1400,)),
    "cldap": (389, b"\x30\x84\0\0\x0b\xb6\x02\x01\x07\x64\x84\0\0\x0b\xad\x04\0", (1480, 2990)),
    "ssdp": (1900, b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: ", (268, 290, 310, 325)),
    "snmp": (161, b"\x30\x82\x05\x0a\x02\x01\x01\x04\x06public\xa2\x82\x04\xfb\x02\x02", (1290, 1340)),
    "bacnet": (47808, b"\x81\x0a\0\x5e\x01\0\x30\0\x0e\x0c\x02", (90, 94, 410)),
    "unknown": (20811, b"\xff\xff\xff\xffstatusResponse\n", (620, 700, 1230)),
}


def reflected(service, sources=4000, port=None):
    """To one port of the target, as most such attacks, if `port` is given; else to any."""
    own, head, sizes = SERVICES[service]

    def family(target, rng):
        # Each with its size (its data), and all as far away as they are.
        servers = [(attacks.forged(target, rng), rng.choice(sizes),
                    rng.choice((64, 128, 255)) - rng.randint(5, 22)) for _ in range(sources)]

        def make():
            src, size, ttl = rng.choice(servers)
            to = port or rng.randint(1024, 65535)
            ident = rng.getrandbits(16)
            if size <= 1452:
                return [packets.udp(src, target, own, to, head + rng.randbytes(8), size, ttl, ident)]
            body, whole = packets.udp_body(src, target, own, to, head + rng.randbytes(8), size)
            return list(packets.fragments(src, target, packets.UDP, body, whole, ident, ttl))
        return make
    return family
