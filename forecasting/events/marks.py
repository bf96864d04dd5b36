"""Marks: what the cleaning found in a queue's past, as spans that a person can confirm or refuse.

The cleaning already caps spikes and leaves outages out, so a proposed mark changes nothing; it
says what was done. Accepting one leaves its span out of all learning. Rejecting one makes its
counts normal: they are learned from as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import SLOTS, Bools, Days, Floats, cells_between
from forecasting.protocol import Forecaster, History
from wfm.marks import Mark, MarkKind

# Spans of one kind this close are one.
MERGED_WITHIN = timedelta(hours=1)
# What is worth a planner's look: so many contacts more than expected, and so many times as many;
# or, for a lull, so many fewer, and so small a share.
LEAST_EXCESS = 20.0
LEAST_RATIO = 3.0


def proposals(history: History, zone: ZoneInfo) -> tuple[Mark, ...]:
    """The outages and outliers that the cleaning found, in order of time.

    Outlier spans are told where they matter: 20 contacts beyond the expected and three times as
    many, or 20 short of it and a third as many. Counted and expected contacts are summed over the
    span; spans of a kind that lie within an hour of each other are one.
    """
    cleaned = history.cleaned
    seen = np.isfinite(history.counts) & ~history.known
    off = seen & ~cleaned.outage & (np.abs(history.counts - cleaned.capped) > 0)
    if not (off.any() or cleaned.outage.any()):
        return ()
    expected = _expected(history)
    marks = [
        *_spans(history, cleaned.outage, expected, zone, "outage"),
        *_spans(history, off, expected, zone, "outlier"),
    ]
    return tuple(sorted(marks, key=lambda mark: (mark.start, mark.kind)))


def _matters(contacts: float, expected: float) -> bool:
    more, less = max(contacts, expected), min(contacts, expected)
    return more - less >= LEAST_EXCESS and more >= LEAST_RATIO * less


def _expected(history: History) -> Floats:
    """What each cell would ordinarily have had, (days, slots)."""
    capped = np.where(history.cleaned.outage, np.nan, history.cleaned.capped)
    weeks = np.full((7, capped.shape[1]), np.nan)
    everyday = _mean(capped)
    for k in range(7):
        weeks[k] = _mean(capped[history.weekday == k])
    weeks = np.where(np.isfinite(weeks), weeks, np.nan_to_num(everyday))
    found: Floats = weeks[history.weekday]
    return found


def _mean(counts: Floats) -> Floats:
    """Mean of each slot in log1p, NaN where nothing was seen."""
    seen = np.isfinite(counts)
    size = seen.sum(axis=0)
    logs = np.where(seen, np.log1p(np.where(seen, counts, 0.0)), 0.0).sum(axis=0)
    mean = np.full(counts.shape[1], np.nan)
    np.divide(logs, size, out=mean, where=size > 0)
    return np.asarray(np.expm1(mean))


def _spans(
    history: History, cells: Bools, expected: Floats, zone: ZoneInfo, kind: MarkKind
) -> list[Mark]:
    """The runs of `cells` as marks: close ones merged, outliers that do not matter left out."""
    slots = cells.shape[1]
    near = max(1, int(MERGED_WITHIN / timedelta(days=1) * slots))
    flat = np.flatnonzero(cells.ravel())
    if not len(flat):
        return []
    breaks = np.flatnonzero(np.diff(flat) > near + 1)
    firsts = flat[np.concatenate(([0], breaks + 1))]
    lasts = flat[np.concatenate((breaks, [len(flat) - 1]))]
    counts, usual = history.counts.ravel(), expected.ravel()
    marks = []
    for first, last in zip(firsts, lasts, strict=True):
        span = slice(first, last + 1)
        contacts = float(np.nansum(counts[span]))
        normal = float(usual[span][np.isfinite(counts[span])].sum())
        if kind == "outlier" and not _matters(contacts, normal):
            continue
        start = instant_of(history.days, first, slots, zone)
        end = instant_of(history.days, last + 1, slots, zone)
        # An hour that the clocks skipped leaves nothing to mark.
        if start < end:
            mark = Mark(history.queue, start, end, kind, contacts=contacts, expected=normal)
            marks.append(mark)
    return marks


def instant_of(days: Days, cell: int, slots: int, zone: ZoneInfo) -> datetime:
    """The UTC instant at which a cell begins."""
    day, slot = divmod(int(cell), slots)
    wall = pd.Timestamp(days[0] + np.timedelta64(day, "D")) + pd.Timedelta(
        minutes=24 * 60 * slot / slots
    )
    # A time that the clocks skip counts as when they went forward; one that comes twice, as first.
    local = wall.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
    instant: datetime = local.tz_convert("UTC").to_pydatetime()
    return instant


def mark_masks(
    marks: Sequence[Mark], queue: str, days: Days, zone: ZoneInfo, slots: int = SLOTS
) -> tuple[Bools, Bools]:
    """Cells (days, slots) to be left out of learning, and cells to be taken as they are.

    An accepted mark on the queue puts its cells into the first, a rejected one into the second; a
    proposed one into neither, for the cleaning deals with it. Where marks disagree, the accepted
    one holds.
    """
    known = np.zeros((len(days), slots), dtype=bool)
    trusted = np.zeros((len(days), slots), dtype=bool)
    for mark in marks:
        if mark.queue != queue or mark.state == "proposed":
            continue
        cells = cells_between(mark.start, mark.end, days, zone, slots)
        if mark.state == "accepted":
            known |= cells
        else:
            trusted |= cells
    return known, trusted & ~known


def effect_of(
    history: History, mark: Mark, forecaster: Forecaster, days: Days, zone: ZoneInfo
) -> float:
    """Contacts by which the mean total of the coming `days` changes if the mark is turned round.

    A mark in force (proposed or accepted) is taken as rejected: its counts are learned from as they
    are. A rejected one is taken as accepted: its span is left out. `history` holds the mark as it
    stands; other marks stay as they are.
    """
    cells = cells_between(mark.start, mark.end, history.days, zone, history.counts.shape[1])
    trusted = np.zeros_like(cells) if history.trusted is None else history.trusted
    turned = (
        replace(history, known=history.known & ~cells, trusted=trusted | cells)
        if mark.in_force
        else replace(history, known=history.known | cells, trusted=trusted & ~cells)
    )
    now, then = (float(forecaster.predict(past, days).mean.sum()) for past in (history, turned))
    return then - now
