# SPDX-License-Identifier: MIT
"""The kernel has no memory, no time or no room for a moment: bpf() fails, at every place of a start
and in a running daemon. What was filtered before is filtered all the time, and `healthy` is true.

FLOODWALL_FAULTS=all: every call of a start, once and for 3 s, with three errors (an hour)."""
import contextlib
import errno
import mmap
import os
import pathlib
import socket
import struct
import subprocess
import time

import pytest

import netns
import wire
from lab import wait_until
from tap import Prober, everything

pytestmark = pytest.mark.xdp_only("it makes no BPF call")
PRELOAD = os.environ.get("FLOODWALL_FAILING_BPF", "")
ERRORS = (errno.ENOMEM, errno.EAGAIN, errno.EBUSY)
ALL = os.environ.get("FLOODWALL_FAULTS") == "all"


class Faults:
    """What failing_bpf.c is told and tells, in its order."""

    def __init__(self, path):
        path.write_bytes(bytes(48))
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 48)
        self._path = path

    def plan(self, first, span_s=0.0, error=errno.ENOMEM):
        self._memory[:] = struct.pack("<6Q", 0, first, int(span_s * 1e9), 0, error, 0)

    @property
    def calls(self):
        return struct.unpack_from("<Q", self._memory)[0]

    @property
    def failed(self):
        return struct.unpack_from("<Q", self._memory, 40)[0]

    def preload(self):
        """For Lab.start_daemon(), in the new process."""
        os.environ.update(LD_PRELOAD=PRELOAD, FAILING_BPF=str(self._path),
                          ASAN_OPTIONS="verify_asan_link_order=0")


@pytest.fixture
def faults(tmp_path):
    assert pathlib.Path(PRELOAD).is_file(), "FLOODWALL_FAILING_BPF: the library failing_bpf of this build"
    return Faults(tmp_path / "plan")


@contextlib.contextmanager
def nothing_passes(lab, link):
    """Of a banned client, while the block lasts; a client that is not banned loses nothing."""
    frames = [wire.udp(link, link.client(n), link.dut) for n in (3, 4)]
    with contextlib.ExitStack() as stack:
        tap = stack.enter_context(lab.tap())
        banned, free = (
            stack.enter_context(Prober(lab.sender(), lambda mark, f=f, t=t: f.replace(t, mark), 0.002))
            for f, t in frames)
        yield
        banned.close()
        free.close()
        through = set(everything(lab.sender(), tap))
        assert not through & {mark for _, mark in banned.sent()}, "packets of a banned source passed"
        lost = {mark for _, mark in free.sent()} - through
        assert not lost, f"{len(lost)} packets of an innocent were lost"


def is_as_asked(status):
    return status["datapath"] == "xdp" and [i["attachment"] for i in status["interfaces"]] == ["native"]


def is_recovered(lab):
    """Whether status is healthy; what it says must be true meanwhile."""
    status = lab.api.call("status")
    assert is_as_asked(status) or not status["healthy"], status
    return status["healthy"]


def places(calls, short):
    return range(1, calls + 1) if ALL else [1 + round(i * (calls - 1) / (short - 1)) for i in range(short)]


@pytest.mark.expects("Detach", "Repaired")
def test_start_takes_no_filter_away_whichever_call_fails(lab, faults):
    link = lab.link(4)
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h")
    lab.kill9()
    faults.plan(0)
    lab.start_daemon(prepare=faults.preload)
    calls = faults.calls
    lab.kill9()
    assert calls > 50, "the calls of a start are counted"
    cases = [(n, span, error) for span, short in ((0, 5), (3, 2)) for i, n in enumerate(places(calls, short))
             for error in (ERRORS if ALL else ERRORS[i % 3:i % 3 + 1])]
    for n, span, error in cases:
        case = f"call {n} of {calls} fails {f'for {span} s' if span else 'once'}: {errno.errorcode[error]}"
        faults.plan(n, span, error)
        with nothing_passes(lab, link):
            lab.start_daemon(prepare=faults.preload)
            assert faults.failed, case
            wait_until(lambda: is_recovered(lab), 20, f"healthy although {case}")
            assert list(lab.bans()) == [link.client(3)], case
            lab.kill9()


