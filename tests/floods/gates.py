# SPDX-License-Identifier: MIT
"""What is measured of a capture's verdicts, and what they are held against.

A flood: at least 95 % of its packets dropped in all, the first within 20 ms (250 ms at 10,000
packets/s or less) of the first one, at most 0.5 % of legitimate packets dropped, none more than 10 s
after the end, and nobody banned who sent no attack packet. Busy but innocent: no packet dropped.

A legitimate SYN whose reason is `challenge` is not lost: the datapath sends its client a SYN-ACK, and
what becomes of the client's next packets, which are in the capture too, shows whether it is let in. It
is counted apart (`challenged`), and only the busy are asked for it: they have none. An attack's SYN that is challenged does not
reach the listener, and counts as dropped.
"""
from dataclasses import dataclass, field

FLOOD_DROPPED, LEGIT_DROPPED = 0.95, 0.005
FAST_PPS, FAST_MS, SLOW_MS = 10_000, 20, 250
LATE_S = 10
WINDOW_S = 0.1  # over which the rate of a flood is measured
CHALLENGE = "challenge"  # the reason of a SYN that was answered by a SYN cookie


@dataclass
class Numbers:
    attack: int = 0
    attack_dropped: int = 0
    legit: int = 0
    legit_dropped: int = 0
    challenged: int = 0              # legitimate SYNs that a SYN cookie answered; not among the dropped
    late: int = 0                    # legitimate packets dropped more than 10 s after the flood's end
    rate_pps: float = 0              # of the flood, while it is on
    first_ms: float | None = None    # from the first attack packet to the first one dropped
    reaction_ms: dict = field(default_factory=dict)  # by event: from the first attack packet
    wrong_bans: list = field(default_factory=list)
    reasons: dict = field(default_factory=dict)      # of dropped legitimate packets

    @property
    def attack_share(self):
        return self.attack_dropped / self.attack if self.attack else None

    @property
    def legit_share(self):
        return self.legit_dropped / self.legit if self.legit else None


def measure(in_order, dropped, counts_from_pps=0):
    """`in_order` as Capture.in_order(); `dropped` maps a packet's index to the reason."""
    numbers, attack_times, first_drop, hurt = Numbers(), [], None, []
    for index, (when, label, _, _) in enumerate(in_order):
        reason = dropped.get(index)
        if label == "a":
            numbers.attack += 1
            attack_times.append(when)
            if reason:
                numbers.attack_dropped += 1
                first_drop = when if first_drop is None else first_drop
        elif label == "b":
            numbers.legit += 1
            if reason == CHALLENGE:
                numbers.challenged += 1
            elif reason:
                hurt.append(when)
                numbers.reasons[reason] = numbers.reasons.get(reason, 0) + 1
    numbers.legit_dropped = len(hurt)
    if attack_times:
        numbers.late = sum(when > attack_times[-1] + LATE_S for when in hurt)
        numbers.rate_pps = rate_of(attack_times)
        begin = begins(attack_times, counts_from_pps)
        numbers.first_ms = None if first_drop is None else max(first_drop - begin, 0) * 1000
    return numbers


def rate_of(times):
    """Packets a second in the median of those windows that have any."""
    windows = {}
    for when in times:
        windows[int(when / WINDOW_S)] = windows.get(int(when / WINDOW_S), 0) + 1
    return sorted(windows.values())[len(windows) // 2] / WINDOW_S


def begins(times, counts_from_pps):
    """When the flood is one: its first packet, or the end of the first window with that rate."""
    if not counts_from_pps:
        return times[0]
    wanted = max(int(counts_from_pps * WINDOW_S), 1)
    for earlier, when in zip(times, times[wanted:]):
        if when - earlier <= WINDOW_S:
            return when
    raise ValueError(f"the flood never reaches {counts_from_pps} packets/s")


def broken(gates, numbers):
    """Which gates do not hold, as short texts; empty: all do."""
    found = []
    if gates == "busy" and numbers.legit_dropped:
        found.append(f"{numbers.legit_dropped} packets dropped")
    if gates == "busy" and numbers.challenged:
        found.append(f"{numbers.challenged} SYNs answered in the server's place")
    if gates == "flood":
        if numbers.attack_share < FLOOD_DROPPED:
            found.append("attack")
        limit = FAST_MS if numbers.rate_pps > FAST_PPS else SLOW_MS
        if numbers.first_ms is None or numbers.first_ms > limit:
            found.append("first drop")
        if numbers.legit_share > LEGIT_DROPPED:
            found.append("legit")
        if numbers.late:
            found.append("late")
    if numbers.wrong_bans:
        found.append(f"bans {', '.join(numbers.wrong_bans[:3])}")
    return found
