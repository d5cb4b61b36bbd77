# SPDX-License-Identifier: MIT
"""The gates for the shared captures: each of them can fail, and the baselines' table is read right."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gates  # noqa: E402

BENIGN = {"name": "x__quiet.pcap", "group": "benign", "legit_dropped": 0, "other_dropped": 0}
FLOOD = {"name": "x__flood.pcap", "group": "real floods", "attack_dropped_share": 0.99, "first_drop_ms": 15.0,
         "legit_dropped_share": None}
OVERLAY = FLOOD | {"name": "over", "group": "overlays", "legit_dropped_share": 0.004}
RESULTS = """| | seed |
| --- | --- |
| real floods stopped | 0/3 |

| flood | seed | N = 100 |
| --- | --- | --- |
| flood.pcap (real floods) | 1.0 / - | 2.0 / - |
"""


@pytest.mark.parametrize("result, change, facts, broken", [
    (BENIGN, {}, {}, 0),
    (BENIGN, {"legit_dropped": 1}, {}, 1),
    (BENIGN, {"other_dropped": 1}, {}, 1),
    (FLOOD, {}, {"rate_pps": 50_000}, 0),
    (FLOOD, {"attack_dropped_share": 0.94}, {}, 1),
    (FLOOD, {"first_drop_ms": None}, {}, 1),
    (FLOOD, {"first_drop_ms": 21.0}, {"rate_pps": 9000}, 0),
    (FLOOD, {"first_drop_ms": 21.0}, {"rate_pps": 11_000}, 1),
    (FLOOD, {"first_drop_ms": 251.0}, {"rate_pps": 9000}, 1),
    (FLOOD, {}, {"wrong_bans": ("192.0.2.1/32",)}, 1),
    (FLOOD, {"error": "no end after 60 s"}, {}, 1),
    (FLOOD, {"name": "x__rsmurf6.pcap", "attack_dropped_share": 0.0}, {}, 0),
    (FLOOD, {"name": "x__rsmurf6.pcap"}, {"wrong_bans": ("ff02::1/128",)}, 1),
    (OVERLAY, {}, {}, 0),
    (OVERLAY, {"legit_dropped_share": 0.006}, {}, 1),
    (OVERLAY, {}, {"late": 1}, 1),
])
def test_a_gate_breaks_on_what_it_is_for(result, change, facts, broken):
    assert len(gates.broken(result | change, gates.Facts(**facts))) == broken


def test_slow_attacks_have_no_gate():
    assert gates.broken(FLOOD | {"group": "low and slow"}, gates.Facts()) is None


def test_the_rate_is_that_of_the_beginning():
    assert gates.rate_of([index / 1000 for index in range(5000)]) == pytest.approx(1000, rel=0.02)
    assert gates.rate_of([index / 1e6 for index in range(10_000)]) == pytest.approx(1e6, rel=0.02)


def test_the_baselines_stand_beside_ours():
    facts = {FLOOD["name"]: gates.Facts(), BENIGN["name"]: gates.Facts()}
    lines = list(gates.markdown([FLOOD, BENIGN], facts, RESULTS))
    assert lines[2] == "| flood.pcap (real floods) | 1.0 / - | 2.0 / - | 99.0 / - | 15.0 ms | hold |"
    assert lines[-1] == "Benign captures without any drop: 1 of 1."
