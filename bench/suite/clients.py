# SPDX-License-Identifier: MIT
"""Legitimate clients of a wall, HTTP by wrk and UDP questions, and what they get while a flood arrives."""
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

ARRIVED = 5000
MARGIN = 1    # seconds
PAUSE = 1.2   # the kernel looks once a second whether the pages of a flood have all been freed


def requests_in(said):
    """Requests/s, of what wrk prints."""
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))


def latency_in(said, percentile):
    """Milliseconds, of what wrk prints; endless if nothing was answered."""
    found = re.search(rf"^ +{percentile}% +([\d.]+)(us|ms|s|m)$", said, re.M)
    if not found or not requests_in(said):
        return float("inf")
    return float(found.group(1)) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[found.group(2)]


def http_clients(walls, wall, cpu, seconds):
    command = ["taskset", "-c", cpu, "wrk", "-t1", "-c32", f"-d{seconds}s", "--timeout", "5s", "--latency",
               f"http://{wall.address}:{HTTP}/"]
    with netns.inside(walls.lab.peers_ns):
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)


def arrives(wall, before):
    """Until packets of the flood do."""
    end = time.monotonic() + 10
    while wall.received() < before + ARRIVED:
        assert time.monotonic() < end, "the flood does not arrive"


def turn(walls, wall, sources, rate, seconds):
    """One wall under one flood, which begins before its clients do and outlasts them: what these got."""
    cpu, flooded = cpus()[0], seconds + MARGIN
    with traffic.Program(walls.lab, "peers", "ask", **{"from": "10.64.0.1"}, to=wall.address, port=UDP, sources=50,
                         known=1, rate=500, seconds=seconds) as udp:
        sent, before = 0, wall.received()
        flood = walls.flood(wall, sources, flooded, rate, cpu) if rate else None
        if flood:
            arrives(wall, before)
        http = http_clients(walls, wall, cpu, seconds)
        udp.go()
        said, _ = http.communicate(timeout=120)
        answers = udp.result()
        if flood:
            sent = json.loads(flood.communicate(timeout=60)[0])["sent"]
            time.sleep(PAUSE)
    return {"requests": requests_in(said), "p99_ms": latency_in(said, 99), "sent": sent / flooded,
            "udp": answers["answered"] / max(answers["asked"], 1), "udp_p99_ms": answers["p99_ms"]}
