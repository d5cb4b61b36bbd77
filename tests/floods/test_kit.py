# SPDX-License-Identifier: MIT
"""The captures and the gates themselves: an independent reader (scapy) finds the packets right, the
labels are those of the packets, and every gate can fail."""
import collections
import pathlib
import random
import sys

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.utils import RawPcapReader

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import attacks  # noqa: E402
import busy  # noqa: E402
import gates  # noqa: E402
import left_out  # noqa: E402
import packets  # noqa: E402
import reflection  # noqa: E402
import scenarios  # noqa: E402
import score  # noqa: E402
from capture import Capture  # noqa: E402
from ordinary import QUIC, QUIC_BYTES, OrdinaryTraffic  # noqa: E402

SEED = 5
CHECKSUMMED = (TCP, UDP)


def parsed(data):
    return IP(data) if data[0] >> 4 == 4 else IPv6(data)


def ordinary_traffic(target, seconds=2):
    capture = Capture([target])
    OrdinaryTraffic(capture, target, seconds, random.Random(SEED)).fill()
    return capture


def rebuilt(packet):
    """The same packet with checksums and lengths as scapy works them out."""
    copy = packet.copy()
    for layer in (IP, *CHECKSUMMED):
        if copy.haslayer(layer):
            copy[layer].chksum = None
    return bytes(copy)


@pytest.mark.parametrize("target", [scenarios.V4, scenarios.V6], ids=["ipv4", "ipv6"])
def test_checksums_are_those_that_scapy_works_out(target):
    whole = [data for _, _, data, size in ordinary_traffic(target, 1).in_order() if len(data) == size]
    for family in (attacks.syn_mimic, attacks.udp_fixed, attacks.echo, attacks.unreachable):
        make = family(target, random.Random(SEED))
        whole += [data for _ in range(20) for data, size in make() if len(data) == size]
    assert len(whole) > 100
    for data in whole[:400] + whole[-80:]:
        assert rebuilt(parsed(data)) == data, parsed(data).show(dump=True)


def test_every_byte_that_is_acknowledged_was_sent():
    sent, wrong = collections.defaultdict(set), []
    for _, label, data, size in ordinary_traffic(scenarios.V4).in_order():
        if data[9] != packets.TCP or label == "n":
            continue
        packet = parsed(data)
        segment = packet[TCP]
        there, back = (packet.src, segment.sport, packet.dst, segment.dport), (packet.dst, segment.dport,
                                                                               packet.src, segment.sport)
        length = size - 20 - segment.dataofs * 4 + sum(flag in str(segment.flags) for flag in "SF")
        sent[there].add((segment.seq + length) & 0xffffffff)
        if "A" in str(segment.flags) and sent[back] and segment.ack not in sent[back]:
            wrong.append(packet.summary())
    assert len(sent) > 100
    assert not wrong, wrong[:5]


def quic_initials(datagrams):
    """(first byte, size, length field) of the Initials among (bytes, size) of IPv4."""
    for data, size in datagrams:
        if data[9] == packets.UDP and data[22:24] == QUIC.to_bytes(2, "big") and data[28] & 0xf0 == 0xc0:
            yield data[28], size - 28, int.from_bytes(data[44:46], "big") & 0x3fff


def test_quic_clients_differ_in_what_is_protected_and_in_how_they_pad():
    visits = list(quic_initials((data, size) for _, label, data, size in ordinary_traffic(scenarios.V4, 30).in_order()
                                if label == "b"))
    mimic = attacks.quic_mimic(scenarios.V4, random.Random(SEED))
    for initials in (visits, list(quic_initials(mimic()[0] for _ in range(200)))):
        assert len({first for first, _, _ in initials}) == 16
        assert {size for _, size, _ in initials} == set(QUIC_BYTES)
        assert all(length == size - 18 for _, size, length in initials), "what follows the length field"
    fixed = attacks.quic_fixed(scenarios.V4, random.Random(SEED))
    assert len(set(quic_initials(fixed()[0] for _ in range(200)))) == 1


def test_labels_say_who_is_meant(tmp_path):
    scenario = scenarios.flood("small", attacks.syn_fixed, scenarios.steady(1000, 1))
    capture, file = scenario.capture(), tmp_path / "small.pcap"
    capture.write(file)
    labels = (tmp_path / "small.pcap.labels").read_text().strip()
    records = [record for record, _ in RawPcapReader(str(file))]
    assert len(records) == len(labels)
    assert labels.count("a") == pytest.approx(1000, rel=0.1)
    for record, label in list(zip(records, labels))[::10]:
        assert (packets.text(scenarios.V4) == parsed(record[14:]).dst) == (label != ".")
        if label == "a":
            assert parsed(record[14:])[TCP].flags == "S"


def test_the_same_scenario_is_the_same_capture_each_time():
    scenario = scenarios.flood("small", attacks.syn_mimic, scenarios.steady(500, 1))
    assert scenario.capture().in_order() == scenario.capture().in_order()


def test_names_are_unique():
    names = [each.name for each in scenarios.ALL]
    assert len(set(names)) == len(names)


def test_fragments_join_to_the_datagram():
    body, size = packets.udp_body(1 << 24, 2 << 24, 53, 4000, bytes(range(200)), 3200)
    pieces = list(packets.fragments(1 << 24, 2 << 24, packets.UDP, body, size, 7))
    assert [(parsed(data).frag, str(parsed(data).flags)) for data, _ in pieces] == [
        (0, "MF"), (185, "MF"), (370, "")]
    assert sum(length - 20 for _, length in pieces) == size


# ---------------------------------------------------------------- gates


