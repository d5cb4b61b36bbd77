# SPDX-License-Identifier: MIT
"""Maps that only a former version pinned stayed pinned, with their memory, until --remove."""
import pathlib

import netns

MAPS = pathlib.Path(netns.BPF_FS) / "floodwall/maps"


def test_a_start_with_other_tables_unpins_the_maps_of_a_former_version(lab):
    lab.start_daemon()
    current = {path.name for path in MAPS.iterdir()}
    lab.kill9()
    lab.run("bpftool", "map", "create", str(MAPS / "marks"), "type", "array", "key", "4", "value", "64",
            "entries", "16", "name", "marks", where="dut")
    lab.start_daemon(lab.config(tables="[tables]\nbans = 16384\n"))
    assert {path.name for path in MAPS.iterdir()} == current
