# SPDX-License-Identifier: MIT
"""Part 1: what a packet costs in the datapath above a bare XDP_DROP, on each path through the policy."""
import json
import subprocess

from suite.figures import median, net, percent, ratios, spread
from suite.machine import RELEASE
from suite.table import Table

TITLE = "cost of a packet in the datapath"
WORLDS = {"default": "default configuration", "1 M denied": "1 M addresses denied",
          "1 M denied, 100 services, 64 signatures": "1 M denied, 100 services, 64 signatures"}
NOTE = ("ns above a bare XDP_DROP, medians. ratio: Floodwall's cost as a share of the textbook program's (LPM_TRIE and "
        "LRU_HASH), median of the rounds.")


def rows(part, *words):
    """The rows that bench/packet_cost prints, one JSON object a line."""
    done = subprocess.run([RELEASE / "packet_cost", part, *words], check=True, text=True,
                          stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.splitlines()]


def words(quick):
    return ("rounds=1", "packets=20000") if quick else ("rounds=5", "packets=150000")


def cell(values, bare):
    return f"{median(net(values, bare)):.0f}" if values else "-"


def table_of(world, title, measured):
    table = Table(f"packet.{world}", title, ["path", "drop", "Floodwall", "spread", "textbook", "xdp-filter",
                                             "ratio"], note=NOTE, raw=measured)
    for row in measured:
        ns = row["ns"]
        ours, theirs = net(ns["floodwall"], ns["bare"]), net(ns["textbook"], ns["bare"])
        ratio = median(ratios(ours, theirs))
        table.add(row["row"], f"{median(ns['bare']):.0f}", f"{median(ours):.0f}", percent(spread(ours)),
                  cell(ns["textbook"], ns["bare"]), cell(ns.get("xdp-filter"), ns["bare"]), f"{ratio:.2f}")
        table.values[row["row"]] = ratio
        table.values[f"{row['row']}, ns"] = median(ours)
    return table


def run(quick):
    measured = rows("paths", *words(quick))
    for world, title in WORLDS.items():
        yield table_of(world, f"1. Cost of a packet: {title}", [row for row in measured if row["table"] == world])
