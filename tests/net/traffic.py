# SPDX-License-Identifier: MIT
"""Servers, clients and floods in a lab: the programs of traffic/, started where they belong.

Clients speak from thousands of addresses that a route says are the peers' own: 10.64.0.0/10 and
fd40::/16 (every source in a /64 of its own). What a flood sends is what tests/floods makes.
"""
import contextlib
import itertools
import json
import os
import pathlib
import random
import struct
import subprocess
import sys

import netns
from lab import ROOT, wait_until

sys.path.insert(0, str(ROOT / "tests/floods"))
import packets  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("FLOODWALL_TRAFFIC", ROOT / "build/dev/traffic")).resolve()
WEB, UDP, SINK, SOURCE = 80, 27015, 873, 874
FLOOD_CPU = max(os.sched_getaffinity(0))
_FIRST = {4: 64, 6: 0x40}
_number = itertools.count()


class Program(contextlib.AbstractContextManager):
    """One `traffic` that has said that it is ready; go() starts it, result() is what it prints."""

    def __init__(self, lab, where, part, *words, **values):
        command = [PROGRAM, part, *words, *(f"{key}={value}" for key, value in values.items())]
        with netns.inside(lab.namespace(where)):
            self._child = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, text=True)
        try:
            said = self._child.stdout.readline()
            assert said == "ready\n", f"{part} did not start: {said!r}"
        except BaseException:
            self.close()
            raise

    def go(self):
        self._child.stdin.write("go\n")
        self._child.stdin.flush()
        return self

    def is_running(self):
        return self._child.poll() is None

    def result(self, timeout=120):
        out, _ = self._child.communicate(timeout=timeout)
        assert self._child.returncode == 0, f"traffic ended with {self._child.returncode}: {out}"
        return json.loads(out)

    def close(self):
        if self.is_running():
            self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            stream.close()

    def __exit__(self, *_):
        self.close()


class Traffic(contextlib.AbstractContextManager):
    """All programs of one test, for one family; they end with it."""

    def __init__(self, lab, link):
        self._lab, self.link, self.family = lab, link, link.family
        self._stack = contextlib.ExitStack()
        prefix = "10.64.0.0/10" if link.family == 4 else "fd40::/16"
        netns.ip_batch(lab.peers_ns, [f"route replace local {prefix} dev lo"])

    def __exit__(self, *_):
        self._stack.close()

    def serve(self, where="dut", game=True):
        """Every kind of server on the host under test, or in its container."""
        self._start(where, "serve", f"web:{WEB}", *([f"udp:{UDP}"] if game else []), "udp:53", f"sink:{SINK}", f"source:{SOURCE}",
                    family=self.link.family)
        return self

    def web(self, **values):
        return self._client("web", {"port": WEB, "sources": 300} | values)

    def ask(self, **values):
        return self._client("ask", {"port": UDP, "own_port": 5000 + next(_number)} | values)

    def bulk(self, way, **values):
        return self._client("bulk", {"port": SINK if way == "up" else SOURCE, "way": way} | values)

    def _client(self, part, values):
        block = next(_number) % 60  # each client has addresses of its own
        first = (f"10.{_FIRST[4] + block}.0.1" if self.link.family == 4
                 else f"fd40:{block:x}::1")
        return self._start("peers", part, **({"to": self.link.dut, "from": first} | values))

    def flood(self, families, rate, seconds, seed=1, ether=None, made=None, **values):
        """A flood of families of tests/floods, in turn; no packet is sent twice: forged senders do not
        come back. `made`: so many packets only, sent again and again. `ether`: another header than the
        link's."""
        file = self._lab.folder / f"flood{next(_number)}"
        file.write_bytes(b"".join(frames(self.link, families, made or int(rate * seconds), seed, ether)))
        return self._start("peers", "flood", file=file, rate=rate, seconds=seconds,
                           **({"cpu": FLOOD_CPU, "interface": "peer0"} | values))

    def _start(self, where, part, *words, **values):
        return self._stack.enter_context(Program(self._lab, where, part, *words, **values))


def frames(link, families, count, seed, ether=None):
    """`count` packets of the families to the link's host under test, each with its length before it."""
    rng, target = random.Random(seed), packets.address(link.dut)
    makers = [family(target, rng) for family in families]
    if ether is None:
        ether = bytes(link.ether)[:12] + (b"\x08\x00" if link.family == 4 else b"\x86\xdd")
    made = (packet for make in itertools.cycle(makers) for packet in make())
    for data, size in itertools.islice(made, count):
        yield struct.pack("=I", len(ether) + size) + ether + data + bytes(size - len(data))


def dropped(lab):
    """Packets that Floodwall dropped since its start, or would have if it only observes."""
    traffic = lab.api.call("status")["traffic"]
    return traffic["dropped_packets"] + traffic.get("observed_drops", 0)


def settle(lab):
    """Until the daemon's counters have come to rest."""
    seen = [-1]

    def same():
        before, seen[0] = seen[0], lab.api.call("status")["traffic"]["packets"]
        return before == seen[0]
    wait_until(same, 10, "the counters rest")
