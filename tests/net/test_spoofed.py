# SPDX-License-Identifier: MIT
"""Ten million forged sources: nothing grows, no ban is lost, and who has verified himself goes on."""
import json
import os
import pathlib

import pytest

import netns
import peers
import traffic
import wire
from lab import ROOT, wait_until

FLOOD = pathlib.Path(os.environ.get("FLOODWALL_FLOOD", ROOT / "build/dev/flood")).resolve()
SOURCES, PACKETS = 1 << 24, 10_000_000  # each source is another one: the generator repeats none before
TRIES = 20                              # of a second; the machine is shared
GROWTH_KIB = 8192                       # of the daemon: what an attack's samples and vectors may take


def resident_kib(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(text.split("VmRSS:")[1].split()[0])


def arrived(lab):
    return lab.api.call("status")["traffic"]["classes"].get("udp_new", {}).get("packets", 0)


@pytest.mark.expects("AttackStart", "Suppressed")
def test_ten_million_forged_sources_change_no_memory_lose_no_ban_and_displace_no_peer(lab):
    link = lab.link(4)
    lab.start_daemon(lab.config(tables=""))
    netns.ip_batch(lab.peers_ns, ["link add idle0 type veth peer name idle1"])
    lab.run("ethtool", "-K", "up0", "gro", "on", where="dut")
    lab.cli("ban", link.client(5), "--for", "1h", "--force")
    tables = lab.ask("status")["tables"]
    with peers.TcpServer(lab.dut_ns, 4, 8080), \
            peers.tcp(lab.peers_ns, 4, link.client(3), link.dut, 8080) as old:
        assert old.exchange(b"before")
        resident = resident_kib(lab.daemon)
        for _ in range(TRIES):
            flood = lab.run(FLOOD, "peer0", link.ether.dst, link.dut, SOURCES, 1, "max",
                            traffic.FLOOD_CPU, "idle0")
            assert json.loads(flood.stdout)["sent"] > 0
            assert old.exchange(b"during"), "a connection that was there before"
            if arrived(lab) >= PACKETS:
                break
        assert arrived(lab) >= PACKETS, "the machine did not make them in time"
        assert not lab.comes_through(wire.udp(link, link.client(5), link.dut)), "its ban"
        assert list(lab.bans()) == [link.client(5)], "nobody's forged name"
        assert resident_kib(lab.daemon) <= resident + GROWTH_KIB
    assert lab.ask("status")["tables"] == tables
    wait_until(lambda: lab.comes_through(wire.udp(link, link.client(4), link.dut)), 10, "it is over")
