# SPDX-License-Identifier: MIT
"""One table of results: printed, written as Markdown, and kept as JSON with everything it was made of."""
from dataclasses import dataclass, field


@dataclass
class Table:
    key: str      # of the JSON and of targets: "packet.1m"
    title: str
    columns: list
    rows: list = field(default_factory=list)      # lists of text
    note: str = ""                                # how to read it
    values: dict = field(default_factory=dict)    # named figures, for targets
    raw: list = field(default_factory=list)       # what was measured, for the plot too

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def text(self):
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        out = [self.title]
        for line in lines:
            cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in
                                                  zip(line[1:], widths[1:])]
            out.append("  " + "  ".join(cells))
        return "\n".join(out + ([f"  {self.note}"] if self.note else []))

    def markdown(self):
        align = ["---"] + ["---:"] * (len(self.columns) - 1)
        lines = [f"| {' | '.join(line)} |" for line in (self.columns, align, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines] + (["", self.note] if self.note else []))

    def part(self):
        """The number of the part of the suite that it belongs to."""
        return int(self.title.partition(".")[0])

    def json(self):
        return {"key": self.key, "title": self.title, "columns": self.columns, "rows": self.rows,
                "note": self.note, "values": self.values, "raw": self.raw}
