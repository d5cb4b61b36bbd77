# SPDX-License-Identifier: MIT
"""Limits per source: what is above one is dropped or bans; bursts have no window edge to hide at."""
import contextlib
import subprocess
import time

import pytest

import peers
import wire
from lab import pause_until, wait_until
from tap import passed

pytestmark = pytest.mark.expects("AttackStart")

TICK_S = 0.01  # the clock of the policy is coarse
PORT = {"default": 9, "service": 27015}
# How a source sends what one measure counts.
MAKE = {
    "packets": lambda link, src, port: wire.udp(link, src, link.dut, dport=port),
    "bytes": lambda link, src, port: wire.udp(link, src, link.dut, dport=port, pad=900),
    "syn": lambda link, src, port: wire.tcp(link, src, link.dut, dport=port),
    "udp": lambda link, src, port: wire.udp(link, src, link.dut, dport=port),
    "icmp": lambda link, src, port: wire.echo(link, src, link.dut),
}
# Not every measure has a port: ICMP falls under the default alone.
SCOPES = [(measure, scope) for measure in MAKE for scope in PORT
          if (measure, scope) != ("icmp", "service")]


def limits(scope, text):
    head = "[limit.default]\n" if scope == "default" else \
        '[[service]]\nname = "game"\nport = ["udp/27015", "tcp/27015"]\n'
    return head + text + "\n"


def frames_of(link, measure, scope, count, client=3):
    return wire.copies(MAKE[measure](link, link.client(client), PORT[scope]), count)


def rate_of(measure, per_second, frame):
    """The rate as the configuration writes it; bytes are counted in steps of 16."""
    if measure != "bytes":
        return f"{per_second}/s"
    return f"{per_second * ((len(frame) + 15) // 16 * 16)}B/s"


def key_of(link, client):
    """Under which a client is banned."""
    return link.client(client) if link.family == 4 else f"fd09:0:0:{client:x}::/64"


