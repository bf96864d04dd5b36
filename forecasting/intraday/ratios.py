"""How a day compares with its forecast so far: logarithms of ratios, bounded and shrunk.

A ratio of few contacts says little and a ratio with a spike in it says the wrong thing. So counts
are capped near their forecast, spikes are passed over, and every ratio leans on one as if a number
of contacts had come just as forecast: as many as this queue's scatter asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.grid import Floats, Ints
from forecasting.intraday.spikes import spread_of, stands_out

# Hours ahead at which the groups of leads begin and end.
LEADS_H = (0.0, 1.0, 2.0, 4.0, 8.0, 24.0)
LEADS = len(LEADS_H) - 1
# What is looked at: today so far, the last hours, yesterday.
RECENT_H = (4.0, 2.0, 1.0, 0.5)
WINDOWS = 2 + len(RECENT_H)
# Counts are capped this many robust deviations above the forecast.
CAP = 3.0
# Contacts that a ratio leans on, in units of the queue's variance over mean.
EVIDENCE = 16.0
MAX_LEVEL = 2.0


@dataclass(frozen=True)
class Scale:
    """What is usual for a queue.

    spread  robust standard deviation of (count - forecast) / sqrt(forecast + 1)
    level   capped contacts over forecast ones, all in all
    """

    spread: float
    level: float = 1.0

    @property
    def evidence(self) -> float:
        """Contacts that a ratio leans on."""
        return EVIDENCE * self.spread**2

    def capped(self, counts: Floats, expected: Floats) -> Floats:
        top: Floats = expected + CAP * self.spread * np.sqrt(expected + 1.0)
        return np.minimum(counts, top)


def scale_of(counts: Floats, expected: Floats) -> Scale:
    """The queue's scale from counts and their forecasts, NaN where either is unknown."""
    spread = Scale(spread_of(counts, expected))
    known = np.isfinite(counts) & np.isfinite(expected)
    seen = float(spread.capped(counts[known], expected[known]).sum()) + spread.evidence
    level = seen / (float(expected[known].sum()) + spread.evidence)
    return Scale(spread.spread, float(np.clip(level, 1 / MAX_LEVEL, MAX_LEVEL)))


@dataclass(frozen=True, eq=False)
class Sums:
    """Running sums over consecutive slots, each with a 0 in front: capped counts and forecasts."""

    counts: Floats
    expected: Floats


def running_sums(counts: Floats, expected: Floats, scale: Scale) -> Sums:
    """Sums along the last axis; a slot that is NaN in either adds nothing to both.

    Nor does one that stands out as a spike does: how it goes on is told by its decay.
    """
    known = np.isfinite(counts) & np.isfinite(expected)
    known &= ~stands_out(counts, expected, scale.spread)
    planned = np.where(known, expected, 0.0)
    came = np.where(known, scale.capped(np.where(known, counts, 0.0), planned), 0.0)
    zero = np.zeros((*counts.shape[:-1], 1))
    return Sums(
        np.concatenate((zero, np.cumsum(came, axis=-1)), axis=-1),
        np.concatenate((zero, np.cumsum(planned * scale.level, axis=-1)), axis=-1),
    )


def shown(sums: Sums, midnight: Ints, now: Ints, slots: int, scale: Scale) -> Floats:
    """What has been seen at each moment: log-ratios of the windows, (..., windows).

    midnight, now  index of the day's first slot and of the first that has not ended yet
    """
    begins = [midnight, *(np.maximum(now - max(1, round(h * slots / 24)), 0) for h in RECENT_H)]
    spans = [*((begin, now) for begin in begins), (np.maximum(midnight - slots, 0), midnight)]
    k = scale.evidence
    return np.stack(
        [
            np.log(
                (sums.counts[end] - sums.counts[begin] + k)
                / (sums.expected[end] - sums.expected[begin] + k)
            )
            for begin, end in spans
        ],
        axis=-1,
    )


def lead_edges(slots: int) -> Ints:
    """Slots ahead at which the groups of leads begin and end."""
    return np.array([round(h * slots / 24) for h in LEADS_H])


def lead_of(slots: int) -> Ints:
    """The group of each of the slots of the next 24 hours."""
    edges = lead_edges(slots)
    groups: Ints = np.searchsorted(edges, np.arange(slots), side="right") - 1
    return np.minimum(groups, LEADS - 1)


def over_leads(values: Floats, slots: int) -> Floats:
    """Values of the groups (..., leads) at each slot of the next 24 hours, without steps."""
    edges = np.array(LEADS_H)
    centres = (edges[1:] + edges[:-1]) / 2
    ahead = (np.arange(slots) + 0.5) * 24 / slots
    upper = np.clip(np.searchsorted(centres, ahead), 1, LEADS - 1)
    share = np.clip((ahead - centres[upper - 1]) / (centres[upper] - centres[upper - 1]), 0.0, 1.0)
    spread: Floats = values[..., upper - 1] * (1 - share) + values[..., upper] * share
    return spread
