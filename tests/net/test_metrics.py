# SPDX-License-Identifier: MIT
"""`floodwall metrics` as Prometheus reads it: promtool, and a Prometheus that scrapes a live daemon."""
import contextlib
import json
import re
import subprocess
import urllib.parse
import urllib.request

import netns
import wire
from lab import ROOT, wait_until

SCRAPE = """global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ["%s"]
scrape_configs:
  - job_name: floodwall
    static_configs: [{targets: ["127.0.0.1:8870"]}]
"""


def samples(text):
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_output_is_what_promtool_accepts_and_counts_what_arrived(lab):
    lab.start_daemon(lab.config())
    link = lab.link(4)
    lab.cli("ban", link.client(3))
    before = samples(lab.cli("metrics").out)
    assert lab.passed(wire.copies(wire.udp(link, link.client(3), link.dut), 20)) == []
    series = 'floodwall_packets_total{reason="ban",verdict="drop"}'
    text = wait_until(lambda: (out := lab.cli("metrics").out) and
                      int(samples(out)[series]) - int(before[series]) == 20 and out, 10, "20 packets")
    assert samples(text)['floodwall_bans{kind="ban",by="operator"}'] == "1"
    assert re.search(r'floodwall_interface_attached\{interface="up0",attachment="\w+"\} 1', text)
    assert int(samples(text)["floodwall_loop_lateness_seconds_count"]) > 0
    assert link.client(3) not in text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                             capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@contextlib.contextmanager
def prometheus(lab):
    folder = lab.folder / "prometheus"
    folder.mkdir()
    (folder / "prometheus.yml").write_text(
        SCRAPE % (ROOT / "docs/monitoring/floodwall.rules.yml"), encoding="utf-8")
    with netns.inside(lab.dut_ns), open(folder / "out", "w", encoding="utf-8") as out:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", "--web.listen-address=127.0.0.1:9798"],
            stdout=out, stderr=subprocess.STDOUT)
    try:
        yield lambda path, **query: ask(lab, path, query)
    finally:
        process.kill()
        process.wait()


def ask(lab, path, query):
    url = f"http://127.0.0.1:9798/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with netns.inside(lab.dut_ns):
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return json.load(reply)["data"]
        except OSError:
            return {}


def test_a_prometheus_scrapes_it_and_its_rules_fire(lab):
    lab.start_daemon(lab.config() + '[web]\nlisten = "127.0.0.1:8870"\n')
    with prometheus(lab) as query:
        def value(expression):
            found = query("query", query=expression).get("result")
            return found and found[0]["value"][1]

        wait_until(lambda: value("floodwall_build_info") == "1", 60, "a scrape")
        assert value('up{job="floodwall"}') == "1"
        assert value('floodwall_mode{mode="enforce"}') == "1"
        with netns.inside(lab.dut_ns):
            subprocess.run(["ip", "link", "del", "up0"], check=True)
        wait_until(lambda: value("floodwall_problems") not in (None, [], "0"), 20, "a problem")

        def states():
            return {alert["labels"]["alertname"]: alert["state"]
                    for alert in query("alerts").get("alerts", [])}

        wait_until(lambda: states().get("FloodwallDegraded") == "pending", 20, "a rule of ours")
        assert states().get("FloodwallInterfaceUnprotected") == "pending"
        rules = query("rules")["groups"][0]["rules"]
        assert {rule["health"] for rule in rules} == {"ok"}
    lab.wait_for_log("Detach")