def held(dropped, when=lambda index: index / 1000, labels="b" * 20 + "a" * 1000):
    """The numbers of a capture with a packet a millisecond and those labels, some of them dropped."""
    in_order = [(when(index), label, b"", 0) for index, label in enumerate(labels)]
    return gates.measure(in_order, {index: "limit" for index in dropped})


@pytest.mark.parametrize("dropped, broken", [
    (range(20, 1020), []),
    (range(70, 1020), []),                        # the first 50 ms pass, at 1,000 packets a second
    (range(71, 1020), ["attack"]),
    (range(280, 1020), ["attack", "first drop"]),
    ([], ["attack", "first drop"]),
    (range(19, 1020), ["legit"]),
])
def test_a_flood_holds_only_if_all_its_gates_do(dropped, broken):
    assert gates.broken("flood", held(dropped)) == broken


def test_a_fast_flood_is_answered_within_twenty_milliseconds():
    def when(index):
        return index / 20_000
    labels = "a" * 20_000
    assert gates.broken("flood", held(range(300, 20_000), when, labels + "b")) == []
    assert gates.broken("flood", held(range(500, 20_000), when, labels + "b")) == ["first drop"]


def test_a_legitimate_packet_dropped_long_after_the_end_counts():
    def when(index):
        return index / 1000 if index < 1000 else 10.999 + (index - 999) * 0.1
    numbers = held([*range(1000), 1001], when, "a" * 1000 + "b" * 1000)
    assert (numbers.late, gates.broken("flood", numbers)) == (1, ["late"])


def test_a_legitimate_syn_may_be_answered_in_a_flood_only_and_one_of_the_attack_counts_as_dropped():
    in_order = [(index / 1000, label, b"", 0) for index, label in enumerate("b" * 20 + "a" * 1000)]
    numbers = gates.measure(in_order, dict.fromkeys(range(19, 1020), "challenge"))
    assert (numbers.challenged, numbers.legit_dropped, numbers.attack_dropped) == (1, 0, 1000)
    assert gates.broken("flood", numbers) == []
    assert len(gates.broken("busy", gates.measure(in_order[:20], {7: "challenge"}))) == 1


def test_a_busy_host_loses_not_one_packet():
    assert gates.broken("busy", held([], labels="b" * 100)) == []
    assert gates.broken("busy", held([7], labels="b" * 100)) == ["1 packets dropped"]


def test_a_ban_of_somebody_who_did_not_attack_is_found():
    capture, make = Capture([scenarios.V4]), attacks.syn_slash24(scenarios.V4, random.Random(SEED))
    for index in range(50):
        capture.arrives(index / 100, make()[0], "a")
    attacker = packets.text(min(capture.sources("a")))
    numbers = gates.Numbers()
    score.add_events(numbers, [
        {"event_type": "Ban", "src_ip": address, "timestamp": "2023-11-14T22:13:20.250Z"}
        for address in (attacker, "198.51.100.0/24", "203.0.113.5", "2001:db8::/64")], capture)
    assert numbers.wrong_bans == ["203.0.113.5", "2001:db8::/64"]


def test_the_time_of_the_alarm_counts_from_the_first_attack_packet():
    capture, make = Capture([scenarios.V4]), attacks.syn_fixed(scenarios.V4, random.Random(SEED))
    capture.arrives(2.0, make()[0], "a")
    numbers = gates.Numbers()
    alarm = {"event_type": "AttackStart", "timestamp": "2023-11-14T22:13:22.150Z"}
    score.add_events(numbers, [alarm], capture)
    assert numbers.reaction_ms["alarm"] == pytest.approx(150, abs=1)


def test_a_rising_flood_counts_from_when_it_is_one():
    slow, fast = [index / 10 for index in range(100)], [10 + index / 1000 for index in range(100)]
    assert gates.begins(slow + fast, 0) == 0
    assert gates.begins(slow + fast, 500) == pytest.approx(10.05, abs=0.01)


def test_a_busy_server_completes_every_handshake():
    capture = Capture([scenarios.V4])
    busy.http(capture, scenarios.V4, random.Random(SEED), rate=100, seconds=1)
    flags = collections.Counter(str(parsed(data)[TCP].flags) for _, label, data, _ in capture.in_order()
                                if label == "b")
    assert flags["S"] > 50
    assert flags["FA"] == flags["S"]


@pytest.mark.parametrize("service, target", [("snmp", scenarios.V4), ("snmp", scenarios.V6),
                                             ("dns", scenarios.V4), ("dns", scenarios.V6)])
def test_a_reflector_that_moved_sends_the_same_from_another_port(service, target):
    moved = 0
    for data, _ in reflection.reflected(service)(target, random.Random(SEED))():
        other = left_out.with_source_port(data, left_out.UNLISTED_PORT)
        assert other[8:20 if target == scenarios.V4 else 40] == data[8:20 if target == scenarios.V4 else 40]
        at = next((i for i in range(len(data)) if data[i] != other[i]), None)
        if at is None:
            continue
        moved += 1
        assert other[at:at + 2] == left_out.UNLISTED_PORT.to_bytes(2, "big")
        assert words(other[at:at + 8]) == words(data[at:at + 8]), "its checksum is as right as before"
    assert moved == 1, "later fragments have no port"


def words(data):
    """The sum that checksums are made of."""
    return sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2)) % 0xffff


def test_what_is_left_out_names_captures_and_classes_that_exist():
    names = {scenario.name for scenario in scenarios.FLOODS}
    for family in left_out.FAMILIES:
        assert names.issuperset(family.captures), family.name
        assert left_out.budgets().keys() >= set(family.classes), family.name
