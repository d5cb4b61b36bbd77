# SPDX-License-Identifier: MIT
"""A small internet in network namespaces, with Floodwall on the machine in its middle.

    peers (everybody else)                         dut (host under test; floodwalld)
    lo     10.9.1.N, fd09:0:0:N::1  (clients)
    peer0  10.9.0.1/24, fd09::1/64  ---- veth ---- up0   10.9.0.2/24, fd09::2/64
           (the gateway)                                 default via 10.9.0.1, fd09::1
    peer1  10.10.0.1/24, fd10::1/64 ---- veth ---- up1   10.10.0.2/24, fd10::2/64   (uplinks=2)

    box (a container; container=True)
    eth0   10.77.0.2/24, fd77::2/64 ---- veth ---- box0  10.77.0.1/24, fd77::1/64   in dut

Frames that are put on peer0 arrive on up0 where the XDP program judges them; a Tap sees what came
through. Nothing waits for a fixed time: a marker frame sent last, or a state that is polled, says
when all has been seen. Start it after netns.isolate().
"""
import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

from scapy.layers.l2 import Ether

import netns
import sandboxed
from api import Api
from tap import LogTap, Sender, Tap, passed

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FLOODWALL_BIN", ROOT / "build/release")).resolve()
SOCKET = "/run/floodwall/floodwall.sock"
PINS = pathlib.Path(netns.BPF_FS) / "floodwall"
# Which datapath these tests are about; "auto" is XDP here.
DATAPATH = os.environ.get("FLOODWALL_DATAPATH", "auto")
# What judges packets by default, as `status` names it, and how it is attached to a veth.
KIND, ATTACHMENT = ("nfqueue", "queue") if DATAPATH == "nfqueue" else ("xdp", "native")
# FLOODWALL_SANDBOX=1: every daemon has the unit's system calls and ends when it makes another one.
SANDBOX = sandboxed.COMMAND if os.environ.get("FLOODWALL_SANDBOX") == "1" else ()
CLIENTS = 40
# A lab that nobody set a limit in has none: what a test sees is what it configured.
QUIET = '[limit.default]\npackets = { ban_at = "1M/s" }\n'
UNVERIFIED = ("tcp_syn", "tcp_stray", "udp_new", "udp_reflected", "icmp_echo", "icmp_other",
            "fragment", "other")

_number = itertools.count(1)


@dataclass(frozen=True)
class Link:
    """One family on one uplink: the addresses a test needs, and the Ethernet header to the host under test."""
    family: int
    dut: str
    gateway: str
    ether: Ether

    def client(self, number):
        """An address of the peers, 1..CLIENTS; for IPv6 each in a /64 of its own."""
        return f"10.9.1.{number}" if self.family == 4 else f"fd09:0:0:{number:x}::1"

    @property
    def host_bits(self):
        return 32 if self.family == 4 else 128


@dataclass
class Outcome:
    code: int
    out: str
    err: str


