# SPDX-License-Identifier: MIT
"""The package in a booted Debian: protected from before the network on, after a reboot, a crash and an
upgrade; and gone without a trace when it is removed. FLOODWALL_PACKAGE is the package (./package)."""
import os
import pathlib
import re
import shutil
import subprocess
import time
import subprocess

import pytest

from machine import ROOT, Machine, debian, run

CLIENT = "203.0.113.5"
NET_ADMIN, DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF = (1 << number for number in (12, 2, 19, 38, 39))
KEPT_CAPABILITIES = BPF | NET_ADMIN | PERFMON
READER_CAPABILITIES = SYS_PTRACE | DAC_READ_SEARCH
EXPOSURE = 2.0  # systemd-analyze security: docs/decisions/privileges.md


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("boot")
    # Not shutil.copytree(): it reads devices, and /dev/full has no end.
    subprocess.run(["cp", "-a", debian(pathlib.Path(os.environ["FLOODWALL_PACKAGE"])), folder / "root"], check=True)
    with Machine(folder / "root", f"boot{os.getpid()}").network() as machine:
        machine.boot()
        yield machine


def microseconds(machine, unit, what):
    return int(machine.run("systemctl", "show", "--value", "-p", what, unit).stdout)


def has_xdp(machine):
    return "xdp" in machine.run("ip", "-o", "link", "show", "up0").stdout


def test_it_filters_before_the_network_is_up(machine):
    ready = microseconds(machine, "floodwall", "ActiveEnterTimestampMonotonic")
    assert 0 < ready <= microseconds(machine, "uplink", "ExecMainStartTimestampMonotonic")
    status = machine.run("floodwall", "status").stdout
    assert "healthy" in status and has_xdp(machine), status


def test_ban_outlives_a_crash_and_a_reboot(machine):
    assert machine.answers_pings(CLIENT)
    machine.run("floodwall", "ban", CLIENT, "--for", "1h", "--reason", "by hand")
    assert not machine.answers_pings(CLIENT)
    machine.run("systemctl", "kill", "-s", "KILL", "floodwall")
    assert not machine.answers_pings(CLIENT), "the kernel goes on"
    machine.wait_for_daemon()
    assert CLIENT in machine.run("floodwall", "list", "bans").stdout
    machine.halt()
    machine.boot()
    machine.wait_for_daemon()
    assert re.search(rf"{re.escape(CLIENT)}\b.*by hand", machine.run("floodwall", "list", "bans").stdout)
    assert not machine.answers_pings(CLIENT)
    assert machine.answers_pings()


def test_daemon_is_no_root_and_gave_away_what_it_does_not_need(machine):
    process = machine.run("systemctl", "show", "--value", "-p", "MainPID", "floodwall").stdout.strip()
    status = machine.run("cat", f"/proc/{process}/status").stdout
    assert machine.run("stat", "-c", "%U", f"/proc/{process}").stdout.strip() == "floodwall"
    for kind in ("Inh", "Prm", "Eff", "Amb"):
        assert int(re.search(rf"Cap{kind}:\s*([0-9a-f]+)", status)[1], 16) == KEPT_CAPABILITIES, status
    assert re.search(r"NoNewPrivs:\s*1", status) and re.search(r"Seccomp:\s*2", status), status
    (reader,) = machine.run("pgrep", "-P", process).stdout.split()
    status = machine.run("cat", f"/proc/{reader}/status").stdout
    assert int(re.search(r"CapEff:\s*([0-9a-f]+)", status)[1], 16) == READER_CAPABILITIES, status


def test_unit_takes_away_what_the_daemon_does_not_need(machine):
    said = machine.run("systemd-analyze", "security", "--offline=true",
                       "/lib/systemd/system/floodwall.service", check=False).stdout
    assert float(re.search(r"Overall exposure level .*: ([0-9.]+)", said)[1]) <= EXPOSURE, said


