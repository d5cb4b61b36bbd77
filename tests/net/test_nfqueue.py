# SPDX-License-Identifier: MIT
"""What only the nfqueue datapath does. The behaviour tests of the other files run on it, too.

Needs FLOODWALL_DATAPATH=nfqueue."""
import os
import pathlib
import signal
import socket
import struct

import pytest

import netns
import without
import wire
from lab import BIN, wait_until
from tap import NETLINK_NETFILTER, on_one_cpu, passed

pytestmark = [pytest.mark.nfqueue_only, pytest.mark.expects("AttackStart")]
AUTO = 'datapath = "auto"\n'
DENIED = 5  # the number of a client that is on the deny list here


def queues(lab):
    """How many packets each queue of the host under test was given."""
    text = lab.run("cat", "/proc/net/netfilter/nfnetlink_queue", where="dut").stdout
    return {int(line.split()[0]): int(line.split()[7]) for line in text.splitlines()}


def denied(lab, link):
    """Puts a client on the deny list of the daemon to come; a frame of its."""
    lab.list_file("deny.list").write_text(f"{link.client(DENIED)}\n")
    return wire.udp(link, link.client(DENIED), link.dut)


def unseen(lab):
    return lab.api.call("status")["interfaces"][0]["unseen_packets"]


# ------------------------------------------------------------------- chosen by itself

@pytest.mark.parametrize("lack", ["programs", "links"])
@pytest.mark.parametrize("foreign", [False, True], ids=["alone", "beside-tc"])
def test_without_xdp_it_is_chosen_and_says_what_is_lost(lab, link, lack, foreign):
    if foreign:
        lab.run("tc", "qdisc", "add", "dev", "up0", "clsact", where="dut")
        lab.run("tc", "filter", "add", "dev", "up0", "ingress", "bpf", "da", "bytecode",
                "1,6 0 0 4294967295", where="dut")  # passes everything
    before = lab.traces()
    frame = wire.udp(link, link.client(3), link.dut)
    lab.start_daemon(lab.config(top=AUTO), prepare=without.xdp(lack))
    status = lab.ask("status")
    assert status["datapath"] == "nfqueue"
    assert [(i["attachment"], i["egress"]) for i in status["interfaces"]] == [("queue", True)]
    wait_until(lambda: 'write datapath = "nfqueue"' in str(lab.ask("status")["problems"]), 3, "nobody asked for it")
    (said,) = [line for line in lab.output().splitlines() if "no XDP here" in line]
    for loss in ("speed", "while floodwalld is stopped or overrun", "what is not IP"):
        assert loss in said
    lab.cli("ban", link.client(3), "--for", "1h")
    assert not lab.comes_through(frame)
    lab.cli("mode", "off")
    assert lab.comes_through(frame)
    assert lab.traces() == before, "of neither datapath is anything left"
    lab.cli("mode", "enforce")
    assert lab.ask("status")["interfaces"][0]["attachment"] == "queue"
    assert not lab.comes_through(frame), "bans outlive the time off"


@pytest.mark.expects("Detach")
def test_xdp_is_not_silently_replaced_where_it_was_asked_for(lab):
    lab.start_daemon(lab.config(top='datapath = "xdp"\n'), prepare=without.xdp("links"))
    status = lab.ask("status")
    assert status["datapath"] == "xdp" and not status["healthy"]
    assert any("attach XDP to up0" in problem for problem in status["problems"])
    assert lab.raw_rules() == []


# ------------------------------------------------------------------- queues and threads

def test_each_cpu_has_a_queue_with_a_thread_of_its_own(lab, link):
    cpus = sorted(os.sched_getaffinity(0))
    assert len(cpus) > 1, "several queues are the point"
    frame = denied(lab, link)
    lab.start_daemon()
    tap, out = lab.tap(), lab.sender()
    threads = pathlib.Path(f"/proc/{lab.daemon.pid}/task")
    workers = [t for t in threads.iterdir() if (t / "comm").read_text() == "fw-queue\n"]
    assert len(workers) == len(queues(lab)) == os.cpu_count() + 1, "and one for what is sent"
    busy = set()
    for cpu in cpus[:8]:
        before, ran = queues(lab), {t: switches(t) for t in workers}
        os.sched_setaffinity(0, {cpu})  # a veth's packets arrive on the CPU that sent them
        try:
            for copy, _ in wire.copies(frame, 50):
                out.send(copy)
            assert tap.tokens(until=out.mark()) == []
        finally:
            os.sched_setaffinity(0, cpus)
        after = queues(lab)
        assert after[4300 + cpu] - before[4300 + cpu] >= 50, "its own queue was given them"
        awake = {t for t in workers if switches(t) > ran[t]}
        assert awake, "a thread was woken"
        busy |= awake
    assert len(busy) >= len(cpus[:8]), "each queue wakes a thread of its own"
    assert lab.count("deny") == 50 * len(cpus[:8])


def switches(thread):
    """How often a thread has waited."""
    (line,) = [line for line in (thread / "status").read_text().splitlines()
               if line.startswith("voluntary_ctxt_switches")]
    return int(line.split()[1])