def persist(out, tap, flood, rate, until, timeout=30.0):
    """Sends fresh copies of all of `flood`, `rate` times a second, until until() is true; returns
    the tokens that came through. A ban of an unverified source wants an excess that lasts."""
    through, start = [], time.monotonic()
    while not until():
        assert time.monotonic() - start < timeout, "the flood was not answered"
        frames = [frame for one in zip(*(wire.copies(one, rate // 4) for one in flood))
                  for frame in one]
        through += passed(out, tap, frames, rate=rate * len(flood))
    return through


@pytest.mark.parametrize("measure, scope", SCOPES)
def test_excess_over_a_limit_is_dropped_and_nothing_is_held_against_the_source(lab, link, measure,
                                                                               scope):
    frames = frames_of(link, measure, scope, 300)
    limit = rate_of(measure, 100, frames[0][0])
    lab.start_daemon(lab.config(tables=limits(scope, f'{measure} = {{ limit = "{limit}", burst = "1s" }}')))
    dropped = lab.count("limit")
    start = time.monotonic()
    through = len(lab.passed(frames))
    elapsed = time.monotonic() - start
    assert 97 <= through <= 103 + 100 * elapsed
    assert lab.count("limit") - dropped == 300 - through
    assert lab.bans() == {}
    wait_until(lambda: lab.comes_through(frames[0]), 3, "the source may go on")
    other = frames_of(link, measure, scope, 90, client=4)
    assert len(lab.passed(other)) == 90, "a limit is per source"


@pytest.mark.parametrize("scope", PORT)
def test_source_that_stays_above_ban_at_is_restricted(lab, scope):
    """Each measure has a source in each family that exceeds it alone; all flood at once."""
    tables = limits(scope, """
packets = { ban_at = "350/s" }
bytes = { ban_at = "250kB/s" }
syn = { limit = "150/s", ban_at = "150/s" }
udp = { ban_at = "150/s" }
icmp = { limit = "150/s", ban_at = "150/s" }""")
    lab.start_daemon(lab.config(tables=tables))
    make = dict(MAKE, packets=lambda link, src, port: wire.tcp(link, src, link.dut, "A", dport=port))
    make["bytes"] = lambda link, src, port: wire.tcp(link, src, link.dut, "A", dport=port, pad=1200)
    flood, keys = [], {}
    for family in (4, 6):
        link = lab.link(family)
        for client, measure in enumerate(make, start=3):
            if (measure, scope) == ("icmp", "service"):
                continue  # it has no port: the default alone meters it
            frame = make[measure](link, link.client(client), PORT[scope])
            flood += [frame] * (2 if measure == "packets" else 1)
            keys[key_of(link, client)] = (measure, link, client)
    innocent = [wire.udp(lab.link(family), lab.link(family).client(20), lab.link(family).dut,
                         dport=PORT[scope]) for family in (4, 6)]
    with lab.tap() as tap, lab.sender() as out:
        persist(out, tap, flood, rate=250, until=lambda: set(lab.bans()) == set(keys))
        assert len(passed(out, tap, innocent)) == 2
        for key, ban in lab.bans().items():
            measure, link, client = keys[key]
            assert ban["by"] == "limit" and ban["rule"] == ("default" if scope == "default" else "game")
            (line,) = lab.wait_for_log("Restrict", f" {key} ")
            assert ban["kind"] == "restrict"
            assert measure == "packets" or f"measure={measure}" in line
            elsewhere = wire.tcp(link, link.client(client), link.dut, dport=443)
            assert passed(out, tap, [elsewhere]) == [], f"restricted for {measure}"


def test_one_burst_above_ban_at_is_no_reason_to_keep_its_source_off(lab, link):
    """A burst is easily forged in somebody else's name."""
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { ban_at = "200/s" }\n'))
    assert len(lab.passed(frames_of(link, "udp", "default", 500))) == 500
    assert lab.bans() == {}


def test_forged_flood_never_bans_a_peer_with_a_verified_connection(lab):
    lab.start_daemon(lab.config(tables='[limit.default]\npackets = { ban_at = "200/s" }\n'))
    with contextlib.ExitStack() as stack:
        clients, forged = [], []
        for family in (4, 6):
            link = lab.link(family)
            stack.enter_context(peers.TcpServer(lab.dut_ns, family, 8080))
            clients.append(stack.enter_context(
                peers.tcp(lab.peers_ns, family, link.client(3), link.dut, 8080)))
            assert clients[-1].exchange(b"hello")
            forged.append(wire.udp(link, link.client(3), link.dut))
            forged.append(wire.udp(link, link.client(4), link.dut))
        tap, out = (stack.enter_context(end) for end in (lab.tap(), lab.sender()))
        expected = {key_of(lab.link(family), 4) for family in (4, 6)}
        persist(out, tap, forged, rate=400, until=lambda: set(lab.bans()) >= expected)
        assert set(lab.bans()) == expected, "only those who never proved themselves"
        assert all(client.exchange(b"still here") for client in clients)


def next_edge():
    """The next edge, at least 0.6 s away, of the intervals that bans are measured in; monotonic seconds."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return ((now + 600_000_000 >> 30) + 1 << 30) / 1e9


def bursts_across_an_edge(lab, link, count, gap_s, client=3):
    """How much of each of two bursts came through, and how long they took together."""
    first, second = (frames_of(link, "udp", "default", count, client) for _ in range(2))
    edge = next_edge()
    with lab.tap() as tap, lab.sender() as out:
        pause_until(edge - gap_s / 2)
        start = time.monotonic()
        before = len(passed(out, tap, first))
        pause_until(edge + gap_s / 2)
        after = len(passed(out, tap, second))
        return before, after, time.monotonic() - start


@pytest.mark.parametrize("gap_s", [0.05, 0.3, 0.9])
def test_two_bursts_across_an_edge_get_no_double_limit(lab, link, gap_s):
    """The seed let 40 + 40 packets through on either side of its window's edge."""
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "40/s" }\n'))
    before, after, elapsed = bursts_across_an_edge(lab, link, 40, gap_s)
    assert before >= 39
    assert before + after <= 41 + 40 * (elapsed + TICK_S)


def test_steady_traffic_below_a_limit_loses_nothing(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "100/s", ban_at = "300/s" }\n'))
    frames = frames_of(link, "udp", "default", 180)
    with lab.tap() as tap, lab.sender() as out:
        assert len(passed(out, tap, frames, rate=90)) == 180


def test_steady_traffic_above_ban_at_is_banned_and_below_is_not(lab):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { ban_at = "100/s" }\n'))
    flood, keys = [], set()
    for link in (lab.link(4), lab.link(6)):
        below, above = (wire.udp(link, link.client(client), link.dut) for client in (4, 3))
        flood += [below, above, above, above]
        keys.add(key_of(link, 3))
    with lab.tap() as tap, lab.sender() as out:
        persist(out, tap, flood, rate=70, until=lambda: set(lab.bans()) >= keys)
    assert set(lab.bans()) == keys


def test_neighbours_are_held_together_to_the_limit_of_their_prefix(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "100/s" }\n'
                                       '[limit.prefix]\nudp = { limit = "200/s" }\n'))
    frames = [frame for client in range(1, 11)
              for frame in frames_of(link, "udp", "default", 60, client)]
    start = time.monotonic()
    through = len(lab.passed(frames))
    assert 197 <= through <= 203 + 200 * (time.monotonic() - start)
    assert lab.bans() == {}


