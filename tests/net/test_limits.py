# SPDX-License-Identifier: MIT
"""Limits per source: what is above one is dropped or bans; bursts have no window edge to hide at."""
import time

import pytest

import peers
import wire
from lab import wait_until
from tap import passed

WINDOW_S = 2**30 / 1e9  # over which `ban_at` is measured (policy/abi.h)
PORT = {"default": 9, "service": 27015}
# How a source sends what one measure counts.
MAKE = {
    "packets": lambda link, src, port: wire.udp(link, src, link.wall, dport=port),
    "bytes": lambda link, src, port: wire.udp(link, src, link.wall, dport=port, pad=900),
    "syn": lambda link, src, port: wire.tcp(link, src, link.wall, dport=port),
    "udp": lambda link, src, port: wire.udp(link, src, link.wall, dport=port),
    "icmp": lambda link, src, port: wire.echo(link, src, link.wall),
}
# Not every measure has a port: ICMP falls under the default alone.
SCOPES = [(measure, scope) for measure in MAKE for scope in PORT if (measure, scope) != ("icmp", "service")]


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


@pytest.mark.parametrize("measure, scope", SCOPES)
def test_excess_over_a_limit_is_dropped_and_nothing_is_held_against_the_source(lab, link, measure,
                                                                               scope):
    frames = frames_of(link, measure, scope, 300)
    limit = rate_of(measure, 100, frames[0][0])
    lab.start_daemon(lab.config(tables=limits(scope, f'{measure} = {{ limit = "{limit}" }}')))
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


@pytest.mark.parametrize("measure, scope", SCOPES)
def test_source_above_ban_at_is_banned_completely(lab, link, measure, scope):
    frames = frames_of(link, measure, scope, 500)
    ban_at = rate_of(measure, 200, frames[0][0])
    lab.start_daemon(lab.config(tables=limits(scope, f'{measure} = {{ ban_at = "{ban_at}" }}')))
    innocent = frames_of(link, measure, scope, 190, client=4)
    assert len(lab.passed(innocent)) == 190
    through = len(lab.passed(frames))
    assert 200 <= through <= 200 * WINDOW_S + 12, "banned as soon as it is above, not before"
    wait_until(lab.bans, what="a ban")
    key = link.client(3) if link.family == 4 else "fd09:0:0:3::/64"
    (ban,) = lab.bans().items()
    assert ban[0] == key and ban[1]["by"] == "limit"
    assert ban[1]["rule"] == ("default" if scope == "default" else "game")
    elsewhere = wire.tcp(link, link.client(3), link.wall, dport=443)
    assert lab.passed([elsewhere, innocent[0]]) == [innocent[0][1]]
    (line,) = lab.wait_for_log("Ban")
    assert key in line and f"rule={'default' if scope == 'default' else 'game'}" in line


def next_edge():
    """Of the windows that bans are measured in, and at least 0.6 s away; in seconds, monotonic."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return ((now + 600_000_000 >> 30) + 1 << 30) / 1e9


def bursts_across_an_edge(lab, link, count, gap_s):
    """How much of each of two bursts came through, and how long they took together."""
    first, second = (frames_of(link, "udp", "default", count) for _ in range(2))
    edge = next_edge()
    with lab.tap() as tap, lab.sender() as out:
        time.sleep(edge - gap_s / 2 - time.monotonic())
        start = time.monotonic()
        before = len(passed(out, tap, first))
        time.sleep(max(0.0, edge + gap_s / 2 - time.monotonic()))
        after = len(passed(out, tap, second))
        return before, after, time.monotonic() - start


@pytest.mark.parametrize("gap_s", [0.05, 0.3, 0.9])
def test_two_bursts_across_an_edge_get_no_double_limit(lab, link, gap_s):
    """The seed let 40 + 40 packets through on either side of its window's edge."""
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "40/s" }\n'))
    before, after, elapsed = bursts_across_an_edge(lab, link, 40, gap_s)
    assert before >= 39
    assert before + after <= 41 + 40 * elapsed


