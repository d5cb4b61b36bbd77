# SPDX-License-Identifier: MIT
"""`floodwall doctor` on hosts with one fault each: it is named, and what it says to type mends it.

One lab, and in it: a clean host, then the faults one after the other. The commands are run as they are printed,
but for sudo.
"""
import json
import os
import signal
import time

import pytest

import netns
from lab import BIN, Lab, wait_until

pytestmark = [pytest.mark.expects("Detach", "AttachFailed", "Attach", "Repair"), pytest.mark.xdp_only("XDP")]


@pytest.fixture(scope="module")
def host():
    with Lab() as lab:
        lab.start_daemon(lab.config(tables=""))
        yield lab


def doctor(lab, *options, code=None, user=None):
    done = lab.cli("doctor", "--config", lab.config_file, "--json", *options, code=code, user=user)
    return json.loads(done.out), done.code


def findings(lab, severity=None):
    report, _ = doctor(lab)
    # Not of the network that the test made: the machine's own clock, container, disk.
    return [row for row in report["findings"] if row["severity"] == (severity or row["severity"])]


def one(lab, check, severity):
    (row,) = [row for row in findings(lab) if row["check"] == check and row["severity"] == severity]
    return row


def obey(lab, row):
    """The command of a finding, as it is printed."""
    command = row["command"].replace("sudo ", "").replace("floodwall ", f"{BIN}/floodwall ")
    done = lab.run("bash", "-euo", "pipefail", "-c", command, where="dut", check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def test_clean_host_has_no_problem_and_no_warning(host):
    began = time.monotonic()
    report, code = doctor(host, code=0)
    assert time.monotonic() - began < 5
    assert report["worst"] in ("ok", "note"), report
    for check in ("daemon", "uplinks", "xdp", "foreign", "syncookies", "degraded"):
        assert one(host, check, "ok"), report
    text = host.cli("doctor", "--config", host.config_file, code=0).out
    assert "0 problems, 0 warnings" in text, text


def test_without_root_it_says_what_it_could_not_see_and_alarms_nobody(host):
    report, code = doctor(host, user=65534)
    assert code == 0 and report["unseen"], report
    assert not [row for row in report["findings"] if row["severity"] in ("problem", "warning")], report


def test_syn_cookies_that_are_off_are_a_problem_and_the_command_mends_it(host):
    host.run("sysctl", "-w", "net.ipv4.tcp_syncookies=0", where="dut")
    row = one(host, "syncookies", "problem")
    report, code = doctor(host)
    assert code == 1 and report["worst"] == "problem"
    assert doctor(host, "--fail-on", "problem", code=1)
    file = row["command"].split()[-1]
    assert file == "/etc/sysctl.d/90-floodwall.conf"
    there = os.path.exists(file)
    try:
        obey(host, row)
    finally:
        if not there and os.path.exists(file):
            os.remove(file)
    assert one(host, "syncookies", "ok")
    doctor(host, code=0)


def test_daemon_that_is_down_is_a_problem_and_the_filter_goes_on(host):
    host.stop()
    row = one(host, "daemon", "problem")
    assert "still filters on up0" in row["meaning"], row
    assert one(host, "uplinks", "ok")["subject"] == "up0"
    assert doctor(host)[1] == 1
    host.start_daemon()
    doctor(host, code=0)


def test_second_uplink_that_is_not_named_is_a_problem_and_the_command_protects_it(host):
    host.add_uplink(1)
    host.run("ip", "route", "add", "default", "via", "10.10.0.1", "metric", "50", where="dut")
    row = one(host, "uplinks", "problem")
    assert row["subject"] == "up1" and doctor(host)[1] == 1
    wait_until(lambda: "has a default route" in str(host.ask("status")["problems"]), 10, "status says it too")
    assert findings(host, "problem") == [row]
    obey(host, row)
    wait_until(lambda: not findings(host, "problem"), 5, "up1 protected")
    doctor(host, code=0)


@pytest.mark.parametrize("mode", ["xdpdrv", "xdpgeneric", "link"])
def test_xdp_of_another_program_is_a_problem_and_the_command_takes_it_off(host, mode):
    by_link = mode == "link"
    host.cli("mode", "off")
    if by_link:
        link = netns.pass_by_xdp(host.dut_ns, "up0")
    else:
        pin = f"{netns.BPF_FS}/foreign"
        holder = netns.pass_by_xdp(host.peers_ns, "peer0")
        shown = json.loads(host.run("bpftool", "-j", "net", where="peers").stdout)
        program = shown[0]["xdp"][0]["id"]
        host.run("bpftool", "prog", "pin", "id", program, pin, where="dut")
        host.run("ip", "link", "set", "dev", "up0", mode, "pinned", pin, where="dut")
        os.close(holder)
        os.remove(pin)
    row = one(host, "foreign", "problem")
    assert row["subject"] == "up0", row
    assert ("bpftool link detach" if by_link else mode) in row["command"]
    host.cli("mode", "enforce", code=None)
    (bare,) = [each for each in findings(host, "problem") if each["check"] == "uplinks"]
    assert bare["subject"] == "up0"
    obey(host, row)
    if by_link:
        os.close(link)
    wait_until(lambda: not findings(host, "problem"), 10, "up0 protected again")


def test_daemon_that_hangs_is_named_within_five_seconds(host):
    host.daemon.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        row = one(host, "daemon", "problem")
        assert time.monotonic() - began < 5 + 1  # a busy machine
        assert "hangs" in row["saw"], row
    finally:
        host.daemon.send_signal(signal.SIGCONT)


def test_invalid_configuration_is_a_problem(host):
    before = host.config_file.read_text(encoding="utf-8")
    host.config_file.write_text(before + "nonsense = 1\n", encoding="utf-8")
    row = one(host, "config", "problem")
    assert "nonsense" in row["saw"]
    host.config_file.write_text(before, encoding="utf-8")
    assert one(host, "config", "ok")


def test_bridge_takes_no_native_xdp_and_a_firewall_is_a_note():
    with Lab(uplink_kind="bridge") as lab:
        lab.start_daemon(lab.config(tables=""))
        lab.run("nft", "add", "table", "inet", "mine", where="dut")
        lab.run("nft", "add", "chain", "inet", "mine", "in", where="dut")
        lab.run("nft", "add", "rule", "inet", "mine", "in", "counter", where="dut")
        assert "takes no native XDP" in one(lab, "xdp", "note")["saw"]
        assert one(lab, "firewalls", "note")["saw"] == "rules in inet mine"
        assert not [row for row in findings(lab) if row["severity"] in ("problem", "warning")], findings(lab)
