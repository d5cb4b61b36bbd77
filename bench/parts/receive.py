# SPDX-License-Identifier: MIT
"""Part 2: the live receive path of a veth: packets sent and received per second of one CPU's time, firewalls in turns.
Sending is part of every figure, so a bare XDP_DROP is the upper bound."""
import json
import random

from suite import rivals
from suite.figures import median, number, percent, spread
from suite.machine import cpus
from suite.table import Table
from suite.firewalls import Firewalls, flood_sources, settings, write_list

TITLE = "live receive path"
DENIED, SPOOFED = 1 << 16, 1 << 20
NOTE = ("Packets of 64 bytes per second of one CPU's time, sending included; medians of turns. What passes a meter is "
        "dropped right behind it instead of going to the stack.")


def denied_numbers(listed):
    """The flood's own addresses, and random ones up to `listed`."""
    numbers = flood_sources(DENIED)
    rng = random.Random(1)
    seen = set(numbers)
    while len(seen) < listed:
        seen.add(rng.randrange(0x01000000, 0xdfffffff))
    return list(seen)


def rate_of(firewalls, firewall, sources, seconds):
    """Packets received per second of processor time."""
    before = firewall.received()
    child = firewalls.flood(firewall, sources, seconds, "max", cpus()[-1])
    out, _ = child.communicate(timeout=60)
    said = json.loads(out)
    taken = firewall.received() - before
    assert taken > 0.9 * said["sent"], f"{firewall.name}: {said['sent']} sent, {taken} received"
    return taken / said["cpu_seconds"]


def compared(key, title, firewalls, contenders, sources, quick):
    """A table of rates, measured in turns; contenders[0] is the bare drop, [1] Floodwall."""
    rounds, seconds = (1, 0.2) if quick else (7, 0.5)
    rates = {firewall.name: [] for firewall in contenders}
    for _ in range(rounds):
        for firewall in contenders:
            rates[firewall.name].append(rate_of(firewalls, firewall, sources, seconds))
    table = Table(key, title, ["", "packets/s", "spread", "ns a packet", "to bare", "Floodwall is"], note=NOTE)
    medians = {name: median(values) for name, values in rates.items()}
    first, ours = (medians[firewall.name] for firewall in contenders[:2])
    for name, rate in medians.items():
        table.add(name, number(rate), percent(spread(rates[name])), f"{1e9 / rate:.0f}", f"{rate / first:.2f}",
                  "" if name in ("Floodwall", contenders[0].name) else f"{ours / rate:.1f} times as fast")
        table.raw.append({"name": name, "rate": rate, "rounds": rates[name]})
    best = max(rate for name, rate in medians.items() if name.startswith(("nftables", "ipset", "hashlimit")))
    table.values = {"Floodwall to bare": ours / first, "Floodwall to the best": ours / best}
    return table


def run(quick):
    with Firewalls() as firewalls:
        numbers = denied_numbers(100_000 if quick else 1_000_000)
        file = firewalls.lab.list_file("deny.list")
        write_list(file, numbers)
        firewalls.lab.start_daemon(settings(firewalls.lab))
        denied = [rivals.bare(firewalls), firewalls.floodwall, rivals.xdp_filter(firewalls, file),
                  rivals.nft_set(firewalls, numbers), rivals.ipset(firewalls, numbers), rivals.nothing(firewalls)]
        title = f"2. Live: a flood of 64 k denied sources, {number(len(numbers))} addresses on the list"
        yield compared("receive.denied", title, firewalls, denied, DENIED, quick)
        write_list(file, [])
        firewalls.lab.cli("apply")
        spoofed = [denied[0], firewalls.floodwall, rivals.nft_meter(firewalls), rivals.hashlimit(firewalls), denied[-1]]
        yield compared("receive.spoofed", "2. Live: a flood of 1 M spoofed sources, limited per source", firewalls,
                       spoofed, SPOOFED, quick)