@pytest.mark.parametrize("gap_s", [0.05, 0.3])
def test_two_bursts_across_an_edge_are_banned_as_one(lab, link, gap_s):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { ban_at = "50/s" }\n'))
    before, after, elapsed = bursts_across_an_edge(lab, link, 45, gap_s)
    assert elapsed < 0.6, "this machine was too busy to tell"
    assert before == 45
    assert after < 45
    wait_until(lab.bans, what="a ban")


def test_steady_traffic_below_a_limit_loses_nothing(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "100/s", ban_at = "300/s" }\n'))
    frames = frames_of(link, "udp", "default", 180)
    with lab.tap() as tap, lab.sender() as out:
        assert len(passed(out, tap, frames, rate=90)) == 180


def test_steady_traffic_just_above_ban_at_is_banned_and_just_below_is_not(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { ban_at = "100/s" }\n'))
    with lab.tap() as tap, lab.sender() as out:
        below = frames_of(link, "udp", "default", 225, client=4)
        assert len(passed(out, tap, below, rate=90)) == 225
        above = frames_of(link, "udp", "default", 300)
        assert len(passed(out, tap, above, rate=120)) < 300
    wait_until(lab.bans, what="a ban")
    assert len(lab.bans()) == 1


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
    closed = wire.udp(link, link.client(3), link.wall, dport=19)
    assert not lab.comes_through(closed)
    assert lab.count("closed") == 1
    flood = wire.copies(wire.udp(link, link.client(4), link.wall, dport=5005), 200)
    assert len(lab.passed(flood)) == 200
    assert lab.count("open") == 200
    lab.cli("ban", link.client(4))
    assert lab.passed(flood[:5]) == [], "a ban comes before an open service"


def test_answers_to_this_host_are_no_unsolicited_udp(lab, link):
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "20/s" }\n'))
    with peers.UdpServer(lab.peers_ns, link.family, 53), \
            peers.udp(lab.wall_ns, link.family, link.wall, link.client(5), 53) as asking:
        assert all(asking.exchange(b"question %d" % n) for n in range(200))
    assert lab.count("limit") == 0
    strangers = wire.copies(wire.udp(link, link.client(6), link.wall, sport=53), 100)
    assert len(lab.passed(strangers)) < 40


def test_ban_goes_on_while_the_flood_does_and_ends_after_it(lab, link):
    lab.start_daemon(lab.config(
        tables='[ban]\ntime = "2s"\n[limit.default]\nudp = { ban_at = "100/s" }\n'))
    with lab.tap() as tap, lab.sender() as out:
        flood = frames_of(link, "udp", "default", 2400)
        start = time.monotonic()
        through = passed(out, tap, flood, rate=500)  # 4.8 s, more than twice the ban
        stopped = time.monotonic()
        assert stopped - start > 4
        assert len(through) < 140, "one burst before the ban and nothing after it"
        wait_until(lambda: lab.comes_through(flood[0]), 6, "the source is let back in")
        took = time.monotonic() - stopped
    assert 1.9 < took < 4.5
    (line,) = lab.wait_for_log("Unban", "reason=expired")
    assert int(line.split("renewals=")[1].split()[0]) >= 1
    assert int(line.split("dropped=")[1].split()[0]) >= 2200


def test_second_offence_is_banned_longer(lab, link):
    lab.start_daemon(lab.config(
        tables='[ban]\ntime = "1s"\nescalate = [1, 5]\n[limit.default]\nudp = { ban_at = "100/s" }\n'))
    flood = frames_of(link, "udp", "default", 200)
    lab.passed(flood)
    (line,) = lab.wait_for_log("Ban")
    assert "offence=1" in line and "for=1s" in line
    lab.wait_for_log("Unban", "reason=expired")
    lab.passed(flood)
    second = wait_until(lambda: lab.log_lines("Ban")[1:], what="the second ban")[0]
    assert "offence=2" in second and "for=5s" in second
    assert wait_until(lab.bans, what="a ban").popitem()[1]["left_s"] > 3


