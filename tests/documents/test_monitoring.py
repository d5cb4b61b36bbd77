# SPDX-License-Identifier: MIT
"""The rules for Prometheus and the dashboard for Grafana use series that there are."""
import json
import pathlib
import re
import subprocess

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
RULES = DOCS / "monitoring/floodwall.rules.yml"
DASHBOARD = DOCS / "monitoring/grafana.json"
NAME = re.compile(r"\bfloodwall_[a-z_]+")


def series():
    """Name and type of every series of docs/metrics.md, which a unit test holds to the code."""
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `(floodwall_\w+)` \| (\w+) \|", page, re.M))


def plain(name, known):
    stem = re.sub(r"_(bucket|sum|count)$", "", name)
    return stem if known.get(stem) == "histogram" else name


def expressions():
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    dashboard = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = re.findall(r"^ +expr: (?:>\s+)?(.*)$", RULES.read_text(encoding="utf-8"), re.M)
    assert len(dashboard) > 10 and len(rules) > 10
    return dashboard + rules


def test_every_series_that_is_asked_for_exists():
    known = series()
    assert len(known) > 30
    asked = {plain(name, known) for text in expressions() for name in NAME.findall(text)}
    assert asked <= set(known), asked - set(known)


def test_counters_are_asked_for_as_rates():
    known = series()
    for text in expressions():
        for name in NAME.findall(text):
            if known.get(plain(name, known)) != "gauge":
                assert re.search(rf"(rate|increase)\({name}", text), text


def test_promtool_accepts_the_rules():
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
