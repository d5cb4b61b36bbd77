# SPDX-License-Identifier: MIT
"""The short form of harm.py: what holds, and is quick enough to be asked for each time. The whole form is
`tools/detection-table --only live`."""
import pytest

import harm
from attackers import ATTACKS, SUFFERING
from innocents import INNOCENTS


def asked_for(meetings):
    return [pytest.param(meeting, id=meeting.name) for meeting in meetings if meeting.in_ci and meeting.holds]


@pytest.mark.xdp_only("Its figures are those of XDP.")
@pytest.mark.expects("AttackStart", "Suppressed")
@pytest.mark.parametrize("innocent", asked_for(INNOCENTS))
def test_who_is_innocent_is_served_as_by_a_bare_host(innocent):
    _, walled, wrong = harm.judged(innocent, short=True)
    assert not wrong, harm.brief(walled)


@pytest.mark.xdp_only("Its figures are those of XDP.")
@pytest.mark.expects("AttackStart", "Suppressed", "Restrict", "Ban")
@pytest.mark.parametrize("attack", asked_for((*ATTACKS, *SUFFERING)))
def test_an_attacker_who_knows_the_code_gains_nothing(attack):
    _, walled, wrong = harm.judged(attack, short=True)
    assert not wrong, f"{wrong} {harm.brief(walled)}"
