# SPDX-License-Identifier: MIT
"""Isolation: what keeps these tests away from the machine they run on.

isolate() moves the test process itself into a mount namespace and a network namespace of its own
(as `unshare -n -m` would) with a tmpfs on /run, an own bpffs on /sys/fs/bpf and an own
/etc/resolv.conf. Named network namespaces made after that live in the private /run/netns. Entering
one is per thread: inside() opens sockets and starts children there. `ip netns exec` is not used: it
mounts another sysfs and so hides /sys/fs/bpf.
"""
import contextlib
import ctypes
import os
import pathlib
import socket
import struct
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
BPF_FS = "/sys/fs/bpf"
RESOLV_CONF = "/run/lab-resolv.conf"  # appears as /etc/resolv.conf
HIDDEN = ("/var/lib/dhcp", "/var/lib/NetworkManager", "/var/lib/floodwall", "/etc/floodwall")

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def _mount(source, target, kind, flags=0):
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None)


def reason_to_skip():
    """Why these tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "not root: network namespaces and BPF need it"
    # BPF_MAP_CREATE of an array of one element of 4 bytes.
    attributes = ctypes.create_string_buffer(struct.pack("<IIIII", 2, 4, 4, 1, 0), 128)
    fd = _libc.syscall(_BPF_SYSCALL, 0, attributes, 128)
    if fd < 0:
        return f"no BPF: {os.strerror(ctypes.get_errno())}"
    os.close(fd)
    return None


_BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine, 321)


def isolate():
    """Once per process, before it has threads. The host's mounts and links are out of reach after."""
    _call("unshare", CLONE_NEWNS | CLONE_NEWNET)
    _mount("none", "/", "none", MS_REC | MS_PRIVATE)
    _mount("tmpfs", "/run", "tmpfs")
    for folder in HIDDEN:
        if os.path.isdir(folder):
            _mount("tmpfs", folder, "tmpfs")
    os.makedirs("/run/netns")
    _own_resolv_conf()
    _mount("bpf", BPF_FS, "bpf")


def _own_resolv_conf():
    target = os.path.realpath("/etc/resolv.conf")  # may be a link into /run, now empty
    os.makedirs(os.path.dirname(target), exist_ok=True)
    for path in (RESOLV_CONF, target):
        with open(path, "a", encoding="ascii"):
            pass
    subprocess.run(["mount", "--bind", RESOLV_CONF, target], check=True)


def fresh_bpffs():
    """Nothing that an earlier lab pinned is left: closing a bpffs frees its pins."""
    _call("umount2", BPF_FS.encode(), 2)
    _mount("bpf", BPF_FS, "bpf")


@contextlib.contextmanager
def inside(namespace):
    """The calling thread is in that network namespace; sockets and children made now stay there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        _call("setns", there, CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", home, CLONE_NEWNET)
    finally:
        os.close(home)
        os.close(there)


def _bpf(command, attributes, what):
    fd = _libc.syscall(_BPF_SYSCALL, command, ctypes.create_string_buffer(attributes, 128), 128)
    if fd < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return fd


def pass_by_xdp(namespace, interface):
    """Attaches an XDP program that passes everything; it goes when the returned descriptor is closed.

    A veth takes what its other end's XDP program sends only if it runs one as well."""
    code = ctypes.create_string_buffer(bytes.fromhex("b700000002000000" "9500000000000000"))
    license_ = ctypes.create_string_buffer(b"MIT")
    program = _bpf(5, struct.pack("<IIQQ", 6, 2, ctypes.addressof(code), ctypes.addressof(license_)),
                   "load an XDP program")  # BPF_PROG_LOAD, BPF_PROG_TYPE_XDP
    try:
        with inside(namespace):
            return _bpf(28, struct.pack("<III", program, socket.if_nametoindex(interface), 37),
                        f"attach an XDP program to {interface}")  # BPF_LINK_CREATE, BPF_XDP
    finally:
        os.close(program)


def lease_folder():
    """Where systemd-networkd keeps its DHCP leases; empty, on the private /run."""
    folder = pathlib.Path("/run/systemd/netif/leases")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ip_batch(namespace, lines):
    """Runs `ip` commands in a namespace, all or an error that shows the failing one."""
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines), text=True,
                   check=True, capture_output=False)
