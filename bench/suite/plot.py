# SPDX-License-Identifier: MIT
"""The picture: what a packet costs on each path beside the textbook program, and how the rate of live packets
compares. Only what was measured is drawn."""


def draw(path, tables):
    import matplotlib  # not needed by those who only ask for help
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "floodwall", "font.size": 9})
    import matplotlib.pyplot as plt
    by_key = {table.key: table for table in tables}
    panels = [(make, by_key[key]) for make, key in
              ((_costs, "packet.1 M denied"), (_rates, "receive.denied"), (_rates, "receive.spoofed"),
               (_goodput, "attack.denied")) if key in by_key]
    if not panels:
        return
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, 3.2 * len(panels)), squeeze=False)
    for (make, table), axis in zip(panels, axes[:, 0]):
        make(axis, table)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _bars(axis, names, values, colours):
    axis.barh(range(len(names)), values, color=colours, height=0.7)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()


def _costs(axis, table):
    rows = [row for row in table.rows if row[0].startswith("IPv4") and row[4] != "-"]
    names = [row[0].removeprefix("IPv4 ") for row in rows]
    for offset, column, colour, label in ((-0.2, 4, "#b0b0b0", "textbook: LPM trie, LRU hash"),
                                          (0.2, 2, "#1f6fb4", "Floodwall")):
        axis.barh([i + offset for i in range(len(rows))], [float(row[column]) for row in rows],
                  height=0.38, color=colour, label=label)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlabel("ns a packet above a bare XDP_DROP; 1 M addresses denied")
    axis.legend(frameon=False)


def _rates(axis, table):
    names, values = zip(*((row["name"], row["rate"] / 1e6) for row in table.raw))
    _bars(axis, names, values, ["#1f6fb4" if name == "Floodwall" else "#b0b0b0" for name in names])
    axis.set_xlabel("million packets a second of one CPU")
    axis.set_title(table.title, loc="left", fontsize=9)


def _goodput(axis, table):
    for name in table.values["names"]:
        points = [row for row in table.raw if row["name"] == name]
        axis.plot([row["rate"] / 1e3 for row in points], [row["share"] * 100 for row in points], marker="o",
                  label=name)
    axis.set_xlabel("thousand packets a second of denied sources")
    axis.set_ylabel("requests/s, % of the best")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
