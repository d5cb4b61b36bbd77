# SPDX-License-Identifier: MIT
"""The chart: what a web server still serves while a flood of forged sources arrives. A colour is one firewall."""

COLOURS = {"Floodwall": "#1f6fb4", "nftables meter, after conntrack": "#d9822b", "nothing": "#8a8a8a",
           "XDP that knows the flood": "#2b2b2b"}
LABELS = {"nothing": "no firewall", "nftables meter, after conntrack": "nftables, a meter per source",
          "XDP that knows the flood": "XDP that knows the flood: the upper bound"}


def draw(path, tables):
    """Nothing, if that part was not measured."""
    by_key = {table.key: table for table in tables}
    if "attack.spoofed" not in by_key:
        return
    import matplotlib  # not needed by those who only ask for help
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "floodwall", "font.size": 10})
    import matplotlib.pyplot as plt
    figure, axis = plt.subplots(figsize=(8, 4.5))
    _lines(axis, by_key["attack.spoofed"])
    axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _lines(axis, table):
    for name, colour in COLOURS.items():
        points = [row for row in table.raw if row["name"] == name]
        style = {"linestyle": "--"} if name == "XDP that knows the flood" else {"linewidth": 2}
        axis.plot([row["rate"] / 1e3 for row in points], [row["share"] * 100 for row in points], marker="o",
                  color=colour, label=LABELS.get(name, name), **style)
    axis.set_title("What a web server still serves during a flood of 1 M forged sources", loc="left")
    axis.set_xlabel("flood, thousand packets a second")
    axis.set_ylabel("HTTP requests a second, % of the best")
    axis.set_ylim(0, 105)
    axis.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
