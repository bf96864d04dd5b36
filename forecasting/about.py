"""What to know about a history that a forecast rests on, in words."""

from __future__ import annotations

import numpy as np

from forecasting.protocol import History
from wfm.calendars import WEEKDAYS

# Below this a forecast is told to rest on little.
LITTLE_DAYS = 42
# Spikes are told from this share of all contacts on.
TOLD_SHARE = 0.001
# On average below so many contacts an interval, chance owns most of it.
SPARSE = 1.0


def about(history: History) -> list[str]:
    """How far the history bears a forecast, and what was left out of it; each names its queue."""
    notes = []
    seen = int(np.isfinite(history.counts).any(axis=1).sum())
    if seen < LITTLE_DAYS:
        notes.append(
            f"{history.queue}: rests on {seen} days only; with six weeks or more the bands are "
            "firmer and the weekdays better told apart"
        )
    average = float(np.nanmean(history.counts))
    if average < SPARSE:
        notes.append(
            f"{history.queue}: {average:.2f} contacts an interval, so that chance owns most of a "
            "quarter-hour; judge it by the hour or the day"
        )
    cleaned = history.cleaned
    spikes = int((cleaned.excess > 0).sum())
    share = float(cleaned.excess.sum() / max(1.0, float(np.nansum(history.counts))))
    if share >= TOLD_SHARE:
        notes.append(f"{history.queue}: spikes capped in {spikes} intervals ({share:.1%} of all)")
    if cleaned.outage.any():
        days = history.days[cleaned.outage.any(axis=1)]
        shown = ", ".join(str(day) for day in days[:3])
        notes.append(f"{history.queue}: taken for an outage and left out: zeros on {shown}")
    return [*notes, *_never_seen(history)]


def _never_seen(history: History) -> list[str]:
    """Weekdays and times of day of which the volumes say nothing: missing is not zero."""
    seen = np.isfinite(history.counts)
    notes = []
    days = [name for k, name in enumerate(WEEKDAYS) if not seen[history.weekday == k].any()]
    if days:
        notes.append(
            f"{history.queue}: no volumes at all on {', '.join(days)}, forecast like the other "
            "days; if nobody writes then, import zeros"
        )
    slots = int((~seen.any(axis=0)).sum())
    if slots:
        notes.append(
            f"{history.queue}: no volumes at all at {slots} of {seen.shape[1]} quarter-hours of "
            "the day, forecast as none; if people write then, import their counts"
        )
    return notes
