# SPDX-License-Identifier: MIT
"""The table of captures: every flood over ordinary traffic, and every busy but innocent host.

A scenario's gates: "flood" and "busy" as gates.py has them; "report" is run and printed only, with the
reason in `note`.
"""
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

import answers
import attacks
import busy
import packets
import tools
from attacks import carpet, mix
from capture import Capture
from ordinary import RESOLVERS, OrdinaryTraffic
from reflection import reflected

V4, V6 = packets.address("192.0.2.80"), packets.address("2001:db8::80")
NET = [packets.address("192.0.2.0") + number for number in range(256)]
START_S, TAIL_S = 6.0, 13.0  # ordinary traffic before a flood and after it
# What is no flood even where the host is not seen to answer: TCP clients go on as only the answered do.
ONE_WAY_SHOWS = ("http-4000", "http-4000-v6", "nat-200", "crawler")
ERRORS_PER_SECOND = 1000     # of ICMP that a kernel sends (net.ipv4.icmp_msgs_per_sec)


@dataclass(frozen=True)
class Scenario:
    name: str
    gates: str                                        # flood, busy, report
    build: Callable[[random.Random], Capture]
    note: str = ""
    counts_from_pps: int = 0   # a rising flood is one from this rate on: the first drop's clock starts
    tool: str = ""             # the independent program it needs

    def capture(self):
        return self.build(random.Random(self.name))


# ---------------------------------------------------------------- when


def steady(rate, seconds, start=START_S):
    def times(rng):
        when = start
        while when < start + seconds:
            yield when
            when += rng.uniform(0.5, 1.5) / rate
    return times


def pulsed(rate, times=3, on=1.0, off=5.0):
    def moments(rng):
        for index in range(times):
            yield from steady(rate, on, START_S + index * (on + off))(rng)
    return moments


def rising(first, last, seconds):
    """The rate grows linearly."""
    def times(rng):
        when = START_S
        while when < START_S + seconds:
            yield when
            rate = first + (last - first) * (when - START_S) / seconds
            when += rng.uniform(0.5, 1.5) / rate
    return times


# ---------------------------------------------------------------- what


def flood(name, family, when, target=V4, answer=None, ordinary=None, hosts=None, **options):
    """`answer` is how the host answers an attack packet; `ordinary` fills the capture with ordinary
    traffic of so many seconds."""
    def build(rng):
        capture = Capture(hosts or [target])
        last = _attack(capture, family(target, rng), when(rng), answer, rng)
        (ordinary or _ordinary)(capture, target, last + TAIL_S, rng)
        return capture
    return Scenario(name, options.pop("gates", "flood"), build, **options)


def _ordinary(capture, target, seconds, rng):
    OrdinaryTraffic(capture, target, seconds, rng).fill()


def _attack(capture, make, times, answer, rng):
    """Lays the flood; returns when its last packet comes."""
    waiting, when, error_after = [], 0.0, 0.0
    for when in times:
        if not waiting:
            waiting = make()[::-1]
        packet = waiting.pop()
        capture.arrives(when, packet, "a")
        if answer is answers.closed:
            if when < error_after:
                continue
            error_after = when + 1 / ERRORS_PER_SECOND
        if answer:
            capture.leaves(when + 0.00004, answer(packet[0], rng))
    return when


def _tool(name, target=V4, rate=5000, distinct=25_000, **options):
    """What an independent program sends; scapy is slow, so its packets come again and again."""
    count = 600 if name.startswith("scapy") else distinct

    def family(_, rng):
        sent = tools.sent(name, target, count)
        if name.startswith("scapy"):
            return lambda: [rng.choice(sent)]
        following = itertools.cycle(sent)
        return lambda: [next(following)]
    return flood(f"tool-{name}", family, steady(rate, 5), target, tool=name, **options)


def _busy(name, fill, target=V4, gates="busy", note="", **knobs):
    def build(rng):
        capture = Capture([target])
        fill(capture, target, rng, **knobs)
        return capture
    return Scenario(name, gates, build, note)