def test_prefix_that_stays_above_ban_at_is_banned(lab, link):
    lab.start_daemon(lab.config(tables='[limit.prefix]\nudp = { ban_at = "100/s" }\n'))
    flood = [wire.udp(link, link.client(client), link.dut) for client in (3, 4, 5)]
    key = "10.9.1.0/24" if link.family == 4 else "fd09::/48"
    with lab.tap() as tap, lab.sender() as out:
        persist(out, tap, flood, rate=70, until=lambda: key in lab.bans())
    assert set(lab.bans()) == {key}


def test_service_and_default_are_counted_apart(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "50/s" }\n' + limits(
        "service", 'udp = { limit = "200/s" }')))
    game = frames_of(link, "udp", "service", 150)
    assert len(lab.passed(game)) == 150
    assert len(lab.passed(frames_of(link, "udp", "default", 45))) == 45
    through = len(lab.passed(frames_of(link, "udp", "default", 100)))
    assert through < 60


def test_service_can_be_closed_or_open(lab, link):
    lab.start_daemon(lab.config(tables="""
[limit.default]
udp = { limit = "20/s" }
[[service]]
name = "never"
port = "udp/19"
action = "drop"
[[service]]
name = "always"
port = "udp/5000-5009"
action = "pass"
"""))
    closed = wire.udp(link, link.client(3), link.dut, dport=19)
    assert not lab.comes_through(closed)
    assert lab.count("closed") == 1
    flood = wire.copies(wire.udp(link, link.client(4), link.dut, dport=5005), 200)
    assert len(lab.passed(flood)) == 200
    assert lab.count("open") == 200
    lab.cli("ban", link.client(4))
    assert lab.passed(flood[:5]) == [], "a ban comes before an open service"


def test_answers_to_this_host_are_no_unsolicited_udp(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "20/s" }\n'))
    with peers.UdpServer(lab.peers_ns, link.family, 53, link.client(5)), \
            peers.udp(lab.dut_ns, link.family, link.dut, link.client(5), 53) as asking:
        assert all(asking.exchange(b"question %d" % n) for n in range(200))
    assert lab.count("limit") == 0
    unverified = wire.copies(wire.udp(link, link.client(6), link.dut, sport=53), 100)
    assert len(lab.passed(unverified)) < 40


def test_ban_goes_on_while_the_flood_does_and_ends_after_it(lab):
    lab.start_daemon(lab.config(
        tables='[ban]\ntime = "1s"\n[limit.default]\nudp = { ban_at = "100/s" }\n'))
    links = [lab.link(4), lab.link(6)]
    flood = [wire.udp(link, link.client(3), link.dut) for link in links]
    with lab.tap() as tap, lab.sender() as out:
        persist(out, tap, flood, rate=400, until=lambda: len(lab.bans()) == 2)
        began = time.monotonic()
        assert persist(out, tap, flood, rate=400,
                       until=lambda: time.monotonic() - began > 2.5) == [], "2.5 times the ban"
        stopped = time.monotonic()
        for link in links:
            (line,) = lab.wait_for_log("Unrestrict", f" {key_of(link, 3)} .*reason=expired")
            assert int(line.split("renewals=")[1].split()[0]) >= 1
            assert int(line.split("dropped=")[1].split()[0]) >= 900
        assert time.monotonic() - stopped < 1.5
        assert len(passed(out, tap, flood)) == 2, "let back in"


def small_writes(lab, link, client, count=1500, port=8080):
    """A new TCP connection with Nagle's algorithm off, and a flood of single bytes on it; how many
    were answered."""
    with peers.tcp(lab.peers_ns, link.family, link.client(client), link.dut, port) as attacker:
        assert attacker.exchange(b"Hellooooo from client!")
        return attacker.flood(count)


ECHO = '[[service]]\nname = "echo"\nport = "tcp/8080"\npackets = { ban_at = "200/s", peers = true }\n'


def test_second_offence_is_banned_longer(lab, link):
    lab.start_daemon(lab.config(tables='[ban]\ntime = "1s"\nescalate = [1, 5]\n' + ECHO))
    with peers.TcpServer(lab.dut_ns, link.family, 8080):
        small_writes(lab, link, 3)
        (line,) = lab.wait_for_log("Ban")
        assert "offence=1" in line and "for=1s" in line
        lab.wait_for_log("Unban", "reason=expired")
        small_writes(lab, link, 3)
        second = wait_until(lambda: lab.log_lines("Ban")[1:], what="the second ban")[0]
        assert "offence=2" in second and "for=5s" in second
        assert wait_until(lab.bans, what="a ban").popitem()[1]["left_s"] > 3


