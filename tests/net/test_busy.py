# SPDX-License-Identifier: MIT
"""Busy but innocent: from the first packet on, with the built-in limits and nothing learned, no packet of
a much wanted host is dropped. How much this machine can make is printed, not asked for."""
import pytest

import traffic
from traffic import Traffic

SECONDS = 4
WITH_DEFAULTS = ""  # no [limit] of the lab's: those of a new installation


@pytest.fixture
def busy(lab, link):
    with Traffic(lab, link).serve() as made:
        lab.start_daemon(lab.config(tables=WITH_DEFAULTS))
        yield made


def spared(lab, *programs):
    """Runs them at the same time; what each says, after a look at what was dropped."""
    for program in programs:
        program.go()
    results = [program.result() for program in programs]
    traffic.settle(lab)
    status = lab.api.call("status")["traffic"]
    print(results, {word: count["packets"] for word, count in status["reasons"].items()})
    assert traffic.dropped(lab) == 0, status["reasons"]
    assert not lab.bans()
    return results


def asked(results, at_least):
    """So much was really going on."""
    for result in results:
        assert result["answered"] >= at_least, result


def test_a_web_server_with_thousands_of_new_connections_a_second_loses_nothing(lab, busy):
    asked(spared(lab, busy.web(rate=4000, sources=300, seconds=SECONDS)), 1000)


def test_a_udp_service_asked_fifty_thousand_times_a_second_loses_nothing(lab, busy):
    asked(spared(lab, busy.ask(port=53, rate=50_000, sources=20_000, seconds=SECONDS)), 10_000)


def test_a_game_with_five_hundred_players_loses_nothing(lab, busy):
    asked(spared(lab, busy.ask(rate=30_000, sources=500, seconds=SECONDS, bytes=60)), 10_000)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_bulk_transfer_at_full_speed_loses_nothing(lab, busy, way):
    result, = spared(lab, busy.bulk(way, seconds=SECONDS))
    assert result["bytes"] > 50e6


def test_several_transfers_of_one_host_lose_nothing(lab, busy):
    host = {"from": "10.64.0.1" if busy.family == 4 else "fd40::1"}
    for result in spared(lab, *(busy.bulk("up", seconds=SECONDS, **host) for _ in range(4))):
        assert result["bytes"] > 5e6


def test_a_crawler_loses_nothing(lab, busy):
    asked(spared(lab, busy.web(rate=80, sources=1, seconds=SECONDS),
                 busy.web(rate=400, sources=1, old=8, seconds=SECONDS)), 100)


def test_two_hundred_users_behind_one_address_lose_nothing(lab, busy):
    asked(spared(lab, busy.web(rate=120, sources=1, seconds=SECONDS),
                 busy.web(rate=1000, sources=1, old=200, seconds=SECONDS)), 100)


def test_a_flash_crowd_of_sources_never_seen_before_loses_nothing(lab, busy):
    asked(spared(lab, busy.web(rate=2000, sources=100_000, seconds=SECONDS)), 500)


def test_a_monitoring_host_that_pings_loses_nothing(lab, busy, link):
    probe = busy.web(rate=20, sources=1, seconds=SECONDS)
    pings = [lab.popen("ping", f"-{link.family}", "-n", "-q", "-i", "0.01", "-c", 300, "-I",
                       link.client(number), link.dut) for number in (1, 2, 3)]
    asked(spared(lab, probe), 20)
    for ping in pings:
        assert ping.wait(timeout=60) == 0
    assert traffic.dropped(lab) == 0


def test_all_of_it_at_once_loses_nothing(lab, busy):
    spared(lab, busy.web(rate=800, sources=300, seconds=SECONDS),
           busy.web(rate=500, old=100, seconds=SECONDS),
           busy.ask(rate=5000, sources=5000, seconds=SECONDS, port=53),
           busy.ask(rate=5000, sources=100, known=1, seconds=SECONDS))