def test_whoever_is_logged_in_by_ssh_is_exempt(machine, tmp_path):
    key = tmp_path / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    folder = machine.folder / "root/.ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "authorized_keys").write_text((tmp_path / "key.pub").read_text())
    assert "SSH" not in machine.run("floodwall", "list", "exempt").stdout
    session = subprocess.Popen(
        ["ip", "netns", "exec", f"{machine.name}-net", "ssh", "-i", key, "-o", "StrictHostKeyChecking=no", "-o",
         "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "root@10.9.0.2", "sleep", "60"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 40
        while "SSH session" not in machine.run("floodwall", "list", "exempt").stdout:
            assert session.poll() is None, session.stderr.read()
            assert time.monotonic() < end, machine.run("floodwall", "list", "exempt").stdout
            time.sleep(0.5)
    finally:
        session.terminate()
        session.wait(timeout=10)


def test_members_of_the_group_may_ask_and_others_may_not(machine):
    machine.run("useradd", "--groups", "floodwall", "member")
    machine.run("useradd", "stranger")
    assert machine.run("runuser", "-u", "member", "--", "floodwall", "status").stdout
    log = "/var/log/floodwall/floodwall.log"
    assert "Start" in machine.run("runuser", "-u", "member", "--", "cat", log).stdout
    asked = machine.run("runuser", "-u", "stranger", "--", "floodwall", "status", check=False)
    assert asked.returncode == 4, asked
    assert machine.run("runuser", "-u", "stranger", "--", "cat", log, check=False).returncode != 0


def test_lists_and_configuration_are_changed_as_by_root(machine):
    machine.run("floodwall", "allow", "198.51.100.77", "--comment", "a friend")
    assert "198.51.100.77" in (machine.folder / "etc/floodwall/allow.list").read_text()
    machine.run("floodwall", "unallow", "198.51.100.77")
    configuration = machine.folder / "etc/floodwall/floodwall.toml"
    text = configuration.read_text()
    configuration.write_text(text + "# seen\n")
    machine.run("floodwall", "apply")
    configuration.write_text(text)
    machine.run("floodwall", "apply")


def test_rescue_and_back(machine):
    machine.run("floodwall", "mode", "off")
    assert not has_xdp(machine)
    machine.run("floodwall", "mode", "enforce")
    assert has_xdp(machine)
    assert "removed" in machine.run("floodwalld", "--remove").stdout
    assert not has_xdp(machine)
    machine.run("systemctl", "restart", "floodwall")
    assert not has_xdp(machine), "it stays off"
    machine.run("floodwall", "mode", "enforce")
    assert has_xdp(machine)
    assert "healthy" in machine.run("floodwall", "status").stdout


def test_upgrade_under_flood_lets_no_banned_packet_in_and_loses_none_of_others(machine):
    machine.run("floodwall", "ban", CLIENT, "--for", "1h")
    former = machine.run("systemctl", "show", "--value", "-p", "MainPID", "floodwall").stdout
    pings = [subprocess.Popen(
        ["ip", "netns", "exec", f"{machine.name}-net", "ping", "-q", "-i", interval, "-w", "12", "-I", source, "10.9.0.2"],
        stdout=subprocess.PIPE, text=True) for source, interval in ((CLIENT, "0.001"), ("10.9.0.1", "0.02"))]
    time.sleep(1)
    machine.run("dpkg", "--install", "/opt/floodwall.deb")
    machine.wait_for_daemon()
    banned, other = (ping.communicate()[0] for ping in pings)
    print(banned, other)
    assert machine.run("systemctl", "show", "--value", "-p", "MainPID", "floodwall").stdout != former
    assert int(re.search(r"(\d+) packets transmitted, 0 received", banned)[1]) > 300, banned
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", other).groups())
    assert received == sent > 100, other


def test_removal_stops_filtering_and_a_purge_leaves_nothing(machine):
    machine.run("dpkg", "--remove", "floodwall")
    assert not has_xdp(machine)
    assert machine.answers_pings(CLIENT)
    machine.run("dpkg", "--purge", "floodwall")
    left = machine.run("find", "/etc", "/usr", "/var/lib", "/var/log", "/run", "/sys/fs/bpf", "-xdev", "-name",
                       "*floodwall*", "-not", "-path", "/var/lib/dpkg/*").stdout.split()
    assert left == []


def test_quickstart_installs_the_package_and_it_is_there_after_a_reboot(machine):
    checkout = machine.folder / "opt/floodwall"
    for each in ("tools", "packaging"):
        shutil.copytree(ROOT / each, checkout / each)
    shutil.copy(ROOT / "quickstart", checkout)
    quickstart = ("env", "FLOODWALL_DEB=/opt/floodwall.deb", "/opt/floodwall/quickstart")
    printed = machine.run(*quickstart).stdout
    assert "installed: package floodwall" in printed and "every boot" in printed, printed
    assert "up0" in printed and has_xdp(machine), printed
    assert "is installed already" in (again := machine.run(*quickstart).stdout) and "runs already" in again
    machine.halt()
    machine.boot()
    machine.wait_for_daemon()
    assert has_xdp(machine)
    printed = machine.run("/opt/floodwall/quickstart", "--stop").stdout
    assert "after a reboot" in printed and "--uninstall" in printed and not has_xdp(machine), printed
    assert machine.run("systemctl", "is-enabled", "floodwall", check=False).returncode != 0
    printed = machine.run(*quickstart).stdout
    assert has_xdp(machine) and "switched off" in printed, printed
    printed = machine.run("/opt/floodwall/quickstart", "--uninstall").stdout
    assert "/etc/floodwall" in printed and not has_xdp(machine), printed
    assert machine.run("which", "floodwall", check=False).returncode != 0
