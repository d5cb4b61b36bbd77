# SPDX-License-Identifier: MIT
"""Sending raw frames on one side and seeing which came through on the other.

A Tap is a packet socket behind the XDP program: it sees what the program passed, before the kernel's
own stack judges it. A LogTap sits behind the queues of the nfqueue datapath, where a packet socket
would see what is yet to be dropped. Order is kept on the way (what one CPU sends goes through one
queue), so a marker frame sent after the others says that all of them have been decided: of an
EtherType that no firewall for IP looks at, or for a LogTap neighbour discovery, which none drops.
"""
import contextlib
import itertools
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time

import netns
from wire import token

ETH_P_ALL, EXPERIMENTAL = 0x0003, 0x88b5
NETLINK_NETFILTER, NETLINK_NO_ENOBUFS, SOL_NETLINK = 12, 5, 270
NFULNL_MSG_CONFIG = 4 << 8 | 1
_log_groups = itertools.count(430)
SOL_PACKET, PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE = 263, 23, 33
TOKEN = re.compile(rb"\xf1oW.{4}\x5a", re.DOTALL)
BATCH = 96  # frames in flight: a veth queue holds 256


class Tap(contextlib.AbstractContextManager):
    def __init__(self, namespace, interface):
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.bind((interface, ETH_P_ALL))

    def tokens(self, until=None, timeout=10.0):
        """The tokens that came through so far; with `until`, waits for that one (not returned)."""
        found, end = [], time.monotonic() + timeout
        while True:
            if not select.select([self._socket], [], [], 0 if until is None else 0.2)[0]:
                if until is None:
                    return found
                assert time.monotonic() < end, "the marker did not come through"
                continue
            here = TOKEN.findall(self._socket.recv(65536))
            if until is not None and until in here:
                return found
            found += here

    def close(self):
        self._socket.close()

    def __exit__(self, *_):
        self.close()


class LogTap(Tap):
    """Reads what an NFLOG rule of its own hands out: IP packets, behind all that drops in table raw."""

    def __init__(self, namespace, uplink):
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)
        self._socket.bind((0, 0))
        group = next(_log_groups)
        self._configure(group, 1, struct.pack(">BxH", 1, 0))           # NFULNL_CFG_CMD_BIND
        self._configure(group, 2, struct.pack(">IBx", 0xffff, 2))      # whole packets
        self._configure(group, 5, struct.pack(">I", 1))                # each at once
        self._namespace = namespace
        self._words = ["PREROUTING", "-i", f"up{uplink}", "-j", "NFLOG", "--nflog-group", str(group)]
        self._rule("-A")

    def _configure(self, group, kind, payload):
        """linux/netfilter/nfnetlink_log.h: NFULA_CFG_CMD, _MODE and _QTHRESH; waits for the answer."""
        attribute = struct.pack("=HH", 4 + len(payload), kind) + payload
        attribute += bytes(-len(attribute) % 4)
        body = struct.pack(">BBH", 0, 0, group) + attribute
        self._socket.send(struct.pack("=IHHII", 16 + len(body), NFULNL_MSG_CONFIG, 5, 0, 0) + body)
        while True:
            answer = self._socket.recv(65536)
            if struct.unpack_from("=H", answer, 4)[0] == 2:  # NLMSG_ERROR; else a packet already
                error = struct.unpack_from("=i", answer, 16)[0]
                assert error == 0, f"NFLOG group {group}: {os.strerror(-error)}"
                return

    def _rule(self, action):
        for program in ("iptables", "ip6tables"):
            with netns.inside(self._namespace):
                subprocess.run([program, "-w", "-t", "mangle", action, *self._words], check=True)

    def close(self):
        if self._socket.fileno() >= 0:  # a `with` and the lab's end may both close it
            self._rule("-D")
        super().close()


class Sender(contextlib.AbstractContextManager):
    def __init__(self, namespace, interface, ip_only=False):
        with netns.inside(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.bind((interface, 0))
            own = self._socket.getsockname()[4]
        self._header = b"\xff" * 6 + own + struct.pack(">H", EXPERIMENTAL)
        self._tail = bytes(40)
        if ip_only:
            self._header, self._tail = self._solicitation(own), b""

    @staticmethod
    def _solicitation(own):
        """For nobody; the token comes last, in an option that nobody knows (RFC 4861)."""
        source, nobody = (b"\xfe\x80" + bytes(13) + last for last in (b"\x01", b"\xff"))
        return (b"\x33\x33" + bytes(3) + b"\x01" + own + struct.pack(">H", 0x86dd)
                + struct.pack(">IHBB", 6 << 28, 40, 58, 255) + source
                + b"\xff\x02" + bytes(13) + b"\x01" + b"\x87\0\0\0" + bytes(4) + nobody
                + bytes([253, 2]) + bytes(6))

    def send(self, frame):
        self._socket.send(frame)

    def mark(self):
        mark = token()
        self._socket.send(self._header + mark + self._tail)
        return mark

    def close(self):
        self._socket.close()

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def on_one_cpu():
    """The kernel keeps the order of what one CPU sends."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def everything(sender, tap):
    """The tokens of all that came through, whichever CPU it was sent on: a mark from each."""
    allowed, found = os.sched_getaffinity(0), []
    try:
        for cpu in allowed:
            os.sched_setaffinity(0, {cpu})
            found += tap.tokens(until=sender.mark())
    finally:
        os.sched_setaffinity(0, allowed)
    return found


def passed(sender, tap, frames, rate=None):
    """Sends (frame, token) pairs, at `rate` per second if given; the tokens that came through.

    After a pause that a busy machine makes it catches up on 50 ms at most: a burst that made up for a
    second would be above a limit that the rate is below."""
    through = []
    with on_one_cpu():
        due = time.monotonic()
        for index, (frame, _) in enumerate(frames):
            if index and index % BATCH == 0:
                through += tap.tokens(until=sender.mark())
            if rate:
                _until(due)
                due = max(due, time.monotonic() - 0.05) + 1 / rate
            sender.send(frame)
        through += tap.tokens(until=sender.mark())
    sent = {mark for _, mark in frames}
    return [mark for mark in through if mark in sent]


def _until(moment):
    while (left := moment - time.monotonic()) > 0:
        if left > 0.002:
            time.sleep(left - 0.001)


class Prober(contextlib.AbstractContextManager):
    """Sends one frame every few milliseconds from a thread of its own, until it is closed.

    `make(token)` returns the frame's bytes. sent() lists (time.time() just before sending, token)."""

    def __init__(self, sender, make, every_s=0.005):
        self._sender, self._make, self._every = sender, make, every_s
        self._sent, self._end = [], threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        while not self._end.is_set():
            mark = token()
            frame = self._make(mark)
            self._sent.append((time.time(), mark))
            self._sender.send(frame)
            self._end.wait(self._every)

    def sent(self):
        return list(self._sent)

    def close(self):
        self._end.set()
        self._thread.join()

    def __exit__(self, *_):
        self.close()