@pytest.mark.expects("Detach", "Repaired")
def test_running_daemon_takes_a_failed_call_for_no_answer(lab, faults):
    link = lab.link(4)
    lab.start_daemon(prepare=faults.preload)
    lab.cli("ban", link.client(3), "--for", "1h")
    before = lab.counters()
    with nothing_passes(lab, link):
        for span, count in ((0, 40 if ALL else 8), (3, 3 if ALL else 1)):
            for i in range(count):
                faults.plan(i + 1, span, ERRORS[i % 3])
                wait_until(lambda: faults.failed and is_recovered(lab), 10, "a call failed")
                if span:
                    time.sleep(span)  # all of it, with the daemon under way
                    wait_until(lambda: is_recovered(lab), 10, "healthy again")
    assert sum(lab.counters().values()) < sum(before.values()) + 1e7, "a failed read of counters is no flood"
    assert not lab.log_lines("Detach"), "the interface did not go away"
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


@pytest.mark.expects("Detach")
def test_start_without_a_filter_gets_xdp_once_calls_succeed(lab, faults):
    link = lab.link(4)
    with netns.inside(lab.dut_ns):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server:
        server.bind(("", 9999))
        faults.plan(1, 5)
        lab.start_daemon(prepare=faults.preload)
        status = lab.api.call("status")
        assert not status["healthy"] and "XDP is tried again" in str(status["problems"])
        assert status["datapath"] == "nfqueue"
        lab.cli("ban", link.client(3), "--for", "1h")
        frame, token = wire.udp(link, link.client(3), link.dut, dport=9999)
        with Prober(lab.sender(), lambda mark: frame.replace(token, mark), 0.002) as probe:
            wait_until(lambda: is_recovered(lab), 40, "XDP, by itself")
            probe.close()
            assert len(probe.sent()) > 100
        with pytest.raises(BlockingIOError):
            server.recv(100, socket.MSG_DONTWAIT)
        assert is_as_asked(lab.api.call("status")) and list(lab.bans()) == [link.client(3)]


@pytest.mark.expects("Detach")
def test_start_that_can_not_ask_the_kernel_ends_and_the_former_filter_stays(lab, faults):
    link = lab.link(4)
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h")
    lab.kill9()
    faults.plan(1, 60)
    with nothing_passes(lab, link):
        began = time.monotonic()
        lab.start_daemon(wait=False, prepare=faults.preload)
        assert lab.daemon.wait(timeout=30) != 0
        print(f"gave up after {time.monotonic() - began:.1f} s")
    assert "stays in force: start floodwalld again" in lab.output()
    lab.start_daemon()
    assert list(lab.bans()) == [link.client(3)] and is_recovered(lab)


@contextlib.contextmanager
def no_bpffs():
    """None is mounted, and there is no folder for one."""
    subprocess.run(["umount", netns.BPF_FS], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/sys/fs"], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "/sys/fs"], check=True)


@pytest.mark.expects("Detach")
def test_start_without_bpffs_is_degraded_and_gets_xdp_once_there_may_be_one(lab):
    link = lab.link(4)
    frame = wire.udp(link, link.client(3), link.dut)
    with no_bpffs():
        lab.start_daemon()
        problems = wait_until(lambda: lab.api.call("status")["problems"], 3, "it is said")
        assert lab.api.call("status")["datapath"] == "nfqueue"
        assert "mount -t bpf bpf /sys/fs/bpf" in str(problems), "the remedy"
        lab.cli("ban", link.client(3), "--for", "1h")
    wait_until(lambda: is_recovered(lab), 20, "XDP, by itself")
    assert is_as_asked(lab.api.call("status")) and list(lab.bans()) == [link.client(3)]
    assert os.path.ismount(netns.BPF_FS) and not lab.comes_through(frame)
