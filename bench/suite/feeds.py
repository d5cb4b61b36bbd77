# SPDX-License-Identifier: MIT
"""Lists like public feeds (prefixes of mixed lengths, half of them single addresses), for nftables and ipset too."""
import functools
import pathlib
import random
import re
import subprocess
import tempfile
import time

import netns

LENGTHS = {4: [20, 22, 24, 24, 28, 30], 6: [32, 40, 48, 56, 64, 96]}

def prefixes(family, count, seed):
    rng, size, found = random.Random(seed), 32 if family == 4 else 128, set()
    while len(found) < count:
        bits = size if len(found) % 2 else rng.choice(LENGTHS[family])
        top = (rng.getrandbits(29) + 0x0b000000 if family == 4 else (0x2a << 120) | rng.getrandbits(120))
        found.add((top >> (size - bits) << (size - bits), bits))
    return [f"{text(family, top)}/{bits}" for top, bits in sorted(found)]


def text(family, number):
    """An address as text; module ipaddress would take most of the run's time."""
    if family == 4:
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return ":".join(f"{number >> shift & 0xffff:x}" for shift in range(112, -1, -16))


def feed(what, count, seed):
    """By family: `count` entries, picked from a longer list that is made once."""
    def prefixes(family, wanted):
        every = _long_list(family, 1_000_000 if count > 10_000 else 10_000, seed)
        return every[::len(every) // wanted][:wanted]
    if what == "mixed":
        return {4: prefixes(4, count // 2), 6: prefixes(6, count - count // 2)}
    family = 4 if what == "IPv4" else 6
    return {family: prefixes(family, count)}


@functools.cache
def _long_list(family, count, seed):
    return prefixes(family, count, seed)


def peak_mib(pid):
    """Peak memory of a process; 0 once it has ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+)", text)
    return int(found.group(1)) / 1024 if found else 0.0


def forget_peak(pid):
    """Resets the peak (proc(5), clear_refs)."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def timed(namespace, *command):
    """Seconds and peak memory in MiB of a command (wait4() would give this process's own peak)."""
    begin, peak = time.monotonic(), 0.0
    with tempfile.TemporaryFile() as complaints:
        with netns.inside(namespace):
            child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=complaints)
        while child.poll() is None:
            peak = max(peak, peak_mib(child.pid))
            time.sleep(0.001)
        took = time.monotonic() - begin
        complaints.seek(0)
        assert child.returncode == 0, f"{command}: {complaints.read(300)}"
    return took, peak


def nft_load(lists):
    text = "table inet t {\n"
    for family, entries in lists.items():
        text += (f" set denied{family} {{ type ipv{family}_addr; flags interval; auto-merge; elements = {{ "
                 + ",".join(entries) + " } }\n")
    text += " chain in { type filter hook prerouting priority -300;\n"
    for family in lists:
        text += f"  {'ip' if family == 4 else 'ip6'} saddr @denied{family} drop\n"
    return text + " }\n}\n"


def nft_swap(lists):
    """One transaction: a packet sees the old or the new."""
    return "".join(f"flush set inet t denied{family}\nadd element inet t denied{family} {{ {','.join(entries)} }}\n"
                   for family, entries in lists.items())


def ipset_load(lists, name="denied"):
    return "".join(f"create {name}{family} hash:net family {'inet' if family == 4 else 'inet6'} "
                   f"maxelem {2 * len(entries)} hashsize {max(len(entries) // 2, 64)}\n"
                   + "".join(f"add {name}{family} {entry}\n" for entry in entries)
                   for family, entries in lists.items())


def ipset_swap(lists):
    return ipset_load(lists, "new") + "".join(
        f"swap new{family} denied{family}\ndestroy new{family}\n" for family in lists)
