# SPDX-License-Identifier: MIT
"""Busy but innocent: what much wanted hosts see, from the first packet of a capture on (nobody has
learned anything yet). Each function fills a capture for one protected host."""
import packets
import ordinary
from peers import Connection, Peer


def _crowd(rng, count, family=4):
    return [Peer(rng, family) for _ in range(count)]


def _moments(rng, rate, seconds):
    when = rng.expovariate(rate)
    while when < seconds:
        yield when
        when += rng.expovariate(rate)


def _short_visit(capture, host, peer, when, rng):
    """One request on a connection of its own, as benchmarks and APIs do it."""
    link = Connection(capture, host, 80, peer, rng)
    when = link.exchange(link.opens(when) + 0.0001, rng.randint(150, 500), rng.randint(300, 1400))
    return link.closes(when)


def http(capture, host, rng, rate=4000, sources=300, seconds=6):
    """A web server with `rate` new connections a second."""
    family = 6 if packets.is_v6(host) else 4
    crowd = _crowd(rng, sources, family)
    for when in _moments(rng, rate, seconds):
        _short_visit(capture, host, rng.choice(crowd), when, rng)


def flash_crowd(capture, host, rng, rate=3000, seconds=6):
    """Sources never seen before, all at once, each of which completes its handshake."""
    for when in _moments(rng, rate, seconds):
        ordinary.web_visit(capture, host, Peer(rng), when, rng, port=443)


def dns_service(capture, host, rng, rate=50_000, sources=20_000, seconds=4):
    crowd = _crowd(rng, sources)
    for when in _moments(rng, rate, seconds):
        ordinary.ask(capture, host, rng.choice(crowd), rng.randint(1024, 65535), 53, when, rng,
                  ((28, 60), (44, 200)))


def game(capture, host, rng, players=500, rate=60, seconds=6):
    """Each player sends and gets `rate` datagrams a second from one port."""
    for peer in _crowd(rng, players):
        port, when = rng.randint(1024, 65535), rng.random() / rate
        while when < seconds:
            ordinary.ask(capture, host, peer, port, ordinary.GAME, when, rng, ((20, 60), (80, 500)))
            when += rng.uniform(0.9, 1.1) / rate


def upload(capture, host, rng, rate=30_000, seconds=5, sources=1):
    """Bulk data from each source, at `rate` segments a second in all."""
    for peer in _crowd(rng, sources):
        link = Connection(capture, host, 443, peer, rng)
        when = link.opens(rng.random() / 10)
        link.asks(when, int(rate / sources * seconds) * 1448, gap=sources / rate)


def download(capture, host, rng, rate=40_000, seconds=5):
    link = Connection(capture, host, 443, Peer(rng), rng)
    when = link.exchange(link.opens(0.0), 300, 1400)
    link.answers(when, rate * seconds * 1448, gap=1 / rate)


def backup(capture, host, rng):
    """One host that sends to a file service over several connections, in the middle of which the
    capture begins."""
    peer = Peer(rng)
    for _ in range(4):
        link = Connection(capture, host, 873, peer, rng)
        link.asks(rng.random() / 5, 5 * 5000 * 1448, gap=1 / 5000)


def crawler(capture, host, rng, seconds=10):
    """One address, many short connections and many requests over kept ones."""
    peer = Peer(rng)
    for when in _moments(rng, 60, seconds):
        _short_visit(capture, host, peer, when, rng)
    for _ in range(8):
        link = Connection(capture, host, 443, peer, rng)
        when = link.opens(rng.random())
        while when < seconds:
            when = link.exchange(when, 400, rng.randint(2000, 60000))


def monitoring(capture, host, rng, seconds=20):
    """Pings every 10 ms from three hosts, checks of several ports, SNMP every second."""
    for peer in _crowd(rng, 3):
        for index in range(seconds * 100):
            ordinary.ping(capture, host, peer, index / 100 + peer.rtt, index)
        for when in range(seconds):
            for port in (22, 25, 80, 443, 5432):
                link = Connection(capture, host, port, peer, rng)
                link.closes(link.opens(when + rng.random()) + 0.001)
            ordinary.ask(capture, host, peer, 40000 + when, 161, when + 0.5, rng)


def nat(capture, host, rng, users=200, seconds=15, rush=False):
    """`users` behind one address: a page every ten seconds, six connections a page. In a `rush` all
    begin within two seconds, as a class does."""
    gateway = Peer(rng)
    for _ in range(users):
        when = rng.uniform(0, 2 if rush else 10)
        while when < seconds:
            for _ in range(6):
                ordinary.web_visit(capture, host, gateway, when + rng.uniform(0, 0.2), rng, port=443)
            when += rng.uniform(8, 12)


def resolver(capture, host, rng, rate=2000, seconds=8):
    """The host asks name servers all over the world; some do not answer, some do at length."""
    servers = _crowd(rng, 4000)
    for when in _moments(rng, rate, seconds):
        server = rng.choice(servers)
        answered = rng.random() > 0.03
        ordinary.look_up(capture, host, server, when, rng, answered)
        if not answered:
            ordinary.look_up(capture, host, rng.choice(servers), when + 0.8, rng)
        elif rng.random() < 0.01:
            _long_answer(capture, host, server, when, rng)


def _long_answer(capture, host, server, when, rng):
    """An answer of 2,400 bytes: EDNS, in fragments."""
    port = rng.randint(32768, 60999)
    capture.leaves(when, packets.udp(host, server.address, port, 53, rng.randbytes(40)))
    body, size = packets.udp_body(server.address, host, 53, port, rng.randbytes(60), 2400)
    for piece in packets.fragments(server.address, host, packets.UDP, body, size, rng.getrandbits(16),
                                   server.ttl):
        capture.arrives(when + server.rtt, piece)


def in_the_middle(capture, host, rng, clients=3000, seconds=8):
    """The capture begins while `clients` connections stand; each says something every few seconds."""
    for peer in _crowd(rng, clients):
        link = Connection(capture, host, 443, peer, rng)
        when = rng.uniform(0, 2)
        while when < seconds:
            when = link.exchange(when, 200, 600) + rng.uniform(2, 3)


def restart(capture, host, rng, clients=3000, known=True):
    """A server loses its connections: what clients send is answered by RST, and they come again.
    If not `known`, the capture begins after the restart: nobody saw them work before."""
    for peer in _crowd(rng, clients):
        link = Connection(capture, host, 443, peer, rng)
        if known:
            link.exchange(link.opens(rng.uniform(0, 2)), 200, 600)
        when = 3 + rng.expovariate(1.5)
        when = link.resets(link.asks(when, 150) + 0.00005) + peer.rtt + rng.uniform(0, 0.5)
        fresh = Connection(capture, host, 443, peer, rng)
        fresh.exchange(fresh.opens(when) + 0.001, 300, 1200)
