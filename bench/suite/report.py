# SPDX-License-Identifier: MIT
"""What a run leaves: results.json, results.md, plot.svg; with --docs also the generated parts of docs/performance.md
(the tables that a user decides by) and of bench/results.md (all tables)."""
import datetime
import json
import sys

from suite import plot, sizing, targets
from suite.machine import ROOT, sentence
from suite.table import Table

DOCUMENT = ROOT / "docs/performance.md"
EVERYTHING = ROOT / "bench/results.md"
PICTURE = ROOT / "docs/performance.svg"
SECTIONS = {1: "packet", 2: "receive", 3: "attack", 4: "scaling", 5: "control", 6: "userspace", 7: "normal"}


def is_million(row):
    return row[0].startswith("1 M")


def is_ipv4(row):
    return row[0].startswith("IPv4")


# The tables of DOCUMENT, by key: which of their rows (None: all).
FOR_USERS = {"packet.1 M denied": is_ipv4, "receive.denied": None, "receive.spoofed": None, "attack.half": None,
             "control.lists": is_million, "control.bans": None, "control.start": None, "control.memory": None,
             "normal.native": None, "normal.generic": None}


def head(seen, seconds, quick):
    when = datetime.date.today().isoformat()
    note = " **A quick run: it shows that everything works, its figures mean nothing.**" if quick else ""
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


def write_docs(seen, tables, seconds, dry=False):
    """Replaces the sections of what was measured, in both documents. dry: no file is touched."""
    is_whole = {table.part() for table in tables} == set(SECTIONS)
    texts = {}
    for file, select in ((EVERYTHING, lambda table: table), (DOCUMENT, for_users)):
        parts = bodies(tables, select)
        if is_whole:
            parts["machine"] = head(seen, seconds, False)
        if file == DOCUMENT:
            parts |= computed(tables, is_whole)
        texts[file] = file.read_text(encoding="utf-8")
        for name, body in parts.items():
            texts[file] = replaced(file, texts[file], name, body)
    if dry:
        return
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    if is_whole:
        plot.draw(PICTURE, tables)


def computed(tables, is_whole):
    """The sections that are computed from several tables."""
    paper = sizing.table_of(tables)
    return ({"sizing": paper.markdown()} if paper else {}) | ({"targets": targets.markdown(tables)} if is_whole else {})


def for_users(table):
    """The rows of a table that DOCUMENT shows; None if it does not show the table."""
    if table.key not in FOR_USERS:
        return None
    wanted = FOR_USERS[table.key] or (lambda row: True)
    return Table(table.key, table.title, table.columns, [row for row in table.rows if wanted(row)], table.note)


def bodies(tables, select):
    """By section: the tables that `select` leaves."""
    out = {}
    for table in tables:
        if shown := select(table):
            out.setdefault(SECTIONS[table.part()], []).append(shown.markdown())
    return {name: "\n\n".join(parts) for name, parts in out.items()}


def replaced(file, text, section, body):
    begin, end = f"<!-- {section}: ./bench/run --docs -->\n", f"<!-- end of {section} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        sys.exit(f"{file}: no line {begin.strip()} with a line {end} after it")
    return before + begin + "\n" + body + "\n\n" + end + after
