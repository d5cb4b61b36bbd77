# SPDX-License-Identifier: MIT
"""./quickstart --no-package on the lab's host under test: protects, is idempotent, and undoes itself. Its
packages and its build are there already; /etc, /usr/local, /var/lib and /var/log are the test's own. With the
package, and with systemd: tests/boot."""
import os
import pathlib
import shutil
import subprocess
import time

import pytest

import netns
from lab import BIN, ROOT, wait_until

ETC, LOCAL, STATE, LOGS = "/etc", "/usr/local", "/var/lib", "/var/log"

pytestmark = pytest.mark.skipif(BIN != ROOT / "build/release",
                                reason="quickstart runs build/release, which is not under test")


@pytest.fixture
def host(lab):
    """The lab with an /etc, a /usr/local, a /var/lib and a /var/log that can be written to and are forgotten."""
    for place in (ETC, LOCAL, STATE):
        upper, work = (lab.folder / part / place[1:] for part in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={place},upperdir={upper},workdir={work}", place], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", LOGS], check=True)
    try:
        yield lab
    finally:
        quickstart(lab, "--stop", code=None)
        for place in (LOGS, STATE, LOCAL, ETC):
            subprocess.run(["umount", "-l", place], check=True)


def quickstart(lab, *arguments, code=0, **options):
    if not {"--stop", "--uninstall"} & set(arguments):
        arguments = ("--no-package", *arguments)
    environment = dict(os.environ, FLOODWALL_NO_INSTALL="1")
    environment.update(options.pop("env", {}))
    with netns.inside(lab.dut_ns):
        done = subprocess.run([ROOT / "quickstart", *arguments], text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env=environment, **options)
    assert code is None or done.returncode == code, done.stdout
    return done.stdout


def pid():
    return int(pathlib.Path("/run/floodwall/floodwalld.pid").read_text())


def test_quickstart_protects_the_uplink_and_says_so_and_a_second_run_is_quick(host):
    printed = quickstart(host)
    link = host.link(4)
    assert "up0" in printed and "native" in printed, printed
    assert f"{link.gateway} " in printed and "gateway" in printed
    assert "floodwall why" in printed and "--stop" in printed
    assert "A reboot ends it" in printed, "there is no systemd here"
    host.cli("ban", link.client(3), "--for", "1h")
    assert not host.ping(link, link.client(3)) and host.ping(link, link.client(4))
    first = pid()
    began = time.monotonic()
    printed = quickstart(host)
    took = time.monotonic() - began
    print(f"second run: {took:.1f} s")
    assert "runs already" in printed and pid() == first
    assert "nothing changed" in printed and "stays as it is" in printed
    assert link.client(3) in host.bans()
    assert took < 60, "it built nothing anew"


def test_stop_leaves_nothing_in_the_kernel_and_says_what_is_left(host):
    before = host.traces()
    quickstart(host)
    assert host.traces() != before
    process = pid()
    printed = quickstart(host, "--stop")
    assert "/etc/floodwall" in printed and "/var/log/floodwall" in printed and "/usr/local" in printed
    wait_until(lambda: not os.path.exists(f"/proc/{process}"), what="the daemon is gone")
    assert host.traces() == before
    assert pathlib.Path("/etc/floodwall/floodwall.toml").exists()
    assert pathlib.Path("/usr/local/sbin/floodwalld").exists()
    printed = quickstart(host, "--uninstall")
    assert "/etc/floodwall" in printed
    assert [str(each) for each in pathlib.Path("/usr/local").rglob("*floodwall*")] == []
    assert "not installed" in quickstart(host, "--stop", code=1)


def test_quickstart_observes_if_asked_to(host):
    printed = quickstart(host, "--observe")
    assert "observing" in printed
    assert host.ask("mode")["mode"] == "observe"
    assert "only observes" in printed and "mode enforce" in printed
    assert "only observes" in quickstart(host), "what was asked for stays, and is said again"


def test_an_interface_by_name_is_one_that_exists_and_is_configured(host):
    assert "no interface gone0" in quickstart(host, "--interface", "gone0", code=1)
    assert not pathlib.Path("/etc/floodwall/floodwall.toml").exists()
    quickstart(host)
    assert "runs already" in quickstart(host, "--interface", "up0"), "auto is up0"
    assert "does not name lo" in quickstart(host, "--interface", "lo", code=1)


def test_what_was_switched_off_is_switched_on_again(host):
    quickstart(host)
    host.cli("mode", "off")
    assert "switched off" in quickstart(host)
    assert host.ask("mode")["mode"] == "enforce"
    assert host.ask("status")["interfaces"][0]["attachment"] == "native"


def test_no_interface_protected_is_a_failure_that_says_so(host):
    folder = pathlib.Path("/etc/floodwall")
    folder.mkdir()
    (folder / "floodwall.toml").write_text('interface = "gone0"\n')
    printed = quickstart(host, code=1)
    assert "gone0" in printed and "no interface is protected" in printed


def test_machine_without_an_uplink_is_told_what_to_say(host):
    with netns.inside(host.dut_ns):
        subprocess.run(["ip", "link", "set", "up0", "down"], check=True)
    printed = quickstart(host, code=1)
    assert "--interface" in printed and "writing the configuration" in printed


def test_whoever_starts_it_over_ssh_is_never_dropped(host):
    link = host.link(4)
    quickstart(host, env={"SSH_CONNECTION": f"{link.client(5)} 50000 {link.dut} 22"})
    (answer,) = host.api.call("why", address=[link.client(5)])["answers"]
    assert answer["reason"] in ("allow", "exempt")


def test_another_build_takes_over_without_a_gap(host):
    link = host.link(4)
    quickstart(host)
    host.cli("ban", link.client(3), "--for", "1h")
    first = pid()
    # As after a build: another file. A byte behind its end is never read.
    daemon = BIN / "floodwalld"
    built = daemon.rename(daemon.with_name("floodwalld.built"))  # others run it meanwhile
    try:
        shutil.copy2(built, daemon)
        with daemon.open("ab") as file:
            file.write(b"\0")
        printed = quickstart(host)
    finally:
        built.rename(daemon)
    assert "makes way" in printed and pid() != first
    assert link.client(3) in host.bans()
    assert not host.ping(link, link.client(3)) and host.ping(link, link.client(4))


def test_a_system_that_is_not_debian_is_named_and_left_alone(host):
    release = pathlib.Path("/etc/os-release")
    release.unlink()  # a link to the system's own; /etc is an overlay
    for text, printed in (('ID=fedora\nPRETTY_NAME="Fedora Linux 40"\n', "Fedora Linux 40"),
                       ("ID=alpine\n", "alpine")):
        release.write_text(text)
        said = quickstart(host, code=1)
        assert printed in said and "tools/packages" in said and len(said.splitlines()) == 1
        assert not pathlib.Path("/etc/floodwall").exists()
    release.write_text('ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu"\n')
    assert "Packages" in quickstart(host)


def test_without_root_or_with_a_word_it_does_not_know_nothing_is_done(host):
    assert "not root" in quickstart(host, code=1, user=65534, group=65534, extra_groups=[])
    assert "--frobnicate" in quickstart(host, "--frobnicate", code=2)
    assert not pathlib.Path("/etc/floodwall").exists()
