# SPDX-License-Identifier: MIT
"""Services that never answer (netflow, syslog). No answer can verify their senders, and still these
lose nothing, from the first packet on."""
import contextlib
import itertools
import socket

import pytest

import netns
import wire
from lab import wait_until
from tap import passed

pytestmark = pytest.mark.expects("AttackStart")

COLLECTOR, RATE, SECONDS = 2055, 500, 4
WITH_DEFAULTS = ""  # budgets and limits of a new installation


@contextlib.contextmanager
def collector(lab, family, port=COLLECTOR):
    """A socket on the host under test that listens and sends nothing."""
    with netns.inside(lab.dut_ns):
        with socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6,
                           socket.SOCK_DGRAM) as made:
            made.bind(("0.0.0.0" if family == 4 else "::", port))
            yield made


def lost(lab, link, number, port=COLLECTOR):
    """How many of 500 packets/s of one source do not come through; all differ in their token."""
    frames = wire.copies(wire.udp(link, link.client(number), link.dut, sport=50_000, dport=port),
                         RATE * SECONDS)
    with lab.tap() as tap, lab.sender() as out:
        return len(frames) - len(passed(out, tap, frames, rate=RATE))


def test_sender_of_500_packets_a_second_to_a_collector_loses_nothing(lab, link, family):
    with collector(lab, family):
        lab.start_daemon(lab.config(tables=WITH_DEFAULTS))
        assert lab.ping(link, link.client(1)), "this host is seen to send"
        assert lost(lab, link, 3) == 0
        assert lab.count("budget") == 0


def test_the_same_sender_to_a_closed_port_is_limited(lab, link, family):
    with collector(lab, family):
        lab.start_daemon(lab.config(tables=WITH_DEFAULTS))
        assert lab.ping(link, link.client(1)), "this host is seen to send"
        assert lost(lab, link, 3, port=COLLECTOR + 1) > RATE * SECONDS / 4
        assert lab.count("budget") > 0


@pytest.mark.xdp_only("Only there can the kernel be asked.")
def test_a_socket_that_was_just_opened_is_served_at_once(lab, link, family):
    lab.start_daemon(lab.config(tables=WITH_DEFAULTS))
    assert lab.ping(link, link.client(1)), "this host is seen to send"
    assert lost(lab, link, 3) > RATE * SECONDS / 4
    with collector(lab, family):  # the daemon looks for sockets every ten seconds
        # Two or three of 2,000 were lost; without the look-up it is most of ten seconds.
        assert lost(lab, link, 4) <= RATE * SECONDS / 100


def test_a_collector_that_ends_is_forgotten(lab, link, family):
    with collector(lab, family):
        lab.start_daemon(lab.config(tables=WITH_DEFAULTS))
        assert lab.ping(link, link.client(1)), "this host is seen to send"
        assert lost(lab, link, 3) == 0
    sources = itertools.count(4)  # each attempt from another source, whose budget is unused
    wait_until(lambda: lost(lab, link, next(sources)) > RATE * SECONDS / 4, 30,
               "the daemon, which lists sockets four times a second, sees that nobody listens")
