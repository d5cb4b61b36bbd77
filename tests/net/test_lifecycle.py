# SPDX-License-Identifier: MIT
"""Start, kill, upgrade and off: filtering does not depend on the daemon, and off means off."""
import contextlib
import datetime
import os
import signal
import time

import pytest

import peers
import wire
from lab import ATTACHMENT, BIN, KIND, pause_until, wait_until
from tap import Prober, everything, passed

TOLERANCE_S = 0.1
needs_the_kernel = pytest.mark.xdp_only("it judges in the daemon's process and ends with it")


def ends_at(ban):
    """The end of a ban in seconds since 1970."""
    return datetime.datetime.fromisoformat(ban["until"].replace("Z", "+00:00")).timestamp()


def copy_of(frame_and_token):
    """For a Prober: that frame with another token."""
    frame, old = frame_and_token
    return lambda mark: frame.replace(old, mark)


@needs_the_kernel
def test_ban_goes_on_and_ends_to_100_ms_with_the_daemon_killed(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "2s")
    until = ends_at(lab.bans()[link.client(3)])
    lab.kill9()
    tap = lab.tap()
    banned, innocent = (wire.udp(link, link.client(n), link.dut) for n in (3, 4))
    with Prober(lab.sender(), copy_of(banned)) as probe, \
            Prober(lab.sender(), copy_of(innocent)) as free:
        wait_until(lambda: time.time() > until + 0.5, 10, "half a second after the ban")
        probe.close()
        free.close()
        through = set(everything(lab.sender(), tap))
    came = [moment for moment, mark in probe.sent() if mark in through]
    stopped = [moment for moment, mark in probe.sent() if mark not in through]
    assert stopped and came, "probes from before and after the end"
    print(f"first passed {came[0] - until:+.3f} s, last dropped {stopped[-1] - until:+.3f} s")
    assert abs(came[0] - until) < TOLERANCE_S
    assert abs(stopped[-1] - until) < TOLERANCE_S
    assert {mark for _, mark in free.sent()} <= through, "the innocent lost nothing"


@needs_the_kernel
def test_flood_is_banned_renewed_and_let_back_in_with_the_daemon_killed(lab):
    hold = 2.0
    lab.start_daemon(lab.config(
        tables='[ban]\ntime = "2s"\n[limit.default]\nudp = { ban_at = "100/s" }\n'))
    lab.kill9()
    flood = [wire.udp(lab.link(family), lab.link(family).client(3), lab.link(family).dut)
             for family in (4, 6)]
    with lab.tap() as tap, lab.sender() as out:
        frames = [frame for pair in zip(*(wire.copies(one, 7 * 400) for one in flood))
                  for frame in pair]
        through = passed(out, tap, frames, rate=800)  # until it is banned, and longer than a ban
        stopped = time.monotonic()
        late = {mark for _, mark in frames[-2 * 800:]}
        assert not late & set(through), "nothing comes through once it is banned"
        # Silence until just before the end: packets of a flooding source would renew its ban.
        pause_until(stopped + hold - 0.3)
        came = {}
        first = passed(out, tap, flood)
        assert first == [], "still banned, by a renewal: the first ban alone was over by now"
        while len(came) < 2 and time.monotonic() - stopped < hold + 2:
            moment = time.monotonic()
            for mark in passed(out, tap, flood):
                came.setdefault(mark, moment - stopped - hold)
            pause_until(time.monotonic() + 0.02)
    print("let back in, seconds from the end of the ban:", *(f"{late:+.3f}" for late in came.values()))
    assert len(came) == 2
    assert all(abs(late) < TOLERANCE_S for late in came.values())


@needs_the_kernel
def test_new_daemon_adopts_bans_and_lists_without_a_gap(lab, link):
    banned, denied, innocent = (wire.udp(link, link.client(n), link.dut) for n in (3, 5, 4))
    lab.list_file("deny.list").write_text(f"{link.client(5)}\n")
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h", "--reason", "kept")
    until = ends_at(lab.bans()[link.client(3)])
    tap = lab.tap()
    with Prober(lab.sender(), copy_of(banned), 0.001) as first, \
            Prober(lab.sender(), copy_of(denied), 0.001) as second, \
            Prober(lab.sender(), copy_of(innocent), 0.001) as free:
        lab.kill9()
        lab.start_daemon()
        lab.stop()
        lab.start_daemon()
        for probe in (first, second, free):
            probe.close()
        through = set(everything(lab.sender(), tap))
    for probe in (first, second):
        assert len(probe.sent()) > 100
        assert not through & {mark for _, mark in probe.sent()}, "a gap"
    lost = {mark for _, mark in free.sent()} - through
    assert not lost, f"{len(lost)} of {len(free.sent())} packets of an innocent lost"
    ban = lab.bans()[link.client(3)]
    assert abs(ends_at(ban) - until) < 1
    lab.cli("unban", link.client(3))
    assert lab.comes_through(banned)


def test_connections_from_before_the_start_are_verified_from_their_first_packet(lab, link):
    with peers.TcpServer(lab.dut_ns, link.family, 8080), \
            peers.tcp(lab.peers_ns, link.family, link.client(3), link.dut, 8080) as client:
        assert client.exchange(b"before")
        lab.start_daemon()
        before = classes(lab)
        client.send(b"first packet")
        assert client.exchange(b"and more")
        after = classes(lab)
        assert after["tcp_flow"] > before.get("tcp_flow", 0)
        assert after.get("tcp_stray", 0) == before.get("tcp_stray", 0)
        lab.passed([wire.tcp(link, link.client(3), link.dut, flags="A", dport=8080)])
        assert classes(lab)["tcp_stray"] == before.get("tcp_stray", 0) + 1, \
            "a forged segment of no connection"


