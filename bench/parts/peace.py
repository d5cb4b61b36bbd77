# SPDX-License-Identifier: MIT
"""Part 7: what Floodwall costs when nothing is wrong: bulk transfers and requests with it and without, native and
generic. The same interface each time: `floodwall mode off` takes everything away, `mode enforce` brings it back."""
import contextlib
import json
import subprocess
import time

import netns
from lab import Lab
from suite.clients import latency_in, requests_in
from suite.figures import median, number, percent, spread
from suite.serving import BODY, HTTP, NGINX
from suite.table import Table
from suite.walls import CLIENT, settings

TITLE = "nothing under attack"
MEASURES = {"download": "bit/s", "upload": "bit/s", "requests": "/s", "p50": "ms", "p99": "ms"}
NOTE = ("iperf3 with one connection; wrk with one connection, so that a request's latency is what counts. 'to without' "
        "is round by round: of throughput more is better, of latency less.")


class Peace(contextlib.ExitStack):
    """A lab with an HTTP and an iperf3 server on its wall, and Floodwall with the settings of a new installation."""

    def __init__(self, kind):
        super().__init__()
        self.lab = self.enter_context(Lab(uplink_kind=kind))
        netns.ip_batch(self.lab.peers_ns, [f"route replace 10.9.0.0/24 dev peer0 src {CLIENT}"])
        folder = self.lab.folder / "nginx"
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=HTTP, body=BODY), encoding="ascii")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.lab.popen("nginx", "-c", folder / "nginx.conf", where="wall", **quiet)
        self.lab.popen("iperf3", "-s", where="wall", **quiet)
        self.lab.start_daemon(settings(self.lab))
        self._until_served(HTTP)
        self._until_served(5201)

    def _until_served(self, port):
        end = time.monotonic() + 10
        while self.lab.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}", where="wall", check=False).returncode:
            assert time.monotonic() < end, f"nobody answers on port {port}"
            time.sleep(0.02)

    def attachment(self):
        return self.lab.api.call("status")["interfaces"][0]["attachment"]

    def _bits_per_second(self, seconds, *more):
        for _ in range(3):  # what it says is now and then without an end
            said = self.lab.run("iperf3", "-c", "10.9.0.2", "-B", CLIENT, "-J", "-t", seconds, *more,
                                check=False).stdout
            received = json.loads(said)["end"].get("sum_received")
            if received:
                return received["bits_per_second"]
        raise RuntimeError(f"iperf3 measured nothing: {said}")

    def turn(self, seconds):
        """One value of each measure."""
        out = {}
        for way, more in (("upload", ()), ("download", ("-R",))):
            out[way] = self._bits_per_second(seconds, *more)
        said = self.lab.run("wrk", "-t1", "-c1", f"-d{seconds}s", "--latency", f"http://10.9.0.2:{HTTP}/").stdout
        out |= {"requests": requests_in(said), "p50": latency_in(said, 50), "p99": latency_in(said, 99)}
        return out


def shown(measure, value):
    return f"{value:.3f} ms" if MEASURES[measure] == "ms" else f"{number(value)}{MEASURES[measure]}"


def compared(kind, wanted, quick):
    rounds = 1 if quick else 5
    with Peace(kind) as peace:
        assert peace.attachment() == wanted, f"attached {peace.attachment()}, not {wanted}"
        seen = {"off": [], "enforce": []}
        for _ in range(rounds):
            for mode, turns in seen.items():
                peace.lab.cli("mode", mode)
                turns.append(peace.turn(1))
        peace.lab.cli("mode", "off")
    table = Table(f"peace.{wanted}", f"7. Nothing under attack: {wanted} XDP", ["", "without", "with", "spread",
                                                                             "to without"], note=NOTE)
    for measure in MEASURES:
        bare, ours = ([turn[measure] for turn in seen[mode]] for mode in ("off", "enforce"))
        ratios = [b / a for a, b in zip(bare, ours)]
        table.add(measure, shown(measure, median(bare)), shown(measure, median(ours)), percent(spread(ratios)),
                  f"{median(ratios):.2f}")
        table.values[measure] = median(ratios)
    table.raw = [{"without": seen["off"], "with": seen["enforce"]}]
    return table


def run(quick):
    yield compared("veth", "native", quick)
    yield compared("bridge", "generic", quick)
