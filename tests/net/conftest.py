# SPDX-License-Identifier: MIT
"""What every namespace test starts from: isolation, both address families, and a lab."""
import os

import pytest

import netns

REASON = netns.reason_to_skip()
if REASON is None:
    netns.isolate()

from lab import BIN, DATAPATH, Lab  # noqa: E402  scapy reads the routes of the namespace it is imported in


def pytest_configure(config):
    config.addinivalue_line("markers", "xdp_only(why): what the nfqueue datapath cannot see or do")
    config.addinivalue_line("markers", "expects(word...): lines of level WARNING that the log may have")
    config.addinivalue_line("markers", "nfqueue_only: what only the nfqueue datapath does")


def pytest_collection_modifyitems(config, items):
    other = "xdp_only" if DATAPATH == "nfqueue" else "nfqueue_only"
    # Those are no tests of this datapath, so none that it skips.
    config.hook.pytest_deselected(items=[i for i in items if i.get_closest_marker(other)])
    items[:] = [item for item in items if not item.get_closest_marker(other)]
    if REASON is not None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=REASON))


def pytest_report_header():
    return f"floodwall: {BIN}, datapath {DATAPATH}"


def pytest_sessionfinish(session):
    if REASON is not None:
        print(f"\nskipped: {REASON}")
        if os.environ.get("FLOODWALL_NO_SKIP") == "1":
            session.exitstatus = 1


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request):
    return request.param


@pytest.fixture(autouse=True)
def expected_warnings(request):
    expected = {word for mark in request.node.iter_markers("expects") for word in mark.args}
    Lab.expected = frozenset(expected | ({"AttackVector"} if "AttackStart" in expected else set()))


@pytest.fixture
def lab():
    with Lab() as made:
        yield made


@pytest.fixture
def link(lab, family):
    return lab.link(family)
