# SPDX-License-Identifier: MIT
"""One meeting of a host with its users, or with an attacker: the same on the bare host and with Floodwall.

A Scene is a lab with its traffic. What it protects with is what a new installation has: default
configuration, cold start. innocents.py and attackers.py list the meetings, harm.py judges them.
"""
import contextlib
import datetime
import itertools
import json
import re
import resource
import threading
import time
from dataclasses import dataclass, field

import netns
import traffic
from lab import ROOT, Lab, wait_until
from traffic import Program, Traffic

# The reasons for which a packet is dropped, or answered in the host's place.
DROPS = frozenset(re.findall(r'X\(\w+, "([\w-]+)", .*, DROP, \d\)',
                             (ROOT / "src/abi/vocabulary.h").read_text(encoding="utf-8")))
SLOW_US, BUFFER_BYTES = 200, 106_496  # the kernel doubles what is asked for
ALARMS = ("AttackStart", "Ban", "Restrict")
SHORT_S, WHOLE_S = 2, 4
PORTS = 50              # of the clients of a UDP service


@dataclass
class Got:
    """What some users asked for, and what they got. The speed is that of a copy."""
    asked: int
    answered: int
    p99_ms: float = 0.0
    mbit: float = 0.0

    @classmethod
    def of(cls, score):
        return cls(score["asked"], score["answered"], score["p99_ms"])

    @property
    def share(self):
        return self.answered / self.asked if self.asked else 0.0


@dataclass
class Outcome:
    """Of one meeting. `after`: what users got some time after an attack."""
    users: dict
    dropped: int = 0
    reasons: dict = field(default_factory=dict)  # packets that Floodwall dropped, by reason
    alarms: list = field(default_factory=list)   # what it said, in its words
    sent: int = 0                                # by the attacker
    wanted: int = 0
    alarm_ms: float | None = None
    after: dict = field(default_factory=dict)

    @property
    def passed(self):
        return max(0.0, 1 - self.dropped / self.sent) if self.sent else 0.0


