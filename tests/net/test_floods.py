# SPDX-License-Identifier: MIT
"""Clients go on while their server is flooded: those that were there, and those who come now.

Success rates are gated, latencies never: the machine is shared. A UDP question may be asked three times,
as its clients do; TCP repeats by itself.
"""
import pytest

import goodput
from goodput import FLOODS
from lab import Lab

OLD, NEW = 0.999, 0.99
TRIES = 4      # to find the machine free enough


def held(result, flood):
    print(result)
    wanted = {"old HTTP": OLD, "old UDP": OLD, "new HTTP": NEW, "new UDP": flood.new_udp}
    failed = {client: result.success(client) for client, share in wanted.items()
              if result.success(client) < share}
    assert not failed, failed


def measured(family, flood=None):
    """A run during which the machine could make the whole flood."""
    for _ in range(TRIES):
        with Lab() as lab:
            result = goodput.measure(lab, lab.link(family), flood)
        if result.is_valid:
            return result
    pytest.fail(f"the machine was too busy {TRIES} times: {result}")


def test_clients_succeed_without_a_flood_and_nothing_is_dropped(family):
    result = measured(family)
    assert all(result.success(client) == 1 for client in result.clients), result
    assert result.dropped == 0


@pytest.mark.expects("AttackStart", "Suppressed")
@pytest.mark.parametrize("name", FLOODS)
def test_clients_succeed_during_a_flood_that_is_stopped(family, name):
    result = measured(family, FLOODS[name])
    held(result, FLOODS[name])
    assert result.stopped >= FLOODS[name].stopped, result
    assert "alarm" in result.reaction_ms or not FLOODS[name].alarm, result
