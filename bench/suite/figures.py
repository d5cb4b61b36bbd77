# SPDX-License-Identifier: MIT
"""Medians, spreads and ratios of what was measured in turns."""
import statistics


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the distance between the quartiles, as a share of the median."""
    if len(values) < 2 or not median(values):
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / abs(median(values))


def ratios(ours, theirs):
    """Ratios of each round: a disturbance of the machine hits both sides of it."""
    return [a / b for a, b in zip(ours, theirs) if b > 0]


def net(values, bare):
    """Cost above a bare program in each round; at least one nanosecond."""
    return [max(value - floor, 1.0) for value, floor in zip(values, bare)]


def number(value):
    """1234567 -> '1.23 M'."""
    for size, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * size:
            return f"{value / size:.3g} {word}"
    return f"{value:.3g}"


def percent(value):
    return f"{value * 100:.0f} %"
