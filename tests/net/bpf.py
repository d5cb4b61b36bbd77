# SPDX-License-Identifier: MIT
"""bpf(2), as far as a program needs it that spoils what another one has put in the kernel."""
import contextlib
import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_NUMBER = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
_LOOKUP, _UPDATE, _LOAD, _GET, _INFO, _LINK, _LINK_UPDATE, _LINK_DETACH = 1, 2, 5, 7, 15, 28, 29, 34
_TCX_EGRESS, _BEFORE = 47, 8


def _call(command, attributes):
    result = _libc.syscall(_NUMBER, command, ctypes.create_string_buffer(attributes, 160), 160)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result


@contextlib.contextmanager
def pinned(path):
    """The descriptor of what is pinned there."""
    name = ctypes.create_string_buffer(str(path).encode())
    fd = _call(_GET, struct.pack("<QII", ctypes.addressof(name), 0, 0))
    try:
        yield fd
    finally:
        os.close(fd)


def change(path, new):
    """Replaces the first value of the map pinned there for which new(index, value) is not None."""
    with pinned(path) as fd:
        info = ctypes.create_string_buffer(80)
        _call(_INFO, struct.pack("<IIQ", fd, 80, ctypes.addressof(info)))
        _, _, _, value_size, entries = struct.unpack_from("<5I", info.raw)
        value = ctypes.create_string_buffer(value_size)
        for index in range(entries):
            key = ctypes.create_string_buffer(struct.pack("<I", index), 4)
            attributes = struct.pack("<IxxxxQQQ", fd, ctypes.addressof(key), ctypes.addressof(value), 0)
            _call(_LOOKUP, attributes)
            wanted = new(index, value.raw)
            if wanted is not None:
                value.raw = wanted
                _call(_UPDATE, attributes)
                return
    raise AssertionError(f"nothing to change in {path}")


def passing_program(kind):
    """A program that passes everything: `kind` 6 is XDP (for frames with fragments), 3 is a tc classifier,
    after which no other one runs."""
    code = ctypes.create_string_buffer(struct.pack("<Bxxxi", 0xB7, 2 if kind == 6 else 0) + b"\x95" + bytes(7))
    licence = ctypes.create_string_buffer(b"MIT")
    flags, attach = (32, 37) if kind == 6 else (0, 0)
    return _call(_LOAD, struct.pack("<IIQQIIQII16sII", kind, 2, ctypes.addressof(code),
                                    ctypes.addressof(licence), 0, 0, 0, 0, flags, b"pass", 0, attach))


def replace_program(link, kind):
    with pinned(link) as fd:
        program = passing_program(kind)
        try:
            _call(_LINK_UPDATE, struct.pack("<IIII", fd, program, 0, 0))
        finally:
            os.close(program)


def pass_egress_first(index):
    """Before all other programs on egress of an interface; it goes when the returned descriptor is closed."""
    program = passing_program(3)
    try:
        return _call(_LINK, struct.pack("<IIIIIIQ", program, index, _TCX_EGRESS, _BEFORE, 0, 0, 0))
    finally:
        os.close(program)


def detach(link):
    with pinned(link) as fd:
        _call(_LINK_DETACH, struct.pack("<I", fd))
