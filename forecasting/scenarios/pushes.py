"""What has pushed a queue beyond its usual volume: how strongly, how it rose, held and faded.

Three sources: campaigns that people told of, spikes that nobody did (the ledger of
`forecasting.intraday.spikes`), and outages with what came after them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from forecasting.engine.clean import OUTAGE_EXPECTED
from forecasting.events.analogues import Lessons, lessons_of
from forecasting.events.curves import moved_by_campaigns
from forecasting.events.marks import LEAST_EXCESS, instant_of, mark_masks
from forecasting.grid import Bools, Floats, cells_between
from forecasting.intraday.spikes import ledger, spread_of
from forecasting.protocol import History
from forecasting.scenarios.shapes import LEAST_SD, Fitted, fitted
from wfm.campaigns import Campaign, Category
from wfm.marks import Mark

# How long a spike is followed: at least so long, and beyond the last slot that stood out; at most.
FOLLOWED_H, BEYOND_H, MOST_H = 6.0, 2.0, 24.0
# How long after an outage what comes is still its doing.
AFTERMATH_H = 6.0
# The hours before tell how busy the day is anyway; so many contacts weigh as much as the usual day.
BEFORE_H = 6.0
USUAL_CONTACTS = 50.0
# A gap in the counts is an outage of the intake from more than an hour on, since clocks that go
# forward leave one out; beyond half a day a file is missing.
GAP_H = (1.0, 12.0)
# Handling times are compared with those of so many days on either side; the coefficient of
# variation of one case's, and the scatter of their mean from push to push, in logs.
HANDLING_DAYS = 14
CASE_CV = 0.8
HANDLING_SD = 0.1

Kind = Literal["campaign", "spike", "outage", "aftermath"]


@dataclass(frozen=True)
class Push:
    """A past push as it was measured on a queue.

    kind    "campaign" of a category; "spike" of the ledger; "outage", in which fewer contacts came;
            "aftermath", what came when it was over
    factor  volume over the usual at its peak; NaN where nothing was counted
    sd      standard deviation of its logarithm, by chance
    rise_min, length_min, half_life_min  None where they cannot be told
    handling     handling time over the usual, with the standard deviation of its logarithm; None
                 where none was recorded
    """

    kind: Kind
    cause: Category
    queue: str
    start: datetime
    factor: float
    sd: float
    rise_min: float | None = None
    length_min: float | None = None
    half_life_min: float | None = None
    handling: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class _Past:
    """A queue's counts in one run of slots (days * slots,), and what is usual there.

    seen      counts; NaN where missing or moved by what is known of
    expected  what is usual; aht_s: handling times, NaN where none
    """

    history: History
    zone: ZoneInfo
    seen: Floats
    expected: Floats
    aht_s: Floats
    spread: float

    @property
    def per_hour(self) -> float:
        return float(self.history.counts.shape[1] / 24)

    def slots(self, hours: float) -> int:
        return max(1, round(hours * self.per_hour))

    def instant(self, slot: int) -> datetime:
        return instant_of(self.history.days, slot, self.history.counts.shape[1], self.zone)


def pushes_of(
    history: History,
    campaigns: Sequence[Campaign],
    marks: Sequence[Mark],
    zone: ZoneInfo,
    *,
    aht_s: Floats | None = None,
) -> tuple[Push, ...]:
    """Everything that has pushed the queue, by start.

    history  with campaigns, holidays and accepted marks left out of what is usual
    aht_s    (days, slots) mean handling times, NaN where none; None: none at all

    A spike within hours after an outage is its aftermath; what a person said is normal is none.
    """
    past = _past(history, campaigns, marks, zone, aht_s)
    gone = list(_outages(past, marks))
    after = [end for _, end in gone]
    found = [
        *_campaigns(past, campaigns),
        *(push for start, end in gone for push in _around(past, start, end)),
        *_spikes(past, after),
    ]
    return tuple(sorted(found, key=lambda push: (push.start, push.kind)))


def _past(
    history: History,
    campaigns: Sequence[Campaign],
    marks: Sequence[Mark],
    zone: ZoneInfo,
    aht_s: Floats | None,
) -> _Past:
    slots = history.counts.shape[1]
    accepted, normal = mark_masks(
        [mark for mark in marks if mark.kind == "outlier"], history.queue, history.days, zone, slots
    )
    moved = moved_by_campaigns(history.days, campaigns, history.queue, zone, slots)
    # An outlier that a person confirmed is left out of what is usual, and is what is looked for.
    hidden = (history.known & ~accepted) | moved | normal | history.cleaned.outage
    seen = np.where(hidden, np.nan, history.counts).ravel()
    expected = history.cleaned.expected.ravel()
    return _Past(
        history=history,
        zone=zone,
        seen=seen,
        expected=expected,
        aht_s=np.full(len(seen), np.nan) if aht_s is None else aht_s.ravel(),
        spread=spread_of(seen, expected),
    )


# -- what people told of -------------------------------------------------------------------------


def _campaigns(past: _Past, campaigns: Sequence[Campaign]) -> Iterator[Push]:
    lessons = lessons_of(past.history, campaigns, past.zone)
    by_name = {campaign.name: campaign for campaign in campaigns}
    for one in lessons.analogues:
        campaign = by_name[one.name]
        lasts = (campaign.end - campaign.start) / timedelta(minutes=1)
        yield Push(
            kind="campaign",
            cause=campaign.category,
            queue=past.history.queue,
            start=campaign.start,
            factor=float(np.exp(one.log)),
            sd=one.sd,
            rise_min=campaign.rise_min,
            length_min=lasts,
            half_life_min=campaign.half_life_min * _fading(lessons, campaign.category),
            handling=_handling(past, campaign.start, lasts),
        )


def _fading(lessons: Lessons, category: Category) -> float:
    """How many times its stated half-life a campaign of the category takes to fade."""
    return next((times for name, times, _ in lessons.fades if name == category), 1.0)


# -- what nobody told of -------------------------------------------------------------------------


def _spikes(past: _Past, outages_end: Sequence[int]) -> Iterator[Push]:
    lines = ledger(past.seen, past.expected, past.spread, per_hour=past.per_hour)
    ends = [*(line.onset for line in lines), len(past.seen)][1:]
    for line, following in zip(lines, ends, strict=True):
        near = past.slots(AFTERMATH_H)
        if line.excess < LEAST_EXCESS or any(0 <= line.onset - e < near for e in outages_end):
            continue
        hours = max(FOLLOWED_H, line.slots / past.per_hour + BEYOND_H)
        until = min(line.onset + past.slots(min(hours, MOST_H)), following)
        shape = _shape(past, line.onset, until, _level(past, line.onset), early=True)
        if shape is not None and shape.factor > 1:
            yield _push(past, "spike", line.onset, shape)


def _level(past: _Past, slot: int) -> float:
    """How busy the day is beside the usual, by the hours before the slot."""
    before = slice(max(0, slot - past.slots(BEFORE_H)), slot)
    seen = np.isfinite(past.seen[before])
    came = float(past.seen[before][seen].sum())
    usual = float(past.expected[before][seen].sum())
    return (came + USUAL_CONTACTS) / (usual + USUAL_CONTACTS)


# -- outages -------------------------------------------------------------------------------------


def _outages(past: _Past, marks: Sequence[Mark]) -> Iterator[tuple[int, int]]:
    """First slot and end of each stretch in which contacts did not come in."""
    shape = past.history.counts.shape
    accepted, _ = mark_masks(
        [mark for mark in marks if mark.kind == "outage"],
        past.history.queue,
        past.history.days,
        past.zone,
        shape[1],
    )
    yield from _runs((accepted | past.history.cleaned.outage).ravel())
    for start, end in _runs(~np.isfinite(past.history.counts).ravel()):
        lasts = (end - start) / past.per_hour
        missed = float(past.expected[start:end].sum())
        if GAP_H[0] < lasts <= GAP_H[1] and missed > OUTAGE_EXPECTED * past.spread**2:
            yield start, end


def _runs(cells: Bools) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], cells.astype(np.int8), [0]))))
    yield from ((int(start), int(end)) for start, end in edges.reshape(-1, 2))


def _around(past: _Past, start: int, end: int) -> Iterator[Push]:
    """An outage, and what came after it."""
    counts = past.history.counts.ravel()[start:end]
    counted = np.isfinite(counts)
    usual = float(past.expected[start:end][counted].sum())
    yield Push(
        kind="outage",
        cause="outage",
        queue=past.history.queue,
        start=past.instant(start),
        factor=float(counts[counted].sum()) / usual if usual > 0 else float("nan"),
        sd=LEAST_SD,
        rise_min=0.0,
        length_min=(end - start) / past.per_hour * 60,
    )
    until = min(end + past.slots(AFTERMATH_H), len(past.seen))
    shape = _shape(past, end, until, _level(past, start))
    if shape is not None and float(past.expected[end:until].sum()) >= LEAST_EXCESS:
        yield _push(past, "aftermath", end, shape)


# -- one of them ---------------------------------------------------------------------------------


def _shape(
    past: _Past, start: int, end: int, level: float, *, early: bool = False
) -> Fitted | None:
    """The shape of what came in the slots [start, end), on a day so busy beside the usual."""
    return fitted(
        past.seen[start:end],
        past.expected[start:end] * level,
        spread=past.spread,
        per_hour=past.per_hour,
        early=early,
    )


def _push(past: _Past, kind: Kind, slot: int, shape: Fitted) -> Push:
    start = past.instant(slot)
    return Push(
        kind=kind,
        cause="viral" if kind == "spike" else "outage",
        queue=past.history.queue,
        start=start,
        factor=shape.factor,
        sd=shape.sd,
        rise_min=shape.rise_min if shape.told else None,
        length_min=shape.length_min if shape.told else None,
        half_life_min=shape.half_life_min if shape.told else None,
        handling=_handling(past, start, shape.length_min + shape.half_life_min),
    )


def _handling(past: _Past, start: datetime, lasts_min: float) -> tuple[float, float] | None:
    """Handling time in the span over that of the days around, and the sd of its logarithm."""
    shape = past.history.counts.shape
    end = start + timedelta(minutes=lasts_min)
    during = cells_between(start, end, past.history.days, past.zone, shape[1]).ravel()
    days = HANDLING_DAYS * shape[1]
    around = np.zeros_like(during)
    for first, last in _runs(during):
        around[max(0, first - days) : last + days] = True
    counts = past.history.counts.ravel()
    told = np.isfinite(counts) & np.isfinite(past.aht_s) & (past.aht_s > 0)
    came, took = _mean(counts, past.aht_s, told & during)
    usual, takes = _mean(counts, past.aht_s, told & around & ~during)
    if came <= 0 or usual <= 0:
        return None
    return took / takes, float(np.hypot(CASE_CV / np.sqrt(came), HANDLING_SD))


def _mean(counts: Floats, aht_s: Floats, chosen: Bools) -> tuple[float, float]:
    """Contacts of the chosen slots, and their mean handling time."""
    contacts = float(counts[chosen].sum())
    worked = float((counts[chosen] * aht_s[chosen]).sum())
    return contacts, worked / contacts if contacts > 0 else 0.0