def test_connections_made_later_prove_themselves(lab, link):
    lab.start_daemon()
    before = classes(lab)
    with peers.TcpServer(lab.dut_ns, link.family, 8080), \
            peers.tcp(lab.peers_ns, link.family, link.client(3), link.dut, 8080) as incoming:
        assert all(incoming.exchange(b"question") for _ in range(20))
    with peers.TcpServer(lab.peers_ns, link.family, 8080), \
            peers.tcp(lab.dut_ns, link.family, link.dut, link.client(4), 8080) as outgoing:
        assert all(outgoing.exchange(b"question") for _ in range(20))
    after = classes(lab)
    assert after["tcp_flow"] - before.get("tcp_flow", 0) >= 40
    assert after["tcp_syn"] - before.get("tcp_syn", 0) == 1


def classes(lab):
    counts = lab.api.call("status")["traffic"]["classes"]
    return {word: count["packets"] for word, count in counts.items()}


@needs_the_kernel
def test_sigterm_leaves_the_filter_on(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.stop()
    lab.cli("status", code=3)
    assert lab.passed([wire.udp(link, link.client(3), link.dut)]) == []
    assert lab.comes_through(wire.udp(link, link.client(4), link.dut))


def test_sigterm_takes_the_filter_off_if_told_to(lab, link):
    before = lab.traces()
    lab.start_daemon(lab.config(top="keep_filtering = false\n"))
    lab.cli("ban", link.client(3))
    lab.stop()
    assert lab.comes_through(wire.udp(link, link.client(3), link.dut))
    assert lab.traces() == before


def test_mode_off_leaves_nothing_behind_and_enforce_protects_again(lab, link):
    before = lab.traces()
    frame = wire.udp(link, link.client(3), link.dut)
    lab.start_daemon()
    assert lab.traces() != before and lab.is_in_kernel()
    lab.cli("ban", link.client(3), "--for", "1h")
    assert not lab.comes_through(frame)
    lab.cli("mode", "off")
    assert lab.comes_through(frame)
    assert lab.traces() == before
    assert lab.ask("status")["mode"] == "off"
    lab.cli("mode", "enforce")
    assert lab.api.call("status")["interfaces"][0]["attachment"] == ATTACHMENT
    assert not lab.comes_through(frame), "bans outlive the time off"
    lab.cli("mode", "off")
    lab.stop()
    assert lab.traces() == before


def test_mode_off_after_a_kill_leaves_nothing_either(lab, link):
    before = lab.traces()
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.kill9()
    lab.start_daemon()
    lab.cli("mode", "off")
    assert lab.traces() == before
    assert lab.comes_through(wire.udp(link, link.client(3), link.dut))


def test_remove_cleans_up_after_a_killed_daemon_and_is_quiet_about_it(lab, link):
    before = lab.traces()
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.kill9()
    done = lab.run(BIN / "floodwalld", "--remove", where="dut")
    assert done.stderr == "" and "removed" in done.stdout
    assert lab.traces() == before
    assert lab.comes_through(wire.udp(link, link.client(3), link.dut))
    again = lab.run(BIN / "floodwalld", "--remove", where="dut")
    assert again.stderr == "" and "nothing of Floodwall" in again.stdout


def test_second_daemon_refuses_and_the_first_goes_on(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    first, lab.daemon = lab.daemon, None
    lab.start_daemon(wait=False)
    second, lab.daemon = lab.daemon, first
    assert second.wait(timeout=10) == 1
    assert "running" in lab.output()
    assert list(lab.bans()) == [link.client(3)]
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


@needs_the_kernel
def test_daemon_that_hung_under_a_flood_knows_every_ban_when_it_goes_on(lab):
    """FLOODWALL_HANG: for how many seconds."""
    link = lab.link(4)
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { ban_at = "50/s" }\n'))
    flood = [wire.udp(link, link.client(n), link.dut)[0] for n in range(3, 40)]
    lab.daemon.send_signal(signal.SIGSTOP)
    with lab.sender() as out:
        end = time.monotonic() + float(os.environ.get("FLOODWALL_HANG", "5"))
        while time.monotonic() < end:
            for frame in flood:
                with contextlib.suppress(OSError):  # more than a busy machine's veth takes
                    out.send(frame)
    lab.daemon.send_signal(signal.SIGCONT)
    wait_until(lambda: len(lab.bans()) == len(flood), 3, "every ban is known")
    time_left = {ban["left_s"] for ban in lab.bans().values()}
    assert min(time_left) > 50, "bans that a flood renewed"
    assert lab.api.call("status")["healthy"], lab.api.call("status")["problems"]


def test_status_says_what_protects_and_since_when(lab):
    lab.start_daemon()
    status = lab.ask("status")
    assert status["mode"] == "enforce" and status["datapath"] == KIND
    assert status["healthy"] and status["problems"] == []
    assert [(i["name"], i["attachment"], i["egress"]) for i in status["interfaces"]] == \
        [("up0", ATTACHMENT, True)]
    assert status["tables"]["memory_bytes"] > 1 << 20
    printed = lab.cli("status").out
    assert "up0" in printed and ATTACHMENT in printed and "enforc" in printed


def test_sigint_ends_the_daemon_as_sigterm_does(lab):
    lab.start_daemon()
    lab.daemon.send_signal(signal.SIGINT)
    assert lab.daemon.wait(timeout=10) == 0
    lab.daemon = None
    assert lab.is_in_kernel() == (KIND == "xdp")
