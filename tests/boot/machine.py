# SPDX-License-Identifier: MIT
"""A Debian system with the package installed, booted with systemd as its first process.

    netns net          netns host, and in it the booted system
    10.9.0.1 peer0 ──── up0 10.9.0.2

The root comes from debootstrap and is kept (its downloads are the slow part); each test boots a copy.
A container shares this machine's kernel, so XDP, BPF and the order of systemd's units are real.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEPT = ROOT / "build/boot/debian"
BOOT_S = 120
INCLUDED = "systemd,systemd-sysv,dbus,iproute2,iptables,kmod"
TESTED_WITH = ["openssh-server", "procps"]
NETWORK = """[Unit]
Description=The network of this machine
DefaultDependencies=no
Wants=network.target network-pre.target
After=network-pre.target
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip addr replace 10.9.0.2/24 dev up0; ip link set up0 up; ip route replace default via 10.9.0.1'

[Install]
WantedBy=sysinit.target
"""
UNITS = {"uplink.service": NETWORK}


def run(*words, check=True, **options):
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, **options)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done


def debian(package):
    """The folder of a Debian system in which `package` is installed."""
    if not (KEPT / "etc/debian_version").exists():
        shutil.rmtree(KEPT, ignore_errors=True)
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", "bookworm", KEPT)
    shutil.copy("/etc/resolv.conf", KEPT / "etc/resolv.conf")
    shutil.copy(package, KEPT / "opt/floodwall.deb")
    for name, text in UNITS.items():
        (KEPT / "etc/systemd/system" / name).write_text(text)
    run("chroot", KEPT, "systemctl", "enable", *UNITS)
    run("chroot", KEPT, "apt-get", "install", "--yes", "--no-install-recommends", *TESTED_WITH)
    run("chroot", KEPT, "apt-get", "install", "--yes", "--reinstall", "--no-install-recommends",
        "/opt/floodwall.deb")
    return KEPT


class Machine:
    """Booted by boot(), ended by halt(); what is in its folder stays."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self._process = self._init = None

    @contextlib.contextmanager
    def network(self):
        net, host = f"{self.name}-net", f"{self.name}-host"
        try:
            for space in (net, host):
                run("ip", "netns", "add", space)
            run("ip", "-n", net, "link", "add", "peer0", "type", "veth", "peer", "name", "up0", "netns", host)
            run("ip", "-n", net, "addr", "add", "10.9.0.1/24", "dev", "peer0")
            run("ip", "-n", net, "addr", "add", "203.0.113.5/32", "dev", "peer0")
            run("ip", "-n", net, "link", "set", "peer0", "up")
            run("ip", "-n", net, "link", "set", "lo", "up")
            yield self
        finally:
            self.halt()
            for space in (net, host):
                run("ip", "netns", "del", space, check=False)

    def boot(self):
        log = open(self.folder.parent / f"{self.name}.log", "ab")
        self._process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--directory", self.folder, "--boot",
             "--capability=all", "--system-call-filter=bpf perf_event_open", "--resolv-conf=off",
             f"--network-namespace-path=/run/netns/{self.name}-host", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=os.environ | {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes", "SYSTEMD_LOG_LEVEL": "info"})
        end = time.monotonic() + BOOT_S
        while time.monotonic() < end:
            if self._find_init() and self.run("systemctl", "is-system-running", check=False).stdout.strip() in (
                    "running", "degraded"):
                return
            time.sleep(0.5)
        raise AssertionError(f"{self.name} did not boot within {BOOT_S} s")

    def _find_init(self):
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._init = children[0] if children else None
        return self._init

    def run(self, *words, check=True):
        """A command in the booted system."""
        return run("nsenter", "-t", self._init, "-a", *words, check=check)

    def wait_for_daemon(self):
        end = time.monotonic() + BOOT_S
        while self.run("floodwall", "status", check=False).returncode:
            if time.monotonic() > end:
                raise AssertionError(self.run("journalctl", "-u", "floodwall", "--no-pager").stdout)
            time.sleep(0.2)

    def halt(self):
        if not self._process or self._process.poll() is not None:
            return
        os.kill(int(self._init or self._process.pid), signal.SIGRTMIN + 4)  # systemd: poweroff
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait(timeout=20)

    def peer(self, *words, **options):
        """A command on the other end of the wire."""
        return run("ip", "netns", "exec", f"{self.name}-net", *words, **options)

    def answers_pings(self, source="10.9.0.1"):
        return run("ip", "netns", "exec", f"{self.name}-net", "ping", "-c", 3, "-i", 0.2, "-W", 1, "-I", source,
                   "10.9.0.2", check=False).returncode == 0
