# SPDX-License-Identifier: MIT
"""The machine under measurement: its packages, the build, and the facts that a reader needs."""
import contextlib
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build/release"


def install():
    """Installs missing packages (tools/packages)."""
    subprocess.run([ROOT / "tools/install-packages", "build", "run", "bench"], check=True)


def build():
    """Builds the release and the programs that measure it."""
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", "bench_programs"]):
        done = subprocess.run(command, cwd=ROOT, check=False, **quiet)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}")


def go_first():
    """A session of its own with priority, where permitted. Figures in processor time or in turns do not need it; the
    rest is steadier with it."""
    try:
        os.setsid()
    except PermissionError:
        pass  # it is a session's leader already
    try:
        pathlib.Path("/proc/self/autogroup").write_text("-20", encoding="ascii")
    except OSError:
        pass


@contextlib.contextmanager
def unmeasured():
    """Switches off the kernel's own statistics of BPF programs: they read the clock twice per packet, which costs as
    much as a drop."""
    switch = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
    before = switch.read_text(encoding="ascii")
    switch.write_text("0", encoding="ascii")
    try:
        yield
    finally:
        switch.write_text(before, encoding="ascii")


def cpus():
    return sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def awake():
    """Lets no CPU sleep: a hypervisor gives an idle virtual CPU away, and a ring of 256 frames is full before it is
    back. The loops have idle priority, in a session of their own with the lowest share (the scheduler may share by
    session)."""
    loop = "echo 19 > /proc/self/autogroup 2>/dev/null; exec chrt --idle 0 taskset -c {} sh -c 'while :; do :; done'"
    loops = [subprocess.Popen(["sh", "-c", loop.format(cpu)], start_new_session=True) for cpu in cpus()]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.wait()


def facts():
    """Where it ran."""
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", info)
    cache = re.search(r"cache size\s*: (.*)", info)
    virtual = " hypervisor" in info
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True, check=False,
                            capture_output=True).stdout.strip()
    return {"processor": model.group(1) if model else platform.machine(),
            "cpus": len(cpus()), "cache": cache.group(1) if cache else "?",
            "virtual": virtual, "kernel": platform.release(), "commit": commit,
            "load": os.getloadavg()[0]}


def sentence(seen):
    where = "a virtual machine" if seen["virtual"] else "real hardware"
    return (f"{seen['cpus']} CPUs ({seen['processor']}, last cache {seen['cache']}), {where}, Linux "
            f"{seen['kernel']}, commit {seen['commit']}; load before the start {seen['load']:.1f}.")