def taken(lab, number):
    """A socket of another program that has bound that queue."""
    with netns.inside(lab.dut_ns):
        other = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    bind = struct.pack(">BxH", 1, 0)  # NFQNL_CFG_CMD_BIND, in NFQA_CFG_CMD
    body = struct.pack(">BBH", 0, 0, number) + struct.pack("=HH", 4 + len(bind), 1) + bind
    other.send(struct.pack("=IHHII", 16 + len(body), 3 << 8 | 2, 5, 0, 0) + body)
    assert struct.unpack_from("=i", other.recv(4096), 16)[0] == 0
    return other


def test_queue_numbers_are_those_configured_or_the_next_free_block(lab, link):
    frame = denied(lab, link)
    with taken(lab, 5001):
        lab.start_daemon(lab.config(tables="[nfqueue]\nqueue = 5000\n"))
        numbers = set(queues(lab)) - {5001}
        assert numbers == {5016 + n for n in range(os.cpu_count() + 1)}
        assert not lab.comes_through(frame)
        lab.stop()
    lab.start_daemon(lab.config(tables="[nfqueue]\nqueue = 5000\n"))
    assert set(queues(lab)) == {5000 + n for n in range(os.cpu_count() + 1)}
    assert not lab.comes_through(frame)


# ------------------------------------------------------------------- what passes unseen

def test_packets_that_overrun_the_queue_pass_and_are_counted(lab, link):
    """The daemon is stopped, the queues' sockets fill up, the rest passes: fail open."""
    sent = 30_000
    frames = wire.copies(denied(lab, link), sent)
    lab.start_daemon()
    with on_one_cpu(), lab.tap() as tap, lab.sender() as out:
        assert passed(out, tap, frames[:100]) == [] and unseen(lab) == 0
        lab.daemon.send_signal(signal.SIGSTOP)
        try:
            for frame, _ in frames[100:]:
                out.send(frame)
        finally:
            lab.daemon.send_signal(signal.SIGCONT)
        through = set(tap.tokens(until=out.mark(), timeout=30)) & {mark for _, mark in frames}
        # Later packets show the gap that these have left.
        wait_until(lambda: out.mark() and unseen(lab) >= len(through), 10, "the gap was seen")
    assert len(through) > 1000
    assert unseen(lab) - len(through) < 50, "the marks among them"
    assert lab.count("deny") == sent - len(through)
    problem = wait_until(lambda: [p for p in lab.ask("status")["problems"] if "unseen" in p], 15,
                         "a problem in status")
    assert "passed unseen" in problem[0] and "up0" in problem[0]
    assert "passed unseen" in lab.cli("status").out


def test_packets_that_pass_while_no_daemon_runs_are_counted_by_the_next(lab, link):
    frame = denied(lab, link)
    lab.start_daemon()
    assert lab.passed(wire.copies(frame, 100)) == []
    lab.kill9()
    through = lab.passed(wire.copies(frame, 1000))
    assert len(through) == 1000, "the rules that are left bypass a queue that nobody has"
    lab.start_daemon()
    assert 1000 <= unseen(lab) < 1050, "those, and the tap's marks"
    (problem,) = lab.ask("status")["problems"]
    assert "while no floodwalld ran" in problem
    assert not lab.comes_through(frame)
    wait_until(lambda: lab.ask("status")["healthy"], 15, "it is a thing of the past")
    lab.stop()
    lab.start_daemon()
    assert unseen(lab) == 0, "a daemon that stops leaves no rules, and has missed no packet"


# ------------------------------------------------------------------- rules

def test_killed_daemon_leaves_rules_that_remove_takes_away(lab, link):
    before = lab.traces()
    lab.start_daemon()
    lab.kill9()
    assert lab.traces() != before
    lab.run(BIN / "floodwalld", "--remove", where="dut")
    assert lab.traces() == before
    assert lab.comes_through(wire.udp(link, link.client(3), link.dut))


def test_rules_that_somebody_flushed_are_put_back_and_it_is_told(lab, link):
    frame = denied(lab, link)
    lab.start_daemon()
    for program in ("iptables", "ip6tables"):
        lab.run(program, "-w", "-t", "raw", "-F", where="dut")
    assert lab.comes_through(frame)
    wait_until(lambda: not lab.comes_through(frame), 20, "they are back")
    wait_until(lambda: any("somebody removed the rules" in p for p in lab.ask("status")["problems"]),
               5, "status reports it")


def test_rules_of_others_stay_as_they_are(lab, link):
    program = "iptables" if link.family == 4 else "ip6tables"
    foreign = [["-N", "OTHERS"], ["-A", "OTHERS", "-p", "udp", "-j", "ACCEPT"],
               ["-A", "PREROUTING", "-i", "up0", "-j", "OTHERS"],
               ["-A", "OUTPUT", "-o", "lo", "-j", "NOTRACK"]]
    for words in foreign:
        lab.run(program, "-w", "-t", "raw", *words, where="dut")
    before = lab.raw_rules()
    assert len(before) == len(foreign)
    frame = denied(lab, link)
    lab.start_daemon()
    assert not lab.comes_through(frame), "ours come first"
    assert [rule for rule in lab.raw_rules() if "FLOODWALL" not in rule] == before
    lab.cli("mode", "off")
    assert lab.raw_rules() == before
    lab.cli("mode", "enforce")
    lab.stop()
    assert lab.raw_rules() == before