class Scene(contextlib.AbstractContextManager):
    def __init__(self, protected, short, family=4, **lab):
        self.protected, self.short, self.family = protected, short, family
        self.seconds = SHORT_S if short else WHOLE_S
        self._stack = contextlib.ExitStack()
        self.lab = Lab(**lab)
        self._ports = itertools.count(20_000, PORTS)

    def __enter__(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a socket for each connection
        lab = self._stack.enter_context(self.lab)
        self.link = lab.link(self.family)
        self.traffic = self._stack.enter_context(Traffic(lab, self.link))
        # What the host sends to addresses that are nobody's is lost, and nobody says so.
        netns.ip_batch(lab.peers_ns, ["route add blackhole default", "route add blackhole ::/0"])
        if lab.kind == "veth":
            lab.xdp_on_peer()
        return self

    def __exit__(self, *what):
        self._stack.__exit__(*what)

    # ------------------------------------------------------------ the host

    def protect(self, top=""):
        """Starts Floodwall, unless this is the bare host."""
        if self.protected:
            self.lab.start_daemon(self.lab.config(top, tables=""))
        self.before = self.dropped_by_reason()

    def serve(self, where="dut", slow=False):
        """Every kind of server; slow: the UDP service bears some 5,000 questions a second, and waits in the
        socket buffer that a program gets without asking."""
        self.traffic.serve(where, game=not slow)
        if slow:
            self.service(where, port=traffic.UDP, busy_us=SLOW_US, buffer=BUFFER_BYTES)

    def service(self, where="dut", **values):
        """A service of datagrams with a habit; its result() says what it received."""
        return self._program(where, "service", **({"family": self.family} | values))

    def program(self, *command, where="dut", port=None, kind="u"):
        """A real program; with a port, when it listens there."""
        said = self.lab.folder / f"{command[0]}.{where}.out"
        with open(said, "w", encoding="utf-8") as file:
            child = self.lab.popen(*command, where=where, stdout=file, stderr=file)

        def listens():
            assert child.poll() is None, f"{command[0]} ended: {said.read_text()}"
            return f":{port} " in self.lab.run("ss", f"-Hln{kind}", where=where).stdout
        if port:
            wait_until(listens, 20, f"{command[0]} listens on {port}")
        return child

    # ------------------------------------------------------------ its users

    def web(self, **values):
        return self.traffic.web(**({"seconds": self.seconds} | values))

    def ask(self, **values):
        return self.traffic.ask(**({"seconds": self.seconds, "ports": PORTS, "own_port": next(self._ports)} | values))

    def ask_from_host(self, to, **values):
        """Questions that the host itself asks."""
        return self._program("dut", "ask", to=to, **({"from": self.link.dut, "seconds": self.seconds,
                                                      "ports": PORTS, "own_port": next(self._ports)} | values))

    def send(self, families, rate, seconds=None, **values):
        """Frames that are made beforehand, from no socket."""
        return self.traffic.flood(families, rate, seconds or self.seconds, **values)

    def copy(self, to, source=None, *options):
        """What iperf3 says of a copy to the host; datagrams with -u among the options."""
        self.program("iperf3", "-s", "-1", "-p", 5201, port=5201, kind="t")
        bind = ["-B", source] if source else []
        out = self.lab.run("iperf3", "-c", to, *bind, "-J", "-t", self.seconds, *options, check=False,
                           timeout=self.seconds + 40).stdout
        end = json.loads(out).get("end", {})
        total = end.get("sum") or end.get("sum_received") or {}
        bits = total.get("bits_per_second", 0)
        if "packets" in total:
            return Got(total["packets"], total["packets"] - total["lost_packets"], mbit=bits / 1e6)
        return Got(1, int(bits > 0), mbit=bits / 1e6)

    def run(self, programs):
        """Runs clients by name at the same time, and says what each got."""
        for program in programs.values():
            program.go()
        return {name: Got.of(program.result()) for name, program in programs.items()}

    def _program(self, where, part, **values):
        return self._stack.enter_context(Program(self.lab, where, part, **values))

    # ------------------------------------------------------------ what Floodwall did

    def dropped_by_reason(self):
        if not self.protected:
            return {}
        reasons = self.lab.api.call("status")["traffic"]["reasons"]
        return {word: count["packets"] for word, count in reasons.items() if word in DROPS}

    def settled(self):
        """By reason, what was dropped since protect()."""
        if not self.protected:
            return {}
        traffic.settle(self.lab)
        now = self.dropped_by_reason()
        grown = {word: packets - self.before.get(word, 0) for word, packets in now.items()}
        return {word: packets for word, packets in grown.items() if packets}

    def alarms(self):
        """Pairs of time and words."""
        if not self.protected:
            return []
        with contextlib.suppress(FileNotFoundError):
            return [(_when(event), _words(event)) for event in self.lab.events()
                    if event["event_type"] in ALARMS]
        return []

    def watch(self, pattern):
        return Watch(self, pattern)

    def outcome(self, users):
        reasons = self.settled()
        return Outcome(users, sum(reasons.values()), reasons, [words for _, words in self.alarms()])


class Watch(contextlib.AbstractContextManager):
    """When Floodwall first says, as an event or in `status`, what matches a pattern. An attack that goes on
    says in `status` what has come to it since its start."""

    def __init__(self, scene, pattern):
        self._scene, self._pattern = scene, pattern
        self.vectors = {}  # words: when
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        if self._scene.protected and self._pattern is not None:
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        if self._thread.ident:
            self._thread.join()

    def _look(self):
        while not self._stop.wait(0.1):
            attack = self._scene.lab.api.call("status")["attack"]
            for vector in attack["vectors"] if attack else ():
                words = vector["class"]
                if vector["dest_ip"]:
                    words += f" to {vector['dest_ip']}"
                if vector["dest_port"]:
                    words += f" port {vector['dest_port']}"
                self.vectors.setdefault(words, time.time())
            if any(re.search(self._pattern, words) for words in self.vectors):
                return

    def alarm_ms(self, begin):
        said = [*self._scene.alarms(), *((when, words) for words, when in self.vectors.items())]
        found = [when for when, words in said
                 if self._pattern is not None and when >= begin and re.search(self._pattern, words)]
        return (min(found) - begin) * 1000 if found else None


def _when(event):
    return datetime.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).timestamp()


def _words(event):
    return f"{event['event_type']} {event.get('vectors') or event.get('src_ip', '')}"


def at(moment):
    """Until time.monotonic() == moment."""
    time.sleep(max(0.0, moment - time.monotonic()))
