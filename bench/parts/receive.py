# SPDX-License-Identifier: MIT
"""Part 2: the live receive path of a veth. How many packets a second of one CPU's time are sent and taken, on walls
that take turns; the sender's share is in all of them, so a bare XDP_DROP is what can be had at most."""
import json
import random

from suite import rivals
from suite.figures import median, number, percent, spread
from suite.machine import cpus
from suite.table import Table
from suite.walls import Walls, flood_sources, settings, write_list

TITLE = "live receive path"
DENIED, SPOOFED = 1 << 16, 1 << 20
NOTE = ("Packets of 64 bytes a second of one CPU's time, sending them included; medians of turns. What passes a meter "
        "is dropped behind it, not given to the stack.")


def denied_numbers(listed):
    """The flood's own addresses, and others to make it `listed`."""
    numbers = flood_sources(DENIED)
    rng = random.Random(1)
    seen = set(numbers)
    while len(seen) < listed:
        seen.add(rng.randrange(0x01000000, 0xdfffffff))
    return list(seen)


def rate_of(walls, wall, sources, seconds):
    """Packets taken, for each second of processor time."""
    before = wall.received()
    child = walls.flood(wall, sources, seconds, "max", cpus()[-1])
    out, _ = child.communicate(timeout=60)
    said = json.loads(out)
    taken = wall.received() - before
    assert taken > 0.9 * said["sent"], f"{wall.name}: {said['sent']} sent, {taken} received"
    return taken / said["cpu_seconds"]


def compared(key, title, walls, contenders, sources, quick):
    """Rates in turns, as a table; contenders[0] is the bare drop, [1] Floodwall."""
    rounds, seconds = (1, 0.2) if quick else (7, 0.5)
    rates = {wall.name: [] for wall in contenders}
    for _ in range(rounds):
        for wall in contenders:
            rates[wall.name].append(rate_of(walls, wall, sources, seconds))
    table = Table(key, title, ["", "packets/s", "spread", "ns a packet", "to bare", "Floodwall is"], note=NOTE)
    medians = {name: median(values) for name, values in rates.items()}
    first, ours = (medians[wall.name] for wall in contenders[:2])
    for name, rate in medians.items():
        table.add(name, number(rate), percent(spread(rates[name])), f"{1e9 / rate:.0f}", f"{rate / first:.2f}",
                  "" if name in ("Floodwall", contenders[0].name) else f"{ours / rate:.1f} times as fast")
        table.raw.append({"name": name, "rate": rate, "rounds": rates[name]})
    best = max(rate for name, rate in medians.items() if name.startswith(("nftables", "ipset", "hashlimit")))
    table.values = {"Floodwall to bare": ours / first, "Floodwall to the best": ours / best}
    return table


def run(quick):
    with Walls() as walls:
        numbers = denied_numbers(100_000 if quick else 1_000_000)
        file = walls.lab.list_file("deny.list")
        write_list(file, numbers)
        walls.lab.start_daemon(settings(walls.lab))
        denied = [rivals.bare(walls), walls.floodwall, rivals.xdp_filter(walls, file), rivals.nft_set(walls, numbers),
                  rivals.ipset(walls, numbers), rivals.nothing(walls)]
        title = f"2. Live: a flood of 64 k denied sources, {number(len(numbers))} addresses on the list"
        yield compared("receive.denied", title, walls, denied, DENIED, quick)
        write_list(file, [])
        walls.lab.cli("apply")
        spoofed = [denied[0], walls.floodwall, rivals.nft_meter(walls), rivals.hashlimit(walls), denied[-1]]
        yield compared("receive.spoofed", "2. Live: a flood of 1 M spoofed sources, limited per source", walls,
                       spoofed, SPOOFED, quick)
