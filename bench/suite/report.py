# SPDX-License-Identifier: MIT
"""What a run leaves: results.json, results.md, plot.svg; and the generated parts of docs/performance.md."""
import datetime
import json
import sys

from suite import plot, sizing, targets
from suite.machine import ROOT, sentence
from suite.table import Table

DOCUMENT = ROOT / "docs/performance.md"
PICTURE = ROOT / "docs/performance.svg"
SECTIONS = {1: "packet", 2: "receive", 3: "attack", 4: "scaling", 5: "control", 6: "userspace", 7: "peace"}


def head(seen, seconds, quick):
    when = datetime.date.today().isoformat()
    note = " **A quick run: it shows that everything works, its figures say nothing.**" if quick else ""
    took = sum(seconds.values()) / 60
    return f"Measured {when} in {took:.0f} minutes on {sentence(seen)}{note}"


def with_earlier(folder, tables, seconds):
    """What was measured now, and of other parts what the folder has of earlier runs."""
    try:
        earlier = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tables, seconds
    if earlier["quick"]:
        return tables, seconds
    parts = {table.part() for table in tables}
    kept = [table for table in (Table(**one) for one in earlier["tables"]) if table.part() not in parts]
    return sorted(kept + tables, key=Table.part), earlier["seconds"] | seconds


def write(folder, seen, tables, seconds, quick):
    folder.mkdir(parents=True, exist_ok=True)
    results = {"machine": seen, "quick": quick, "seconds": seconds,
               "tables": [table.json() for table in tables], "targets": [] if quick else targets.judged(tables)}
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    parts = [head(seen, seconds, quick), *(table.markdown() for table in tables)]
    if not quick:
        parts.append(targets.markdown(tables))
    (folder / "results.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    plot.draw(folder / "plot.svg", tables)


def write_docs(seen, tables, seconds):
    """Only what was measured is replaced."""
    text = DOCUMENT.read_text(encoding="utf-8")
    by_section = {}
    for table in tables:
        by_section.setdefault(SECTIONS[table.part()], []).append(table.markdown())
    for section, parts in by_section.items():
        text = replaced(text, section, "\n\n".join(parts))
    paper = sizing.table_of(tables)
    if paper:
        text = replaced(text, "sizing", paper.markdown())
    if set(by_section) == set(SECTIONS.values()):
        text = replaced(text, "machine", head(seen, seconds, False))
        text = replaced(text, "targets", targets.markdown(tables))
        plot.draw(PICTURE, tables)
    DOCUMENT.write_text(text, encoding="utf-8")


def replaced(text, section, body):
    begin, end = f"<!-- {section}: ./bench/run --docs -->\n", f"<!-- end of {section} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{DOCUMENT}: no line {begin.strip()} with a line {end} after it")
    return before + begin + "\n" + body + "\n\n" + end + after