def _one_way(scenario):
    """The same without what the host sends."""
    def build(rng):
        whole = scenario.build(rng)
        half = Capture(whole.hosts)
        for when, label, *packet in whole.in_order():
            if label != ".":
                half.arrives(when, packet, label)
        return half
    gates = "busy" if scenario.name in ONE_WAY_SHOWS else "report"
    return Scenario(f"{scenario.name}-one-way", gates, build, "no reply of the host is seen")


def _carpet_ordinary(capture, target, seconds, rng):
    OrdinaryTraffic(capture, target, seconds, rng).fill()
    for host in (NET[10], NET[200]):
        busy.http(capture, host, rng, rate=20, sources=100, seconds=seconds)


def _with(fill, **knobs):
    return lambda capture, target, seconds, rng: fill(capture, target, rng, seconds=seconds, **knobs)


BUSY = [
    _busy("http-4000", busy.http),
    _busy("http-4000-v6", busy.http, V6),
    _busy("flash-crowd", busy.flash_crowd),
    _busy("dns-50k", busy.dns_service),
    _busy("game-500", busy.game),
    _busy("upload", busy.upload),
    _busy("upload-40-sources", busy.upload, sources=40),
    _busy("download", busy.download),
    _busy("backup", busy.backup),
    _busy("crawler", busy.crawler),
    _busy("monitoring", busy.monitoring),
    _busy("nat-200", busy.nat),
    _busy("nat-200-rush", busy.nat, rush=True),
    _busy("resolver-2000", busy.resolver),
    _busy("in-the-middle", busy.in_the_middle),
    _busy("restart", busy.restart),
    _busy("restart-unseen", busy.restart, gates="report", known=False,
          note="an ACK flood, until its senders come again: docs/decisions/budgets.md"),
    Scenario("ordinary", "busy", lambda rng: _ordinary_only(V4, rng)),
    Scenario("ordinary-v6", "busy", lambda rng: _ordinary_only(V6, rng)),
]


def _ordinary_only(target, rng):
    capture = Capture([target])
    _ordinary(capture, target, 30, rng)
    return capture