def wait_until(condition, timeout=10.0, what="the condition"):
    """Polls until condition() is true and returns its value; fails after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.005)


def pause_until(moment):
    """Lets time pass up to time.monotonic() == moment, for a packet whose time is part of the test's
    input. To wait for something to happen use wait_until()."""
    time.sleep(max(0.0, moment - time.monotonic()))


class Lab(contextlib.AbstractContextManager):
    # Words of log lines at level WARNING or ERROR that the test of the moment expects (its marker `expects`).
    # Those that it waits for by wait_for_log() need not be named. None: any, as in a benchmark.
    expected = None
    _latest = None  # one daemon at a time

    def __init__(self, uplinks=1, mtu=1500, container=False, uplink_kind="veth"):
        self.uplinks, self.mtu, self.container, self.kind = uplinks, mtu, container, uplink_kind
        number = next(_number)
        self.dut_ns, self.peers_ns, self.box_ns = (f"fw{name}{number}"
                                                    for name in ("dut", "peers", "box"))
        self.folder = pathlib.Path(f"/run/lab{number}")
        self.config_file = self.folder / "etc/floodwall.toml"
        self.log_folder = self.folder / "log"
        self.state = self.folder / "state"
        self.daemon = None
        self.api = Api(SOCKET)
        self._output = None
        self._awaited = set()
        self._children, self._closers = [], []

    # ------------------------------------------------------------ the network

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _build(self):
        self._end_former()
        netns.fresh_bpffs()
        shutil.rmtree("/run/floodwall", ignore_errors=True)
        shutil.rmtree("/run/systemd", ignore_errors=True)
        self.resolv_conf("")
        for folder in (self.config_file.parent, self.log_folder):
            folder.mkdir(parents=True)
        for name in self.namespaces():
            subprocess.run(["ip", "netns", "add", name], check=True)
            with netns.inside(name):
                _quieten()
        for index in range(self.uplinks):
            self.add_uplink(index)
        netns.ip_batch(self.peers_ns, ["link set lo up"] + [
            f"address add dev lo {address}" for n in range(1, CLIENTS + 1)
            for address in (f"10.9.1.{n}/32", f"fd09:0:0:{n:x}::1/128 nodad")])
        if self.container:
            self._add_container()

    def _end_former(self):
        """A daemon of a lab that stands for a whole module would put its pins and its socket back here."""
        if Lab._latest and Lab._latest.daemon:
            Lab._latest.kill9()
        Lab._latest = self

    def namespace(self, where):
        return {"dut": self.dut_ns, "peers": self.peers_ns, "box": self.box_ns}[where]

    def namespaces(self):
        return [self.dut_ns, self.peers_ns] + ([self.box_ns] if self.container else [])

    def add_uplink(self, index=0):
        """Also how an interface comes back after `ip link del`."""
        v4, v6 = f"10.{9 + index}.0", f"fd{9 + index:02d}::"
        lower = f"low{index}" if self.kind != "veth" else f"up{index}"
        netns.ip_batch(self.dut_ns, [
            f"link add {lower} mtu {self.mtu} address 02:00:00:00:{index:02x}:02 type veth "
            f"peer name peer{index} address 02:00:00:00:{index:02x}:01 mtu {self.mtu} "
            f"netns {self.peers_ns}"])
        if self.kind == "bridge":
            netns.ip_batch(self.dut_ns, [
                f"link add up{index} address 02:00:00:00:{index:02x}:02 type bridge",
                f"link set {lower} master up{index}", f"link set {lower} up"])
        netns.ip_batch(self.dut_ns, [
            "link set lo up",
            f"address add {v4}.2/24 dev up{index}", f"address add {v6}2/64 dev up{index} nodad",
            f"link set up{index} up"])
        netns.ip_batch(self.peers_ns, [
            f"address add {v4}.1/24 dev peer{index}", f"address add {v6}1/64 dev peer{index} nodad",
            f"link set peer{index} up"])
        # Neighbours are known: their discovery would take the first packets' time.
        for namespace, device, end, other in ((self.dut_ns, f"up{index}", 1, "01"),
                                              (self.peers_ns, f"peer{index}", 2, "02")):
            netns.ip_batch(namespace, [
                f"neighbour replace {address}{end} lladdr 02:00:00:00:{index:02x}:{other} "
                f"dev {device} nud permanent" for address in (f"{v4}.", v6)])
        if index == 0:
            netns.ip_batch(self.dut_ns, [f"route add default via {v4}.1",
                                          f"route add ::/0 via {v6}1"])

    def _add_container(self):
        netns.ip_batch(self.dut_ns, [
            f"link add box0 type veth peer name eth0 netns {self.box_ns}",
            "address add 10.77.0.1/24 dev box0", "address add fd77::1/64 dev box0 nodad",
            "link set box0 up"])
        netns.ip_batch(self.box_ns, [
            "link set lo up", "address add 10.77.0.2/24 dev eth0",
            "address add fd77::2/64 dev eth0 nodad", "link set eth0 up",
            "route add default via 10.77.0.1", "route add ::/0 via fd77::1"])

    def xdp_on_peer(self, uplink=0):
        """Makes the peers receive what an XDP program of the host under test sends by itself."""
        link = netns.pass_by_xdp(self.peers_ns, f"peer{uplink}")
        self._closers.append(os.fdopen(link, "rb"))

    def link(self, family, uplink=0):
        ether = Ether(src=f"02:00:00:00:{uplink:02x}:01", dst=f"02:00:00:00:{uplink:02x}:02")
        stem = f"10.{9 + uplink}.0." if family == 4 else f"fd{9 + uplink:02d}::"
        return Link(family=family, dut=stem + "2", gateway=stem + "1", ether=ether)

    @staticmethod
    def resolv_conf(text):
        with open(netns.RESOLV_CONF, "w", encoding="ascii") as file:  # in place: it is mounted
            file.write(text)

    def tap(self, uplink=0):
        """What comes through the firewall on an uplink, from now on."""
        return self._own(self._make_tap(uplink))

    def _make_tap(self, uplink):
        if DATAPATH == "nfqueue":
            return LogTap(self.dut_ns, uplink)
        return Tap(self.dut_ns, f"up{uplink}")

    def sender(self, uplink=0):
        return self._own(self._make_sender(uplink))

    def _make_sender(self, uplink):
        return Sender(self.peers_ns, f"peer{uplink}", ip_only=DATAPATH == "nfqueue")

    def passed(self, frames, uplink=0):
        """Sends (bytes, token) pairs and returns the tokens of those that came through."""
        with self._make_tap(uplink) as tap, self._make_sender(uplink) as out:
            return passed(out, tap, frames)

    def comes_through(self, frame_and_token, uplink=0):
        return bool(self.passed([frame_and_token], uplink))

    def _own(self, closable):
        self._closers.append(closable)
        return closable

    # ------------------------------------------------------------- the daemon

    def config(self, top="", tables=QUIET):
        """A configuration of this lab: `top` are top-level keys, `tables` everything after. With empty
        `tables` it has the limits and budgets of a new installation."""
        interfaces = ", ".join(f'"up{index}"' for index in range(self.uplinks))
        interface = "" if re.search(r"^interface\s*=", top, re.M) else f"interface = [{interfaces}]\n"
        if DATAPATH != "auto" and not re.search(r"^datapath\s*=", top, re.M):
            top = f'datapath = "{DATAPATH}"\n' + top
        # Sources that prove nothing share a budget: what a test sends is not to share it.
        if tables and "[budget." not in tables:
            tables += "".join(f'\n[budget.{name}]\nlimit = "10M/s"\nburst = 1000000\n'
                              "served_burst = 1000000\n" for name in UNVERIFIED)
        if "[tables]" not in tables:  # the kernel takes 0.3 s for the default number of bans
            tables += "\n[tables]\nbans = 8192\n"
        log = f'[log]\nfolder = "{self.log_folder}"\njournal = false\n'
        return interface + top + "\n" + tables + "\n" + log

    def write_config(self, text):
        self.config_file.write_text(text, encoding="utf-8")

    def list_file(self, name):
        return self.config_file.parent / name

    def start_daemon(self, text=None, wait=True, prepare=None, sandbox=SANDBOX):
        """Starts floodwalld on `text` (config() if None) and waits until it answers.

        `prepare` runs in the new process before it, `sandbox` are words before its command."""
        if text is not None or not self.config_file.exists():
            self.write_config(self.config() if text is None else text)
        self._output = open(self.folder / "daemon.out", "a+", encoding="utf-8")
        with netns.inside(self.dut_ns):
            self.daemon = subprocess.Popen(
                [*sandbox, BIN / "floodwalld", "--config", self.config_file, "--state", self.state],
                stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
                preexec_fn=prepare)
        if wait:
            wait_until(self._answers, 60, "floodwalld answers")

    def _answers(self):
        assert self.daemon.poll() is None, f"floodwalld ended: {self.output()}"
        return self.api.is_up()

    def output(self):
        """What the daemon wrote to its standard output and error."""
        return (self.folder / "daemon.out").read_text(encoding="utf-8")

    def kill9(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None

    def stop(self):
        """SIGTERM; the daemon must end by itself and well."""
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(timeout=20)
        self.daemon = None
        assert code == 0, f"floodwalld ended with {code}: {self.output()}"

    def reload(self):
        """SIGHUP, until the daemon has logged what came of it."""
        before = len(self.log_lines("Reload")) + len(self.log_lines("ReloadFailed"))
        self.daemon.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.log_lines("Reload")) + len(self.log_lines("ReloadFailed"))
                   > before, 10, "Reload or ReloadFailed in the log")

    def reload_quietly(self):
        """SIGHUP without a look at the log; a command afterwards is answered after it."""
        self.daemon.send_signal(signal.SIGHUP)
        self.api.call("status")

    # ---------------------------------------------------------------- asking

    def cli(self, *arguments, code=0, stdin=None, user=None):
        """Runs `floodwall`, checks its exit status (None: any), and returns what it printed."""
        if arguments[:2] == ("mode", "off"):
            self._awaited.add("Detach")  # it says so at the next tick, if the test lasts so long
        with netns.inside(self.dut_ns):
            done = subprocess.run([BIN / "floodwall", *map(str, arguments)], input=stdin, text=True,
                                  capture_output=True, user=user, group=user, timeout=120,
                                  extra_groups=[] if user else None, check=False)
        printed = f"floodwall {' '.join(map(str, arguments[:8]))}: {done.stdout}{done.stderr}"
        assert code is None or done.returncode == code, f"exit {done.returncode}, not {code}: {printed}"
        return Outcome(done.returncode, done.stdout, done.stderr)

    def ask(self, *arguments):
        """The same with --json, as a value."""
        return json.loads(self.cli(*arguments, "--json").out)

    def counters(self):
        """Packets by reason."""
        reasons = self.api.call("status")["traffic"]["reasons"]
        return {word: count["packets"] for word, count in reasons.items()}

    def count(self, reason):
        return self.counters().get(reason, 0)

    def bans(self):
        """The bans in force, by address or prefix."""
        return {ban["address"]: ban for ban in self.api.call("list", what=["bans"])["bans"]}

    def log_lines(self, word=None):
        """The text log's lines (none yet: []), those of one kind if a word is given."""
        try:
            lines = (self.log_folder / "floodwall.log").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [line for line in lines if word is None or line.split(" ")[2:3] == [word]]

    def events(self):
        lines = (self.log_folder / "events.json").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def wait_for_log(self, word, pattern="", timeout=10.0):
        self._awaited.add(word)

        def found():
            return [line for line in self.log_lines(word) if re.search(pattern, line)]
        return wait_until(found, timeout, f"a line {word} with {pattern!r} in the log")

    # ------------------------------------------------------- other programmes

    def run(self, *command, where="peers", check=True, timeout=60):
        with netns.inside(self.namespace(where)):
            return subprocess.run([str(word) for word in command], check=check, text=True,
                                  capture_output=True, timeout=timeout)

    def popen(self, *command, where="peers", **options):
        with netns.inside(self.namespace(where)):
            child = subprocess.Popen([str(word) for word in command], **options)
        self._children.append(child)
        return child

    def ping(self, link, src, count=1):
        """Whether an echo from `src` is answered."""
        command = ["ping", f"-{link.family}", "-n", "-c", count, "-i", "0.2", "-W", "0.3", "-I", src,
                   link.dut]
        return self.run(*command, check=False).returncode == 0

    def traces(self):
        """Everything a firewall could leave in the kernel of the host under test: programs, filters, rules, pins."""
        net = json.loads(self.run("bpftool", "-j", "net", where="dut").stdout or "[]")
        qdiscs = self.run("tc", "qdisc", "show", where="dut").stdout
        links = self.run("ip", "-d", "-o", "link", where="dut").stdout
        pins = sorted(str(path) for path in pathlib.Path(netns.BPF_FS).rglob("*"))
        return {"net": net, "qdiscs": re.sub(r"refcnt \d+", "", qdiscs),
                "xdp": re.findall(r"prog/xdp id \d+", links), "pins": pins, "rules": self.raw_rules()}

    def raw_rules(self):
        """Chains and rules in iptables' table raw, which is where queues are fed from."""
        return [line for program in ("iptables", "ip6tables")
                for line in self.run(program, "-w", "-t", "raw", "-S", where="dut").stdout.splitlines()
                if not line.startswith("-P ")]

    def is_in_kernel(self):
        """Whether anything of Floodwall would still meet a packet if the daemon were gone."""
        return PINS.exists() or bool(self.raw_rules())

    # ------------------------------------------------------------- the ending

    def __exit__(self, kind, *_):
        for closable in self._closers:
            closable.close()
        for child in self._children + ([self.daemon] if self.daemon else []):
            if child.poll() is None:
                child.kill()
            child.wait()
        for name in self.namespaces():
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
        if kind is None and self._output:
            self._check_output()
            self.check_log()

    def _check_output(self):
        text = self.output()
        bad = re.findall(r"(?m)^.*(?:AddressSanitizer|LeakSanitizer|runtime error|Assertion).*$", text)
        assert not bad, f"floodwalld wrote: {bad}\n{text}"

    def check_log(self):
        """A warning in the daemon's log that no test speaks of is a fault that nobody looked at."""
        if self.expected is None:
            return
        expected = self.expected | self._awaited
        if "AttackStart" in expected:  # on a slow machine a flood may be more than it bears
            expected |= {"Suffering"}
        unexpected = [line for line in self.log_lines()
                      if line.split(" ")[1:2] in (["WARNING"], ["ERROR"])
                      and line.split(" ")[2] not in expected]
        assert not unexpected, "unexpected in floodwalld's log:\n" + "\n".join(unexpected[:20])


def _quieten():
    """No router solicitations, no delay for duplicate addresses, forwarding, no rate on ICMP."""
    for key, value in (("ipv6/conf/all/accept_dad", 0), ("ipv6/conf/default/accept_dad", 0),
                       ("ipv6/conf/all/accept_ra", 0), ("ipv6/conf/default/accept_ra", 0),
                       ("ipv6/conf/default/router_solicitations", 0),
                       ("ipv6/conf/all/forwarding", 1), ("ipv4/ip_forward", 1),
                       ("ipv4/icmp_ratelimit", 0), ("ipv4/conf/all/rp_filter", 0),
                       ("ipv4/conf/default/rp_filter", 0)):
        with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
            file.write(str(value))
