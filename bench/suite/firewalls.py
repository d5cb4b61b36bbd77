# SPDX-License-Identifier: MIT
"""Hosts behind a firewall, beside the lab's own: one for each thing that Floodwall is compared with. All are set up
once and take turns.

    peers (of the lab)                             one namespace each
    peerN  10.N.0.1/24  ---- veth ---- up0  10.N.0.2/24, default via 10.N.0.1

The peers' clients use 10.9.1.1, which is no host's gateway and so exempt nowhere.
"""
import contextlib
import json
import pathlib
import subprocess

import netns
from lab import Lab

from suite.feeds import text
from suite.machine import RELEASE

CLIENT = "10.9.1.1"
FIRST = 20


class Firewall:
    """One protected host: its namespace, and how packets get there."""

    def __init__(self, name, namespace, number):
        self.name, self.namespace, self.number = name, namespace, number
        self.address = f"10.{number}.0.2"
        self.mac = f"02:00:00:00:{0 if number == 9 else number:02x}:02"
        self.peer = "peer0" if number == 9 else f"peer{number}"

    def run(self, *command, stdin=None, check=True):
        with netns.inside(self.namespace):
            return subprocess.run([str(word) for word in command], input=stdin, text=True, check=check,
                                  capture_output=True)

    def popen(self, *command, **options):
        with netns.inside(self.namespace):
            return subprocess.Popen([str(word) for word in command], **options)

    def received(self):
        """Packets that the interface has received, dropped or not."""
        link, = json.loads(self.run("ip", "-j", "-s", "link", "show", "up0").stdout)
        return link["stats64"]["rx"]["packets"]


class Firewalls(contextlib.AbstractContextManager):
    """A lab with Floodwall, and the firewalls added to it. Ends all that it started."""

    def __init__(self):
        self._stack = contextlib.ExitStack()
        self.lab = self._stack.enter_context(Lab())
        self._names = []
        self.floodwall = Firewall("Floodwall", self.lab.dut_ns, 9)
        netns.ip_batch(self.lab.peers_ns, [
            "link add idle0 type veth peer name idle1",
            f"route replace 10.9.0.0/24 dev peer0 src {CLIENT}"])
        self._receive_as_a_card_does(self.floodwall)

    def __exit__(self, *problem):
        ended = self._stack.__exit__(*problem)
        for namespace in self._names:
            subprocess.run(["ip", "netns", "del", namespace], check=False, stderr=subprocess.DEVNULL)
        return ended

    def add(self, name):
        number = FIRST + len(self._names)
        firewall = Firewall(name, f"fwbench{number}", number)
        subprocess.run(["ip", "netns", "add", firewall.namespace], check=True)
        self._names.append(firewall.namespace)
        netns.ip_batch(firewall.namespace, [
            f"link add up0 address {firewall.mac} type veth peer name {firewall.peer} netns {self.lab.peers_ns}",
            "link set lo up", f"address add {firewall.address}/24 dev up0", "link set up0 up",
            f"route add default via 10.{number}.0.1"])
        netns.ip_batch(self.lab.peers_ns, [
            f"address add 10.{number}.0.1/24 dev {firewall.peer}", f"link set {firewall.peer} up",
            f"route replace 10.{number}.0.0/24 dev {firewall.peer} src {CLIENT}"])
        self._receive_as_a_card_does(firewall)
        return firewall

    def _receive_as_a_card_does(self, firewall):
        """With GRO a veth has a NAPI of its own. Packets of a sender with TSO would go there only where XDP is
        attached; elsewhere the sender's CPU would receive them, and that firewall would be spared the work."""
        firewall.run("ethtool", "-K", "up0", "gro", "on")
        with netns.inside(self.lab.peers_ns):
            subprocess.run(["ethtool", "-K", firewall.peer, "tso", "off"], check=True)

    def start(self, firewall, *command):
        """A program on that host, until the end."""
        child = firewall.popen(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._stack.callback(_end, child)
        return child

    def helper(self, firewall, *command):
        """Likewise, for a program that prints "ready" and begins when it reads "go"."""
        child = self.start(firewall, *command)
        said = child.stdout.readline()
        assert said == "ready\n", f"{command[0]} did not start: {said!r}"
        child.stdin.write("go\n")
        child.stdin.flush()

    def flood_command(self, firewall, sources, seconds, rate, cpu):
        return [RELEASE / "flood", firewall.peer, firewall.mac, firewall.address, sources, seconds, rate, cpu, "idle0"]

    def flood(self, firewall, sources, seconds, rate, cpu):
        """Starts a flood to that host."""
        with netns.inside(self.lab.peers_ns):
            return subprocess.Popen([str(word) for word in self.flood_command(firewall, sources, seconds, rate, cpu)],
                                    stdout=subprocess.PIPE, text=True)


def _end(child):
    child.stdin.close()
    child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def settings(lab, top="", more=""):
    """The configuration of a new installation; the lab's own has small tables."""
    return lab.config(top, tables="").replace("bans = 8192", "") + more


def flood_sources(count):
    """The addresses that bench/live/flood.cpp sends from, as numbers."""
    return [0x40000000 | (index * 2654435761 & 0x1fffffff) for index in range(count)]


def dotted(number):
    return text(4, number)


def write_list(path, numbers):
    pathlib.Path(path).write_text("".join(f"{dotted(number)}\n" for number in numbers), encoding="ascii")
