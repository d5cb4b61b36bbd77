# SPDX-License-Identifier: MIT
"""Medians of what was measured in turns, and how far apart its halves lie."""
import statistics


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the distance between the quartiles, as a share of the median: 0 is perfectly steady."""
    if len(values) < 2 or not median(values):
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / abs(median(values))


def ratios(ours, theirs):
    """Round by round: what disturbed the machine in one round disturbed both sides of it."""
    return [a / b for a, b in zip(ours, theirs) if b > 0]


def net(values, bare):
    """What a program costs above a bare one, round by round; at least a nanosecond."""
    return [max(value - floor, 1.0) for value, floor in zip(values, bare)]


def number(value):
    """1234567 -> '1.23 M'."""
    for size, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.3g} {word}"
    return f"{value:.3g}"


def percent(value):
    return f"{value * 100:.0f} %"
