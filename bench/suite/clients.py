# SPDX-License-Identifier: MIT
"""Legitimate clients behind a firewall (HTTP by wrk, UDP questions) and what they get during a flood."""
import json
import os
import re
import subprocess
import time

import netns
from suite.machine import RELEASE, cpus
from suite.serving import HTTP, UDP

os.environ.setdefault("FLOODWALL_TRAFFIC", str(RELEASE / "traffic"))
import traffic  # noqa: E402  of tests/net

ARRIVED = 5000  # packets of the flood, before the clients begin
MARGIN = 1    # seconds by which the flood outlasts the clients
PAUSE = 1.2   # seconds; the kernel checks once a second whether all pages of a flood have been freed


def requests_in(said):
    """Requests/s from wrk's output."""
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))


def latency_in(said, percentile):
    """Milliseconds from wrk's output; infinite if nothing was answered."""
    found = re.search(rf"^ +{percentile}% +([\d.]+)(us|ms|s|m)$", said, re.M)
    if not found or not requests_in(said):
        return float("inf")
    return float(found.group(1)) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[found.group(2)]


def http_clients(firewalls, firewall, cpu, seconds):
    command = ["taskset", "-c", cpu, "wrk", "-t1", "-c32", f"-d{seconds}s", "--timeout", "5s", "--latency",
               f"http://{firewall.address}:{HTTP}/"]
    with netns.inside(firewalls.lab.peers_ns):
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)


def arrives(firewall, before):
    """Waits until packets of the flood arrive."""
    end = time.monotonic() + 10
    while firewall.received() < before + ARRIVED:
        assert time.monotonic() < end, "the flood does not arrive"


def turn(firewalls, firewall, sources, rate, seconds):
    """What the clients get behind one firewall; the flood begins before they do and outlasts them."""
    cpu, flooded = cpus()[0], seconds + MARGIN
    with traffic.Program(firewalls.lab, "peers", "ask", **{"from": "10.64.0.1"}, to=firewall.address, port=UDP,
                         sources=50, known=1, rate=500, seconds=seconds) as udp:
        sent, before = 0, firewall.received()
        flood = firewalls.flood(firewall, sources, flooded, rate, cpu) if rate else None
        if flood:
            arrives(firewall, before)
        http = http_clients(firewalls, firewall, cpu, seconds)
        udp.go()
        said, _ = http.communicate(timeout=120)
        answers = udp.result()
        if flood:
            sent = json.loads(flood.communicate(timeout=60)[0])["sent"]
            time.sleep(PAUSE)
    return {"requests": requests_in(said), "p99_ms": latency_in(said, 99), "sent": sent / flooded,
            "udp": answers["answered"] / max(answers["asked"], 1), "udp_p99_ms": answers["p99_ms"]}