FLOODS = [
    flood("syn-fixed", attacks.syn_fixed, steady(20_000, 6), answer=answers.cookies),
    flood("syn-fixed-2k", attacks.syn_fixed, steady(2000, 8), answer=answers.cookies),
    flood("syn-fixed-cold", attacks.syn_fixed, steady(20_000, 5, start=0.2)),
    flood("syn-fixed-50k", attacks.syn_fixed, steady(50_000, 5)),
    flood("syn-mimic", attacks.syn_mimic, steady(20_000, 6), answer=answers.cookies),
    flood("syn-mimic-2k", attacks.syn_mimic, steady(2000, 8), answer=answers.cookies),
    flood("syn-one-source", attacks.syn_one_source, steady(15_000, 6)),
    flood("syn-slash24", attacks.syn_slash24, steady(20_000, 6)),
    flood("syn-botnet", attacks.botnet(attacks.syn_mimic), steady(20_000, 6), answer=answers.cookies),
    flood("udp-fixed", attacks.udp_fixed, steady(30_000, 5)),
    flood("udp-fixed-answered", attacks.udp_fixed, steady(8000, 6), answer=answers.serves),
    flood("udp-random", attacks.udp_random, steady(20_000, 6)),
    flood("udp-ports", attacks.udp_ports, steady(20_000, 6), answer=answers.closed),
    flood("udp-one-source", attacks.udp_one_source, steady(15_000, 6)),
    flood("udp-one-source-5k", attacks.udp_one_source, steady(5000, 8)),
    flood("udp-forged-resolver", attacks.udp_in_a_name(RESOLVERS[4][0]), steady(8000, 6)),
    flood("udp-mimic", attacks.udp_mimic, steady(10_000, 6), gates="report",
          note="as the service's own clients, packet by packet"),
    flood("quic-initials", attacks.quic_fixed, steady(15_000, 6, start=20)),
    flood("quic-mimic", attacks.quic_mimic, steady(15_000, 6), gates="report",
          note="as the service's own clients, packet by packet"),
    flood("dns-reflection", reflected("dns"), steady(30_000, 5), answer=answers.closed),
    flood("dns-reflection-2k", reflected("dns"), steady(2000, 8)),
    flood("ntp-reflection", reflected("ntp", port=80), steady(30_000, 5)),
    flood("memcached-reflection", reflected("memcached", 800), steady(40_000, 5)),
    flood("cldap-reflection", reflected("cldap"), steady(20_000, 6)),
    flood("ssdp-reflection", reflected("ssdp", 15_000, port=443), steady(25_000, 5)),
    flood("snmp-reflection", reflected("snmp"), steady(15_000, 6)),
    flood("bacnet-reflection", reflected("bacnet", 6000), steady(15_000, 6)),
    flood("unknown-reflection", reflected("unknown"), steady(20_000, 6)),
    flood("ack", attacks.ack, steady(20_000, 6), answer=answers.refuses),
    flood("ack-data", attacks.ack_data, steady(15_000, 6)),
    flood("syn-ack", attacks.syn_ack, steady(15_000, 6), answer=answers.refuses),
    flood("rst", attacks.rst, steady(20_000, 6)),
    flood("echo", attacks.echo, steady(20_000, 6), answer=answers.echoes),
    flood("echo-botnet", attacks.botnet(attacks.echo), steady(20_000, 6), answer=answers.echoes),
    flood("unreachable", attacks.unreachable, steady(10_000, 6)),
    flood("gre", attacks.gre, steady(15_000, 6)),
    flood("esp", attacks.esp, steady(15_000, 6)),
    flood("fragment", attacks.fragment, steady(20_000, 6)),
    flood("syn-pulsed", attacks.syn_fixed, pulsed(15_000)),
    flood("udp-pulsed", attacks.udp_fixed, pulsed(20_000)),
    flood("syn-rising", attacks.syn_mimic, rising(20, 6000, 20), counts_from_pps=500),
    flood("udp-rising", attacks.udp_random, rising(20, 10_000, 20), counts_from_pps=1000),
    flood("three-vectors", mix(attacks.syn_mimic, reflected("dns"), attacks.udp_random), steady(24_000, 6)),
    flood("carpet-udp", carpet(attacks.udp_ports, NET), steady(25_000, 6), hosts=NET, ordinary=_carpet_ordinary),
    flood("carpet-syn", carpet(attacks.syn_fixed, NET), steady(25_000, 6), hosts=NET, ordinary=_carpet_ordinary),
    flood("carpet-dns", carpet(reflected("dns"), NET[:16]), steady(25_000, 6), hosts=NET,
          ordinary=_carpet_ordinary),
    flood("syn-over-http", attacks.syn_mimic, steady(15_000, 6), answer=answers.cookies,
          ordinary=_with(busy.http, rate=500)),
    flood("udp-over-game", attacks.udp_random, steady(15_000, 6), ordinary=_with(busy.game, players=50)),
    flood("dns-over-resolver", reflected("dns"), steady(15_000, 6), ordinary=_with(busy.resolver, rate=500)),
    flood("syn-fixed-v6", attacks.syn_fixed, steady(20_000, 6), V6, answer=answers.cookies),
    flood("syn-mimic-v6", attacks.syn_mimic, steady(10_000, 6), V6),
    flood("udp-fixed-v6", attacks.udp_fixed, steady(20_000, 6), V6),
    flood("dns-reflection-v6", reflected("dns"), steady(20_000, 6), V6),
    flood("ack-v6", attacks.ack, steady(15_000, 6), V6),
    flood("echo-v6", attacks.echo, steady(15_000, 6), V6, answer=answers.echoes),
    flood("fragment-v6", attacks.fragment, steady(15_000, 6), V6),
    flood("extensions-v6", attacks.extensions, steady(15_000, 6), V6),
    *(_tool(name, V6 if name.endswith("v6") else V4) for name in tools.TOOLS),
]

ONE_WAY = [_one_way(each) for each in BUSY if each.name in (*ONE_WAY_SHOWS, "dns-50k", "game-500")]

ALL = [*BUSY, *ONE_WAY, *FLOODS]