def test_flood_of_small_writes_is_banned_and_let_back_in_by_itself(lab, link):
    """The seed's own experiment. Its sender has verified itself, so the ban comes at once."""
    lab.start_daemon(lab.config(tables='[ban]\ntime = "2s"\n' + ECHO))
    with peers.TcpServer(lab.dut_ns, link.family, 8080) as server, \
            peers.tcp(lab.peers_ns, link.family, link.client(4), link.dut, 8080) as user:
        assert user.exchange(b"hello")
        assert small_writes(lab, link, 3) < 1500
        wait_until(lab.bans, what="a ban")
        assert len(server.received(link.client(3))) < 1500
        assert not peers.can_connect(lab.peers_ns, link.family, link.client(3), link.dut, 8080, 0.2)
        assert user.exchange(b"not disturbed")
        lab.wait_for_log("Unban", "reason=expired", timeout=20)
        assert wait_until(lambda: peers.can_connect(lab.peers_ns, link.family, link.client(3),
                                                    link.dut, 8080), 10, "let back in")
    (ban,) = lab.log_lines("Ban")
    assert "rule=echo" in ban and "proto=tcp" in ban and "dport=8080" in ban


def test_spoofed_sources_are_not_banned_one_by_one(lab, link):
    """No packet of theirs is evidence against the address it pretends to come from."""
    lab.start_daemon(lab.config(tables=""))
    first = wire.tcp(link, link.client(3), link.dut)
    sources = [(0x0c000000 + 7 * n).to_bytes(4, "big") if link.family == 4 else
               ((0x2a << 120) + (n << 64) + 1).to_bytes(16, "big") for n in range(20_000)]
    lab.passed([wire.from_source(first, link.family, source) for source in sources])
    assert lab.bans() == {}
    assert lab.log_lines("Ban") == lab.log_lines("Restrict") == []


def test_bans_per_minute_are_capped_and_the_limit_goes_on(lab):
    lab.start_daemon(lab.config(tables='[ban]\nper_minute = 10\n[limit.default]\n'
                                'udp = { limit = "50/s", ban_at = "100/s" }\n'))
    flood = [wire.udp(link, link.client(client), link.dut)
             for link in (lab.link(4), lab.link(6)) for client in range(1, 13)]
    start = time.monotonic()
    with lab.tap() as tap, lab.sender() as out:
        persist(out, tap, flood, rate=200, until=lambda: time.monotonic() - start > 5)
        through = passed(out, tap, [frame for one in flood for frame in wire.copies(one, 150)])
    assert len(through) < len(flood) * 60
    # Ten at once, and one every six seconds.
    assert 1 <= len(lab.bans()) <= 11 + (time.monotonic() - start) / 6 < len(flood)


def test_observe_mode_drops_nothing_and_says_what_it_would_do(lab, link):
    lab.list_file("deny.list").write_text(f"{link.client(5)}\n")
    lab.start_daemon(lab.config(top='mode = "observe"\n', tables=ECHO + '[limit.default]\n'
                                'udp = { limit = "50/s" }\n'))
    flood = frames_of(link, "udp", "default", 400)
    assert len(lab.passed(flood)) == 400
    lab.wait_for_log("WouldLimit", key_of(link, 3))
    assert lab.comes_through(wire.udp(link, link.client(5), link.dut))
    assert lab.count("deny") == 1, "counted as what would have been dropped"
    with peers.TcpServer(lab.dut_ns, link.family, 8080) as server:
        assert small_writes(lab, link, 4) == 1500, "every byte is answered"
        lab.wait_for_log("WouldBan", key_of(link, 4))
        assert server.received(link.client(4)).count(b"x") == 1500
        assert lab.log_lines("Ban") == []
        lab.cli("mode", "enforce")
        assert not lab.comes_through(wire.udp(link, link.client(5), link.dut))
        assert lab.comes_through(wire.udp(link, link.client(4), link.dut)), "it starts clean"


def test_independent_senders_are_banned(lab):
    """hping3 for IPv4, nping for IPv6: floods that none of our own code wrote."""
    lab.start_daemon(lab.config(tables='[limit.default]\n'
                                'syn = { limit = "50/s", ban_at = "80/s" }\n'))
    four, six = lab.link(4), lab.link(6)
    # More than enough packets: nping sends faster than its --rate says, and a ban takes 3 s of flood.
    senders = [
        (four, ("hping3", "-q", "-S", "-p", 80, "-i", "u250", "-c", 2_000_000, "-a", four.client(3),
                four.dut)),
        (six, ("nping", "-6", "-q", "--tcp", "--flags", "syn", "-p", 80, "--rate", 3000, "-c",
               2_000_000, "-H", "-N", "-S", six.client(3), "--source-mac", six.ether.src,
               "--dest-mac", six.ether.dst, "-e", "peer0", six.dut))]
    for link, command in senders:  # one after the other: each has the machine to itself
        flood = lab.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda key=key_of(link, 3): key in lab.bans(), 30, "it is banned")
        flood.kill()
        flood.wait()
        assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
        assert lab.comes_through(wire.udp(link, link.client(4), link.dut))
