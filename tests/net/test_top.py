# SPDX-License-Identifier: MIT
"""`floodwall top` on a real pseudo-terminal, against a real daemon under a real flood."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

import netns
from lab import BIN, DATAPATH, Lab, wait_until
from traffic import Traffic

import packets

pytestmark = pytest.mark.expects("AttackStart", "AttackVector", "Suppressed", "Suffering", "Detach")
RATE = 4000
SOURCE = "10.200.0.9"
ENTERS, LEAVES, SHOWS_CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"  # of xterm, in terminfo


def from_one(target, rng):
    """Datagrams to a closed port, all in the name of one address."""
    def make():
        return [packets.udp(packets.address(SOURCE), target, 4000, 9999, rng.randbytes(40))]
    return make


class Terminal(contextlib.AbstractContextManager):
    """`floodwall top` on a terminal of its own; `sent` is all that it sent there."""

    def __init__(self, lab, *options, rows=24, columns=80, **environment):
        self.controller, self.terminal = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.terminal)
        self.sent = b""
        # A session of its own: a hang-up reaches it as on a real terminal.
        with netns.inside(lab.dut_ns):
            self.child = subprocess.Popen(
                [BIN / "floodwall", "top", *options], stdin=self.terminal, stdout=self.terminal,
                stderr=self.terminal, start_new_session=True,
                env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | environment)

    def resize(self, rows, columns):
        fcntl.ioctl(self.controller, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        while select.select([self.controller], [], [], 0.02)[0]:
            self.sent += os.read(self.controller, 65536)
        return self.sent

    def text(self, since=0):
        """What was sent as text: where the cursor is placed, a blank."""
        return re.sub(rb"\x1b[\[(][?>]?[\d;]*[a-zA-Z]", b" ", self.read()[since:]).decode("utf-8", "replace")

    def wait_for(self, pattern, timeout=10, since=0):
        return wait_until(lambda: re.search(pattern, self.text(since)), timeout,
                          f"{pattern!r} on the terminal; it shows {self.text()[-2000:]!r}")

    def press(self, keys):
        os.write(self.controller, keys.encode())

    def ended(self, timeout=3):
        """The exit status, of a program that has given the terminal back as it was."""
        def is_over():
            self.read()
            return self.child.poll() is not None
        wait_until(is_over, timeout, "the end of floodwall top")
        sent = self.read()
        assert ENTERS in sent and LEAVES in sent[sent.index(ENTERS):], sent[-300:]
        assert sent.rindex(SHOWS_CURSOR) > sent.rindex(ENTERS)
        assert termios.tcgetattr(self.terminal) == self.before
        return self.child.returncode

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.controller)
        os.close(self.terminal)


@pytest.fixture(scope="module")
def flooded():
    with Lab() as lab:
        link = lab.link(4)
        with Traffic(lab, link) as traffic:
            lab.start_daemon(lab.config(tables=""))
            flood = traffic.flood([from_one], RATE, 60, made=RATE).go()
            wait_until(lambda: lab.ask("list", "sources", "--by", "dropped")["sources"], 10, "a source")
            yield lab
            flood.close()


def test_a_source_that_is_seen_is_banned_by_key_and_unbanned(flooded):
    with Terminal(flooded) as top:
        top.wait_for(r"(?s)enforce.*dropped.*CLASS.*SOURCE.*" + re.escape(SOURCE))
        top.press("b")
        top.wait_for(re.escape(f"ban {SOURCE} for 1h? y does it"))
        top.press("n")
        top.wait_for("nothing was done")
        assert SOURCE not in flooded.bans()
        top.press("by")
        wait_until(lambda: SOURCE in flooded.bans(), 5, "the ban")
        assert 3500 < flooded.bans()[SOURCE]["left_s"] <= 3600 and flooded.bans()[SOURCE]["by"] == "operator"
        top.wait_for(re.escape(SOURCE) + ": banned for 60 min")
        since = len(top.read())
        top.press("uy")
        wait_until(lambda: SOURCE not in flooded.bans(), 5, "the end of the ban")
        assert "unban" in top.text(since)
        top.press("q")
        assert top.ended() == 0


def test_what_the_verb_refuses_the_key_refuses_too(flooded):
    flooded.cli("allow", SOURCE, "--for", "1h")
    try:
        with Terminal(flooded) as top:
            top.press("d")  # by packets: nothing of it is dropped now
            top.wait_for("d by dropped")
            top.wait_for(re.escape(SOURCE))
            top.press("by")
            top.wait_for("refused: .*" + re.escape(SOURCE))
            assert SOURCE not in flooded.bans()
            top.press("q")
            assert top.ended() == 0
    finally:
        flooded.cli("unallow", SOURCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_gives_the_terminal_back(flooded, number):
    with Terminal(flooded) as top:
        top.wait_for("CLASS")
        top.child.send_signal(number)
        assert top.ended() == 0


def test_another_size_is_another_screen(flooded):
    with Terminal(flooded, rows=10, columns=40) as top:
        top.wait_for(r"b ban  u unban")
        assert "UNVERIFIED" not in top.text()
        top.resize(60, 200)
        top.child.send_signal(signal.SIGWINCH)  # it has no controlling terminal
        top.wait_for("UNVERIFIED/S")
        top.press("q")
        assert top.ended() == 0


def test_without_colours_it_sends_none_and_a_dumb_terminal_gets_one_frame(flooded):
    colours = re.compile(rb"\x1b\[(\d+;)*3[0-7]m")
    with Terminal(flooded) as top:
        top.wait_for("CLASS")
        assert colours.search(top.read())
    for environment in ({"NO_COLOR": "1"}, {"TERM": "vt100"}):
        with Terminal(flooded, **environment) as top:
            top.wait_for("CLASS")
            assert not colours.search(top.read())
            assert environment != {"TERM": "vt100"} or top.read().isascii()
    for name in ("dumb", "no-such-terminal", ""):
        with Terminal(flooded, TERM=name) as top:
            top.wait_for("one frame")
            assert top.child.wait(5) == 0
            assert b"\x1b" not in top.read() and SOURCE in top.text()


def test_a_pipe_gets_one_frame_and_json_its_data(flooded):
    text = flooded.cli("top").out
    assert text.startswith("floodwall top  enforce") and SOURCE in text and "\x1b" not in text
    assert flooded.cli("top", "--once").out.splitlines()[0].split()[:3] == text.split()[:3]
    def is_in_full():  # it was banned and allowed before: then its class is not looked at
        frame = json.loads(flooded.cli("top", "--json").out)
        classes = {row["class"]: row for row in frame["status"]["classes"]}
        udp = classes["udp_new"]
        return (frame, classes) if udp["in_pps"] > RATE * 0.7 and len(udp["by_second"]) >= 2 else None
    frame, classes = wait_until(is_in_full, 15, "ten seconds of flood")
    assert classes["udp_new"]["in_pps"] < RATE * 2, classes["udp_new"]
    assert classes["udp_new"]["refused_pps"] > RATE / 4
    assert 0 < classes["udp_new"]["used_pps"] <= 3 * classes["udp_new"]["budget_pps"]
    assert len(classes["udp_new"]["by_second"]) == len(frame["status"]["seconds"]["in"])
    assert RATE / 2 < frame["status"]["seconds"]["in"][-1] < RATE * 2
    assert frame["sources"]["sources"][0]["source"] == SOURCE and "signatures" in frame["signatures"]
    refused = flooded.cli("top", "--interval", "1ms", code=2)
    assert "200ms to 1m" in refused.err


def test_a_second_of_it_is_little_to_send(flooded):
    with Terminal(flooded) as top:
        top.wait_for("CLASS")
        time.sleep(1)  # what is measured is a time
        before = len(top.read())
        time.sleep(3)
        each = (len(top.read()) - before) / 3
        print(f"{each:.0f} bytes a second")
        assert 0 < each < 80 * 24 / 2, "half of the screen"


def test_a_daemon_that_hangs_or_goes_does_not_take_the_keys(flooded):
    with Terminal(flooded) as top:
        top.wait_for("CLASS")
        flooded.daemon.send_signal(signal.SIGSTOP)
        try:
            top.wait_for(r"no answer for \d")
            began = time.monotonic()
            top.press("q")
            assert top.ended() == 0 and time.monotonic() - began < 2
        finally:
            flooded.daemon.send_signal(signal.SIGCONT)
    flooded.stop()
    assert "not running" in flooded.cli("top", "--once", code=3).err
    with Terminal(flooded, "--interval", "200ms") as top:
        top.wait_for("still filters" if DATAPATH != "nfqueue" else "(?i)nothing filters")
        since = len(top.read())
        flooded.start_daemon()
        top.wait_for(r"(?s)enforce.*CLASS", since=since)
        top.press("q")
        assert top.ended() == 0
