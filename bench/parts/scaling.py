# SPDX-License-Identifier: MIT
"""Part 4: the cost of a passed packet as one thing grows; the rows of a table in turns."""
from parts.packet import rows, words
from suite.figures import median, net, percent, ratios, spread
from suite.table import Table

TITLE = "scaling"
GROWS = {"sources, IPv4": "65 k", "sources, IPv6": "65 k", "bans": "0", "list entries, IPv4": "1 k",
         "list entries, IPv6": "1 k", "services": "0", "signatures": "0"}


def growth(what, first, measured):
    table = Table(f"scaling.{what}", f"4. A passed packet by {what}",
                  [what, "ns above drop", "spread", f"to {first}"], raw=measured,
                  note="Default configuration, unverified packets; 64 k sources unless the sources grow.")
    costs = {row["row"]: net(row["ns"]["floodwall"], row["ns"]["bare"]) for row in measured}
    for name, cost in costs.items():
        ratio = median(ratios(cost, costs[first]))
        table.add(name, f"{median(cost):.0f}", percent(spread(cost)), f"{ratio:.2f}")
        table.values[name] = ratio
        table.values[f"{name}, ns"] = median(cost)
    return table


def by_cpus(measured):
    table = Table("scaling.CPUs", "4. The same work on one CPU and on all at once",
                  ["path", "CPUs", "ns above drop", "spread", "to one CPU"], raw=measured,
                  note="Each CPU has packets of its own; in the last rows all are from one source.")
    alone = {}
    for row in measured:
        cost = net(row["ns"]["floodwall"], row["ns"]["bare"])
        first = alone.setdefault(row["row"], cost)
        ratio = median(ratios(cost, first))
        table.add(row["row"], row["cpus"], f"{median(cost):.0f}", percent(spread(cost)), f"{ratio:.2f}")
        table.values[f"{row['row']}, {row['cpus']}"] = ratio
    return table


def run(quick):
    measured = rows("scaling", *words(quick))
    for what, first in GROWS.items():
        yield growth(what, first, [row for row in measured if row["table"] == what])
    yield by_cpus(rows("cpus", *words(quick)))
