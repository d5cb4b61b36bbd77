# SPDX-License-Identifier: MIT
"""Part 3: what legitimate clients get while a flood arrives: HTTP (wrk against nginx, as fast as it goes) and UDP
questions (500 a second of peers that were answered before), behind Floodwall, behind nftables, behind nothing.

The server has one CPU: nginx, the UDP service that is flooded, and the receiving of packets. The clients and the
flood have the other one."""
import json
import os
import re
import subprocess
import time

import netns
from suite import rivals
from suite.figures import median, number, percent, spread
from suite.machine import RELEASE, cpus
from suite.serving import HTTP, UDP, receive_on, serve
from suite.table import Table
from suite.walls import Walls, flood_sources, settings, write_list

os.environ.setdefault("FLOODWALL_TRAFFIC", str(RELEASE / "traffic"))
import traffic  # noqa: E402  of tests/net

TITLE = "goodput under attack"
RATES = (0, 100_000, 300_000, 600_000, 1_000_000)
FLOODS = {"denied": 1 << 16, "spoofed": 1 << 20}
LISTED = 1 << 16
ENOUGH = 0.5  # of what a flood was to send: with less it shows nothing
PAUSE = 1.2   # the kernel looks once a second whether the pages of a flood have all been freed
HALF = 0.5
NOTE = ("HTTP requests/s as a share of the best that was answered behind the same in the round, and their p99 (a thread "
        "that receives packets now and then is woken for each, so a weak flood can even help); 500 UDP questions/s to the flooded port by peers that were answered before: answered, p99. Medians.")


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


def turn(walls, wall, sources, rate, seconds):
    """One wall under one flood: what its clients got."""
    cpu = cpus()[0]
    with traffic.Program(walls.lab, "peers", "ask", **{"from": "10.64.0.1"}, to=wall.address, port=UDP, sources=50,
                         known=1, rate=500, seconds=seconds) as udp:
        sent, before = 0, wall.received()
        flood = walls.flood(wall, sources, seconds, rate, cpu) if rate else None
        http = http_clients(walls, wall, cpu, seconds)
        udp.go()
        said, _ = http.communicate(timeout=120)
        answers = udp.result()
        if flood:
            sent = json.loads(flood.communicate(timeout=60)[0])["sent"]
            time.sleep(PAUSE)
    return {"requests": requests_in(said), "p99_ms": latency_in(said, 99), "sent": sent / seconds,
            "udp": answers["answered"] / max(answers["asked"], 1), "udp_p99_ms": answers["p99_ms"],
            "received": (wall.received() - before) / seconds}


def in_turns(walls, contenders, sources, rates, rounds, seconds):
    """By wall and rate: a turn of each round."""
    turns = {(wall.name, rate): [] for wall in contenders for rate in rates}
    for _ in range(rounds):
        for wall in contenders:  # its undisturbed turn shortly before the others: what else runs here comes and goes
            for rate in rates:
                turns[wall.name, rate].append(turn(walls, wall, sources, rate, seconds))
    return turns


def shares(turns, name, rate):
    """Requests/s by round, to the best of the wall's turns in that round."""
    rounds = zip(*(mine for (whose, _), mine in turns.items() if whose == name))
    best = [max(turn["requests"] for turn in one) for one in rounds]
    return [now["requests"] / max(calm, 1e-9) for now, calm in zip(turns[name, rate], best)]


def table_of(flood, title, contenders, turns):
    rates = sorted({rate for _, rate in turns})
    table = Table(f"attack.{flood}", title, ["flood", "behind", "sent", "requests/s", "of the best", "spread", "p99",
                                             "UDP answered", "UDP p99"], note=NOTE)
    table.values["names"] = [wall.name for wall in contenders]
    for rate in rates:
        for wall in contenders:
            mine = turns[wall.name, rate]
            share = shares(turns, wall.name, rate)
            sent = median(one["sent"] for one in mine)
            assert sent >= ENOUGH * rate, f"{sent:.0f} packets/s were sent, not {rate}: the machine is too busy"
            table.add(f"{number(rate)}/s" if rate else "none", wall.name,
                      number(sent),
                      number(median(one["requests"] for one in mine)), percent(median(share)), percent(spread(share)),
                      f"{median(one['p99_ms'] for one in mine):.1f} ms", percent(median(one["udp"] for one in mine)),
                      f"{median(one['udp_p99_ms'] for one in mine):.1f} ms")
            table.raw.append({"name": wall.name, "rate": rate, "share": median(share), "rounds": mine})
    ours, nftables = contenders[0].name, contenders[1].name
    half = next((rate for rate in rates if median(shares(turns, nftables, rate)) <= HALF), rates[-1])
    table.values["Floodwall at half"] = median(shares(turns, ours, half))
    table.values["half"] = half
    return table


def run(quick):
    rates, rounds, seconds = (RATES[:2], 1, 1) if quick else (RATES, 3, 2)
    with Walls() as walls:
        netns.ip_batch(walls.lab.peers_ns, ["route replace local 10.64.0.0/10 dev lo"])
        numbers = flood_sources(LISTED)
        write_list(walls.lab.list_file("deny.list"), numbers)
        walls.lab.start_daemon(settings(walls.lab))
        denied = [walls.floodwall, rivals.nft_set(walls, numbers), walls.add("nothing"), rivals.bare_filter(walls)]
        spoofed = [walls.floodwall, rivals.nft_conntrack_meter(walls), *denied[2:]]
        for wall in {wall.name: wall for wall in denied + spoofed}.values():
            serve(walls, wall, cpus()[-1])
            receive_on(wall, cpus()[-1])
        for flood, contenders, title in (
                ("denied", denied, "3. Goodput under a flood of 64 k denied sources"),
                ("spoofed", spoofed, "3. Goodput under a flood of 1 M spoofed sources to a UDP port that is served")):
            turns = in_turns(walls, contenders, FLOODS[flood], rates, rounds, seconds)
            yield table_of(flood, title, contenders, turns)
