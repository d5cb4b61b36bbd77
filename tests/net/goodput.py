# SPDX-License-Identifier: MIT
"""Legitimate clients during a flood; test_floods.py has the gates.

Four clients of one host for some seconds: HTTP on established connections, new HTTP connections, UDP
peers that were answered before, and UDP peers that never were. A flood begins with them. Floodwall's
reaction time is counted from the moment at which the flood is started.
"""
import datetime
import threading
import time
from dataclasses import dataclass, field

import traffic
from traffic import Traffic

import attacks
import packets
import reflection

SECONDS = 6
ENOUGH = 0.98
REACTIONS = {"AttackStart": "alarm", "Signature": "signature"}
LOOK_S = 0.002   # between two looks for the first drop


@dataclass(frozen=True)
class Flood:
    families: tuple
    rate: int = 20_000
    pulses: dict = field(default_factory=dict)
    new_udp: float = 0.99  # of new UDP peers that must be answered
    stopped: float = 0.9   # of its packets that must be dropped
    alarm: bool = True     # it must be reported
    only: int = 0          # 4 or 6: the one family it exists for


def _slash24(target, rng):
    """A /24 (a /56) together, SYN and UDP alternately."""
    is_v6 = packets.is_v6(target)
    first = packets.address("fd40:f0:0:700::1" if is_v6 else "10.200.7.0")
    step = 1 << 64 if is_v6 else 1

    def make():
        src = first + rng.randrange(256) * step
        return [packets.tcp(src, target, rng.randint(1024, 65535), 80, rng.getrandbits(32), 0,
                            packets.SYN, 64240, bytes.fromhex("020405b4"), ttl=55),
                packets.udp(src, target, rng.randint(1024, 65535), traffic.UDP, rng.randbytes(100))]
    return make


FLOODS = {
    "syn": Flood((attacks.syn_fixed,)),
    "syn-mimic": Flood((attacks.syn_mimic,)),
    # The host bears it and serves all of it, so it may pass; what is above the capacity need not.
    "udp-served": Flood((attacks.udp_fixed,), new_udp=0.95, stopped=0),
    "dns-reflection": Flood((reflection.reflected("dns"),)),
    "fragment": Flood((attacks.fragment,)),
    "syn-ack": Flood((attacks.syn_ack,)),
    "ack": Flood((attacks.ack,)),
    "echo": Flood((attacks.echo,)),
    # Half of it is 256 hosts that ask the UDP service 40 times a second, and are answered.
    # The limits of its prefix hold it, which is no attack on a service. Of the other half, SYNs, the
    # listener's backlog takes what it has room for, as of "pulsed".
    "slash24": Flood((_slash24,), stopped=0.3, alarm=False),
    # A third of it is served, as that of udp-served.
    "three": Flood((attacks.syn_mimic, reflection.reflected("dns"), attacks.udp_random), new_udp=0.95,
                   stopped=0.6),
    # Of each pulse the listener's backlog takes what it has room for (tcp_syncookies = 1).
    "pulsed": Flood((attacks.syn_fixed,), pulses={"on_ms": 1000, "off_ms": 5000}, stopped=0.8),
}


@dataclass
class Goodput:
    """What the clients got, and what became of the flood."""
    clients: dict                # by client: what `traffic` says
    sent: int = 0                # packets of the flood
    wanted: int = 0              # that it was to send: fewer went where the machine was too busy
    dropped: int = 0             # by Floodwall, of all packets
    bans: list = field(default_factory=list)
    reaction_ms: dict = field(default_factory=dict)  # first drop, alarm, signature: those there were

    def success(self, client):
        return self.clients[client]["answered"] / self.clients[client]["asked"]

    @property
    def is_valid(self):
        """Whether the machine could do it all: else what was lost says nothing of a firewall."""
        return self.sent >= ENOUGH * self.wanted

    @property
    def stopped(self):
        return self.dropped / self.sent if self.sent else None


def measure(lab, link, flood=None, seconds=SECONDS):
    """One run; the lab's daemon is started for it."""
    if flood and flood.pulses:
        seconds = 13  # three pulses
    lab.xdp_on_peer()  # a veth takes what XDP sends (SYN cookies) only from one to another
    lab.start_daemon(lab.config(tables=""))
    with Traffic(lab, link).serve() as made:
        clients = {
            "old HTTP": made.web(rate=400, old=50, sources=50, seconds=seconds),
            "new HTTP": made.web(rate=100, sources=5000, seconds=seconds),
            "old UDP": made.ask(rate=500, sources=50, known=1, seconds=seconds),
            "new UDP": made.ask(rate=100, sources=5000, seconds=seconds),
        }
        before = traffic.dropped(lab)
        storm = flood and made.flood(flood.families, flood.rate, seconds, **flood.pulses)
        first_drop = _FirstDrop(lab, begin := time.time()) if storm else None
        for program in ([storm] if storm else []) + list(clients.values()):
            program.go()
        goodput = Goodput({name: client.result() for name, client in clients.items()})
        if storm:
            goodput.sent = storm.result()["sent"]
            goodput.wanted = flood.rate * (3 if flood.pulses else seconds)
    traffic.settle(lab)
    goodput.dropped = traffic.dropped(lab) - before
    goodput.bans = list(lab.bans())
    if first_drop:
        goodput.reaction_ms = first_drop.result() | _reactions(lab, begin)
    return goodput


class _FirstDrop:
    """When the interface's counters first show a packet that XDP dropped or answered."""

    def __init__(self, lab, begin):
        self._lab, self._begin, self._ms = lab, begin, None
        self._before = self._seen()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _seen(self):
        lines = self._lab.run("ethtool", "-S", "up0", where="dut").stdout.splitlines()
        return sum(int(line.split(":")[1]) for line in lines if line.strip().startswith("rx_queue_")
                   and line.split(":")[0].endswith(("_xdp_drops", "_xdp_tx")))

    def _watch(self):
        while time.time() < self._begin + SECONDS:
            if self._seen() > self._before:
                self._ms = (time.time() - self._begin) * 1000
                return
            time.sleep(LOOK_S)

    def result(self):
        self._thread.join()
        return {} if self._ms is None else {"first drop": self._ms}


def _reactions(lab, begin):
    """The first event of each kind, after the flood began."""
    reactions = {}
    for event in lab.events():
        what = REACTIONS.get(event["event_type"])
        when = datetime.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).timestamp()
        if what and when >= begin:
            reactions.setdefault(what, (when - begin) * 1000)
    return reactions
