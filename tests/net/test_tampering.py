# SPDX-License-Identifier: MIT
"""Another program changes what the daemon has put in the kernel: `status` says so within two
seconds, and within five it is as it was."""
import re
import shutil
import socket
import struct
import time

import pytest

import bpf
import wire
from lab import PINS, QUIET, Lab, wait_until

pytestmark = pytest.mark.xdp_only("its tables are the daemon's own")
MAPS, LINKS = PINS / "maps", PINS / "links"


def zeroed(holds):
    return lambda _, value: bytes(len(value)) if holds(value) else None


def always(_):
    return True


def problems_with(lab, words):
    """How often each was found is in its sentence; how long ago does not matter."""
    return {re.sub(r"\d+\S* \w* ?ago|\d+\w* ago", "ago", problem)
            for problem in lab.api.call("status")["problems"] if words in problem}


def spoilers(link):
    """Name, what does it, words of the problem."""
    packed = socket.inet_pton(socket.AF_INET, link.client(3))
    of_ban = lambda value: packed in value or packed[::-1] in value
    switched_off = lambda _, value: value[:4] + struct.pack("<I", 2)
    other_half = lambda _, value: struct.pack("<I", 1 - struct.unpack_from("<I", value)[0] % 2) + value[4:]
    return [
        ("configuration", lambda: bpf.change(MAPS / "configs", zeroed(always)), "configuration in the kernel"),
        ("half", lambda: bpf.change(MAPS / "active", other_half), "configuration in the kernel"),
        ("ports", lambda: [bpf.change(MAPS / "ports", lambda i, v, n=n: b"\xff" * len(v) if i == n else None)
                           for n in (0, 2048)], "configuration in the kernel"),
        ("list switch", lambda: bpf.change(MAPS / "active", switched_off), "lists in the kernel were switched"),
        ("list image", lambda: bpf.change(MAPS / "list_v4", zeroed(any)), "lists in the kernel were changed"),
        ("ban", lambda: bpf.change(MAPS / "entries", zeroed(of_ban)), "bans or exemptions"),
        ("bans' keys", lambda: bpf.change(MAPS / "entry_keys", zeroed(any)), "bans or exemptions"),
        ("signatures", lambda: bpf.change(MAPS / "signature_set", lambda _, v: b"\xff" * len(v)), "signatures"),
        ("program", lambda: bpf.replace_program(LINKS / "in-up0", 6), "another program"),
        ("XDP link", lambda: bpf.detach(LINKS / "in-up0"), "detached from up0"),
        ("egress program", lambda: bpf.replace_program(LINKS / "out-up0", 3), "egress program"),
        ("egress link", lambda: bpf.detach(LINKS / "out-up0"), "egress program"),
        ("pins", lambda: shutil.rmtree(PINS), "pins of"),
    ]


def is_whole(lab):
    names = ("maps/entries", "maps/configs", "links/in-up0", "links/out-up0")
    egress = lab.api.call("status")["interfaces"][0]["egress"]
    return egress and all((PINS / name).exists() for name in names)


@pytest.mark.expects("Repaired", "Detach")
def test_what_is_changed_in_the_kernel_is_reported_and_put_right(lab):
    link = lab.link(4)
    lab.list_file("deny.list").write_text(f"{link.client(5)}\n")
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h")
    frames = [wire.udp(link, link.client(n), link.dut) for n in (3, 4, 5)]
    innocent = [frames[1][1]]
    assert lab.passed(frames) == innocent
    for name, spoil, words in spoilers(link):
        known = problems_with(lab, words)
        spoil()
        begin = time.monotonic()
        wait_until(lambda: problems_with(lab, words) - known, 2.5, f"{name}: status says {words}")
        wait_until(lambda: lab.passed(frames) == innocent and is_whole(lab), 5, f"{name}: as it was")
        print(f"{name}: {time.monotonic() - begin:.1f} s")
    repaired = [line for line in lab.log_lines("Repaired") if "bans" in line or "entries" in line]
    assert len(repaired) == 1, "logged once while it goes on"


@pytest.mark.expects("Repaired", "Detach")
def test_name_that_another_card_has_now_is_protected(lab):
    lab.start_daemon(lab.config(top='interface = "up0"\n'))
    link = lab.link(4)
    lab.cli("ban", link.client(3), "--for", "1h")
    frame = wire.udp(link, link.client(3), link.dut)
    lab.run("ip", "link", "set", "up0", "down", where="dut")
    lab.run("ip", "link", "set", "up0", "name", "old0", where="dut")
    wait_until(lambda: "called old0" in str(lab.api.call("status")["problems"]), 3, "it is said")
    lab.run("ip", "link", "del", "peer0")
    lab.add_uplink(0)
    wait_until(lambda: lab.api.call("status")["healthy"], 5, "the new up0 is protected")
    assert not lab.comes_through(frame)
    assert lab.comes_through(wire.udp(link, link.client(4), link.dut))


def test_interface_that_policy_routing_leads_to_is_an_uplink():
    with Lab(uplinks=2) as lab:
        link = lab.link(4, 1)
        lab.start_daemon(lab.config(top='interface = "auto"\n', tables=QUIET))
        lab.cli("ban", link.client(3), "--for", "1h")
        lab.run("ip", "nexthop", "add", "id", "7", "via", link.gateway, "dev", "up1", where="dut")
        lab.run("ip", "route", "add", "default", "nhid", "7", "table", "100", where="dut")
        lab.run("sysctl", "-q", "net.ipv4.nexthop_compat_mode=0", where="dut")
        lab.run("ip", "rule", "add", "from", link.dut, "lookup", "100", where="dut")
        wait_until(lambda: {"up0", "up1"} <= {i["name"] for i in lab.api.call("status")["interfaces"]},
                   3, "up1 is an uplink")
        wait_until(lambda: not lab.comes_through(wire.udp(link, link.client(3), link.dut), 1), 3,
                   "it is protected")
