# SPDX-License-Identifier: MIT
"""Part 7: what Floodwall costs under normal load: bulk transfers and requests with and without it, native and generic.
The interface stays the same: `floodwall mode off` takes everything away, `mode enforce` brings it back."""
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
from suite.firewalls import CLIENT, settings

TITLE = "normal load"
METRICS = {"download": "bit/s", "upload": "bit/s", "requests": "/s", "p50": "ms", "p99": "ms"}
NOTE = ("iperf3 and wrk with one connection each, so latency bounds requests/s. 'to without' is the median of the "
        "rounds' ratios: of throughput more is better, of latency less.")


class Server(contextlib.ExitStack):
    """A lab whose host has an HTTP and an iperf3 server and Floodwall with the settings of a new installation."""

    def __init__(self, kind):
        super().__init__()
        self.lab = self.enter_context(Lab(uplink_kind=kind))
        netns.ip_batch(self.lab.peers_ns, [f"route replace 10.9.0.0/24 dev peer0 src {CLIENT}"])
        folder = self.lab.folder / "nginx"
        folder.mkdir()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=HTTP, body=BODY), encoding="ascii")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.lab.popen("nginx", "-c", folder / "nginx.conf", where="dut", **quiet)
        self.lab.popen("iperf3", "-s", where="dut", **quiet)
        self.lab.start_daemon(settings(self.lab))
        self._until_served(HTTP)
        self._until_served(5201)

    def _until_served(self, port):
        end = time.monotonic() + 10
        while self.lab.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}", where="dut", check=False).returncode:
            assert time.monotonic() < end, f"nobody answers on port {port}"
            time.sleep(0.02)

    def attachment(self):
        return self.lab.api.call("status")["interfaces"][0]["attachment"]

    def _bits_per_second(self, seconds, *more):
        for _ in range(3):  # now and then its report has no end
            said = self.lab.run("iperf3", "-c", "10.9.0.2", "-B", CLIENT, "-J", "-t", seconds, *more,
                                check=False).stdout
            received = json.loads(said)["end"].get("sum_received")
            if received:
                return received["bits_per_second"]
        raise RuntimeError(f"iperf3 measured nothing: {said}")

    def turn(self, seconds):
        """One value of each metric."""
        out = {}
        for direction, more in (("upload", ()), ("download", ("-R",))):
            out[direction] = self._bits_per_second(seconds, *more)
        said = self.lab.run("wrk", "-t1", "-c1", f"-d{seconds}s", "--latency", f"http://10.9.0.2:{HTTP}/").stdout
        out |= {"requests": requests_in(said), "p50": latency_in(said, 50), "p99": latency_in(said, 99)}
        return out


def shown(metric, value):
    return f"{value:.3f} ms" if METRICS[metric] == "ms" else f"{number(value)}{METRICS[metric]}"


def compared(kind, wanted, quick):
    rounds = 1 if quick else 5
    with Server(kind) as server:
        assert server.attachment() == wanted, f"attached {server.attachment()}, not {wanted}"
        seen = {"off": [], "enforce": []}
        for _ in range(rounds):
            for mode, turns in seen.items():
                server.lab.cli("mode", mode)
                turns.append(server.turn(1))
        server.lab.cli("mode", "off")
    table = Table(f"normal.{wanted}", f"7. Normal load: {wanted} XDP",
                  ["", "without", "with", "spread", "to without"], note=NOTE)
    for metric in METRICS:
        bare, ours = ([turn[metric] for turn in seen[mode]] for mode in ("off", "enforce"))
        ratios = [b / a for a, b in zip(bare, ours)]
        table.add(metric, shown(metric, median(bare)), shown(metric, median(ours)), percent(spread(ratios)),
                  f"{median(ratios):.2f}")
        table.values[metric] = median(ratios)
    table.raw = [{"without": seen["off"], "with": seen["enforce"]}]
    return table


def run(quick):
    yield compared("veth", "native", quick)
    yield compared("bridge", "generic", quick)
