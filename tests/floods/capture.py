# SPDX-License-Identifier: MIT
"""A labelled capture in the making: packets in any order of time, written as pcap and labels.

Labels are those of the shared captures, one character a packet: `.` not to a protected host, `b`
benign, `a` attack, `n` neither (background noise; not scored).
"""
import operator
import struct

import packets

SNAP_BYTES = 160
START_S = 1_700_000_000
_HOST, _ROUTER = bytes.fromhex("02000000aa02"), bytes.fromhex("02000000aa01")
_ETHER = {(arrives, v6): (_HOST + _ROUTER if arrives else _ROUTER + _HOST) + kind
          for arrives in (True, False) for v6, kind in ((False, b"\x08\x00"), (True, b"\x86\xdd"))}
_RECORD = struct.Struct("<IIII")


class Capture:
    def __init__(self, hosts):
        self.hosts = hosts  # protected addresses
        self._packets = []  # (seconds from the start, label, bytes, size)

    def arrives(self, when, packet, label="b"):
        self._packets.append((when, label, *packet))

    def leaves(self, when, packet):
        self._packets.append((when, ".", *packet))

    def in_order(self):
        """(seconds, label, bytes, size) of all packets, by time; equal ones as they were added."""
        self._packets.sort(key=operator.itemgetter(0))
        return self._packets

    def labels(self):
        return "".join(label for _, label, _, _ in self.in_order())

    def sources(self, label):
        return {packets.source(data) for _, of, data, _ in self._packets if of == label}

    def write(self, path):
        """`path` is the pcap file; the labels are beside it as `path`.labels."""
        # Nanoseconds, Ethernet (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html).
        pieces = [struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, SNAP_BYTES, 1)]
        for when, label, data, size in self.in_order():
            ns = int(when * 1e9)
            frame = (_ETHER[label != ".", data[0] >> 4 == 6] + data)[:SNAP_BYTES]
            pieces.append(_RECORD.pack(START_S + ns // 10**9, ns % 10**9, len(frame), 14 + size))
            pieces.append(frame)
        path.write_bytes(b"".join(pieces))
        path.with_suffix(path.suffix + ".labels").write_text(self.labels() + "\n", encoding="ascii")