def test_flood_of_small_writes_is_banned_and_let_back_in_by_itself(lab, link):
    """The seed's own experiment: a TCP client with Nagle's algorithm off."""
    lab.start_daemon(lab.config(tables='[ban]\ntime = "1s"\n[[service]]\nname = "echo"\n'
                                'port = "tcp/8080"\npackets = { ban_at = "400/s" }\n'))
    with peers.TcpServer(lab.wall_ns, link.family, 8080) as server, \
            peers.tcp(lab.peers_ns, link.family, link.client(3), link.wall, 8080) as attacker, \
            peers.tcp(lab.peers_ns, link.family, link.client(4), link.wall, 8080) as user:
        assert attacker.exchange(b"Hellooooo from client!") and user.exchange(b"hello")
        for _ in range(1500):
            attacker.send(b"x")
        wait_until(lab.bans, what="a ban")
        assert len(server.received(link.client(3))) < 1500
        assert not peers.can_connect(lab.peers_ns, link.family, link.client(3), link.wall, 8080, 0.2)
        assert user.exchange(b"not disturbed")
        lab.wait_for_log("Unban", "reason=expired", timeout=20)
        assert wait_until(lambda: peers.can_connect(lab.peers_ns, link.family, link.client(3),
                                                    link.wall, 8080), 10, "let back in")
    (ban,) = lab.log_lines("Ban")
    assert "rule=echo" in ban and "proto=tcp" in ban and "dport=8080" in ban


def test_spoofed_sources_are_not_banned_one_by_one(lab, link):
    """No packet of theirs is evidence against the address it pretends to come from."""
    lab.start_daemon(lab.config(tables=""))
    first = wire.tcp(link, link.client(3), link.wall)
    sources = [(0x0c000000 + 7 * n).to_bytes(4, "big") if link.family == 4 else
               ((0x2a << 120) + (n << 64) + 1).to_bytes(16, "big") for n in range(20_000)]
    lab.passed([wire.from_source(first, link.family, source) for source in sources])
    assert lab.bans() == {}
    assert lab.log_lines("Ban") == []


def test_bans_per_minute_are_capped_and_the_limit_goes_on(lab, link):
    lab.start_daemon(lab.config(tables='[ban]\nper_minute = 5\n[limit.default]\n'
                                'udp = { limit = "50/s", ban_at = "100/s" }\n'))
    for client in range(1, 31):
        through = len(lab.passed(frames_of(link, "udp", "default", 200, client=client)))
        assert through < 75
    wait_until(lambda: lab.log_lines("Ban"), what="a Ban in the log")
    assert 1 <= len(lab.bans()) <= 8


def test_observe_mode_drops_nothing_and_says_what_it_would_do(lab, link):
    lab.list_file("deny.list").write_text(f"{link.client(5)}\n")
    lab.start_daemon(lab.config(
        top='mode = "observe"\n',
        tables='[limit.default]\nudp = { limit = "50/s", ban_at = "100/s" }\n'))
    flood = frames_of(link, "udp", "default", 400)
    assert len(lab.passed(flood)) == 400
    lab.wait_for_log("WouldBan", link.client(3) if link.family == 4 else "fd09:0:0:3::/64")
    assert lab.log_lines("Ban") == []
    assert lab.comes_through(wire.udp(link, link.client(5), link.wall))
    assert lab.count("deny") == 1, "counted as what would have been dropped"
    lab.cli("mode", "enforce")
    assert not lab.comes_through(wire.udp(link, link.client(5), link.wall))
    assert lab.comes_through(flood[0]), "what observe mode would have banned starts clean"


def test_independent_sender_is_banned(lab, link):
    """hping3 for IPv4, nping for IPv6: floods that none of our own code wrote."""
    lab.start_daemon(lab.config(tables=""))
    source = link.client(3)
    if link.family == 4:
        lab.run("hping3", "-q", "-S", "-p", 80, "-i", "u200", "-c", 4000, "-a", source, link.wall,
                check=False)
    else:
        lab.run("nping", "-6", "-q", "--tcp", "--flags", "syn", "-p", 80, "--rate", 5000, "-c", 4000,
                "-H", "-N", "-S", source, "--source-mac", link.ether.src, "--dest-mac",
                link.ether.dst, "-e", "peer0", link.wall, check=False)
    (ban,) = wait_until(lab.bans, what="a ban").items()
    assert ban[0] == (source if link.family == 4 else "fd09:0:0:3::/64")
    assert not lab.comes_through(wire.udp(link, source, link.wall))
    assert lab.comes_through(wire.udp(link, link.client(4), link.wall))
