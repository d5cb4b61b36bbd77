# SPDX-License-Identifier: MIT
"""Computed from the measured cost of a packet: how many CPUs, and so receive queues, a link full of a flood needs."""
import math

from suite.table import Table

DRIVER_NS = 50        # a network card's driver, per packet: judgement
LINKS = (10, 25, 100)  # Gbit/s
OVERHEAD = 20         # bytes on the wire that are in no frame: preamble and gap
FLOODS = {"denied": "denied", "spoofed": "spoofed, over the budget"}
SIZES = {64: "64 bytes", 512: "512 bytes", 1024: "1,024 bytes"}


def cost_ns(table):
    """Floodwall's cost above a bare drop."""
    ns = {row["name"]: 1e9 / row["rate"] for row in table.raw}
    return ns["Floodwall"] - ns["bare XDP_DROP"]


def packets_per_second(gigabits, size):
    return gigabits * 1e9 / 8 / (size + OVERHEAD)


def table_of(tables):
    """None where the live receive path was not measured."""
    by_key = {table.key: table for table in tables}
    if not all(f"receive.{flood}" in by_key for flood in FLOODS):
        return None
    made = Table("sizing", "CPUs for a link full of a flood", ["link", "frames of", "packets/s"] + [
        f"{word}: {cost_ns(by_key[f'receive.{flood}']) + DRIVER_NS:.0f} ns" for flood, word in FLOODS.items()])
    for link in LINKS:
        for size, word in SIZES.items():
            rate = packets_per_second(link, size)
            cpus = [math.ceil(rate * (cost_ns(by_key[f"receive.{flood}"]) + DRIVER_NS) / 1e9) for flood in FLOODS]
            made.add(f"{link} Gbit/s", word, f"{rate / 1e6:.1f} M", *cpus)
    return made
