# SPDX-License-Identifier: MIT
"""A kernel that lacks a part of BPF, for one process: a seccomp filter answers as such a kernel does."""
import ctypes
import errno
import os
import struct

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7fff0000, 0x00050000
LD_W_ABS, JEQ, RET = 0x20, 0x15, 0x06
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine, 321)
# bpf(2)'s commands, linux/bpf.h: without programs nothing is loaded, without links nothing attaches.
COMMANDS = {"programs": 5, "links": 28}


def _filter(command):
    """struct sock_filter: code, where to go on if true and if false, operand."""
    steps = [(LD_W_ABS, 0, 0, 0),                    # seccomp_data.nr
             (JEQ, 0, 3, BPF_SYSCALL),
             (LD_W_ABS, 0, 0, 16),                   # .args[0], the lower half
             (JEQ, 0, 1, command),
             (RET, 0, 0, SECCOMP_RET_ERRNO | errno.EINVAL),
             (RET, 0, 0, SECCOMP_RET_ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def xdp(lack):
    """For start_daemon(prepare=...): no BPF "programs", or no "links" of them to interfaces."""
    program = _filter(COMMANDS[lack])
    text = ctypes.create_string_buffer(program, len(program))
    head = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare():
        for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                          (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(head), 0, 0)):
            if libc.prctl(*map(ctypes.c_ulong, arguments)) != 0:
                raise OSError(ctypes.get_errno(), "prctl")
        return text  # so that it lives
    return prepare
