"""Public holidays: kept out of what the baseline learns, put back on top of it.

Before any was seen, a holiday looks like the series' own quiet weekend day. What past days of its
kind did corrects that, a holiday of the same name most, a day beside it a little less, any other
holiday least: a Gaussian process over the days that holidays touched, whose spreads the series
itself chooses. Its posterior spread is the honest one and widens the bands; its mean may also say
that a holiday is busy. The day's shape is turned towards the quiet day's by how alike past ones
were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.events.daytypes import (
    SET_APART,
    Kind,
    Touched,
    touched_days,
    weekend_in,
)
from forecasting.events.kinship import foretold
from forecasting.events.ordinary import MEASURED_SHARE, Ordinary
from forecasting.grid import Bools, Days, Floats, weekdays
from forecasting.protocol import History

# A day is judged where this many contacts were to be expected, over half of its slots or more.
MEASURED_CONTACTS = 20.0
# How far back is looked at all.
MEMORY_DAYS = 800
# How much of the way from an ordinary to a quiet day each kind goes before any was seen.
QUIET: dict[Kind, float] = {
    "great holiday": 1.0,
    "holiday": 1.0,
    "bridge": 0.5,
    "long weekend": 0.0,
    "festive eve": 0.5,
    "between": 0.25,
    "eve": 0.0,
    "after": 0.0,
}
# How much of that a series keeps, and how strongly each is believed before a holiday was seen: all
# as most do, or nothing, for who works through holidays as through any day.
KEPT = ((1.0, 0.99), (0.0, 0.01))
HOLIDAYS: tuple[Kind, ...] = ("great holiday", "holiday")
# How far a holiday takes the quiet day's shape: a belief worth this many past holidays.
LIKENESS = 0.5
PRIOR_HOLIDAYS = 2.0
# How much quieter still a great holiday is expected to be, in logs.
GREAT_QUIET = 0.3
# Bounds of the log effect: silence to twenty times the volume.
BOUNDS = (-9.0, 3.0)
# Parts of the day by which its shape is told, how far a part's share may move, in logs, and how
# many contacts calm it.
PARTS = 12
WEEK = 7
BEND = 2.5
PART_CONTACTS = 3.0
# The share of an effect that shows, at least, however few markets keep the day.
LEAST_SHOWN = 0.2
# A single day scatters around an ordinary week that is itself only known so well.
NEW_DAY = 1.5


@dataclass(frozen=True, eq=False)
class HolidayEffect:
    """What holidays do to the coming days, shape (days, slots) and (days, 1).

    factor  multiplies the ordinary forecast
    sd      standard deviation of the log of the factor in a slot
    notes   what was applied, in words
    """

    factor: Floats
    sd: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Past:
    """Past days that holidays touched and that could be measured.

    effect    (n,) log effect of a full holiday
    expected  (n,) what was expected of it by how quiet the weekend is
    noise     (n,) standard deviation of that by chance
    likeness  how far their shapes turned to those of the weekdays they should be like, 0 to 1
    shape     (n, parts of the day) log effect beyond that of the whole day and the likeness
    shape_noise  standard deviation of that by chance
    """

    days: tuple[Touched, ...]
    effect: Floats
    expected: Floats
    noise: Floats
    likeness: float
    shape: Floats
    shape_noise: float


def moved_by_holidays(days: Days, counts: Floats, countries: Sequence[str]) -> Bools:
    """Days (days,) to be left out of what ordinary days are learned from.

    counts  (days, slots), NaN where missing

    Where that would leave a weekday without a single day to learn from, its days beside holidays
    stay in.
    """
    if not countries:
        return np.zeros(len(days), dtype=bool)
    weekday = weekdays(days)
    touched = touched_days(days, countries, weekend_in(counts, weekday, countries))
    apart = np.zeros(len(days), dtype=bool)
    apart[[day.row for day in touched if day.kind in SET_APART]] = True
    off = np.zeros(len(days), dtype=bool)
    off[[day.row for day in touched if day.kind in HOLIDAYS]] = True
    seen = np.isfinite(counts).any(axis=1)
    for k in range(WEEK):
        if not (seen & ~apart & (weekday == k)).any():
            apart[weekday == k] = off[weekday == k]
    return apart


def holiday_effect(
    history: History, days: Days, countries: Sequence[str], campaigns: Bools
) -> HolidayEffect:
    """The effect of the markets' public holidays on the coming `days`.

    campaigns  (history's days, slots) where campaigns were felt; such counts teach nothing here

    Days that no holiday touches have factor 1 and sd 0. Knows nothing after the history's end.
    """
    factor, sd = np.ones((len(days), history.counts.shape[1])), np.zeros((len(days), 1))
    if not countries or not len(days):
        return HolidayEffect(factor, sd, ())
    recent = slice(max(0, len(history) - MEMORY_DAYS), len(history))
    weekend = weekend_in(history.counts[recent], history.weekday[recent], countries)
    coming = touched_days(days, countries, weekend)
    if not coming:
        return HolidayEffect(factor, sd, ())
    ordinary = Ordinary.of(history, recent, countries, weekend, campaigns)
    past = _measured(ordinary)
    ahead = int((days[0] - ordinary.days[0]).astype("int64"))
    noise = np.full(len(past.days), past.shape_noise)
    bends = foretold(past.days, past.shape, noise, coming, ahead)
    week = ordinary.weeks(np.array([len(ordinary.days)]))[0]
    notes = []
    at = weekdays(days)
    owns = [week[at[day.row]] for day in coming]
    expected = np.array(
        [
            _expected(day.kind, own, ordinary.quiet(week, own))
            for day, own in zip(coming, owns, strict=True)
        ]
    )
    effects, spread = _foretold_effects(past, coming, expected, ahead)
    for i, (day, own) in enumerate(zip(coming, owns, strict=True)):
        like, bend = week[day.like], bends.mean[i]
        full = float(np.clip(effects[i], *BOUNDS))
        log = _in_some_markets(full, day.share)
        shape = day.share * (past.likeness * _bend(like, own) + bend)
        factor[day.row] = _bent(own, shape) * np.exp(log)
        # A slot is as unsure as its day's level and its part of the day together.
        sd[day.row] = np.hypot(spread[i], bends.sd[i]) * _slope(full, day.share)
        notes += _notes(history, days, day, log, past)
    return HolidayEffect(factor, sd, tuple(notes))


def _foretold_effects(
    past: _Past, coming: Sequence[Touched], expected: Floats, ahead: int
) -> tuple[Floats, Floats]:
    """Log effects (coming,) of full holidays and their sds, however much of the quiet is kept.

    expected  (coming,) by how quiet the weekend is; ahead: as `foretold` has it
    """
    likely, effects, variances = [], [], []
    for kept, belief in KEPT:
        surprise = (past.effect - kept * past.expected)[:, None]
        found = foretold(past.days, surprise, past.noise, coming, ahead)
        likely.append(found.evidence + np.log(belief))
        effects.append(kept * expected + found.mean[:, 0])
        variances.append(found.sd**2)
    weight = np.exp(np.array(likely) - max(likely))
    weight /= weight.sum()
    mean = weight @ np.array(effects)
    return mean, np.sqrt(weight @ (np.array(variances) + (np.array(effects) - mean) ** 2))


def _notes(history: History, days: Days, day: Touched, log: float, past: _Past) -> list[str]:
    """A line for each day off and each other day that is changed by 3 % or more."""
    if day.kind not in HOLIDAYS and abs(log) < 0.03:
        return []
    alike = sum(other.kind == day.kind for other in past.days)
    named = sum((other.kind, other.name) == (day.kind, day.name) for other in past.days)
    known = (
        f"learned from {alike} past, {named} of the same name"
        if named
        else f"learned from {alike} past"
        if alike
        else "by other days that holidays touched"
        if past.days
        else "as on a quiet day"
    )
    what = f"public holiday {day.name}" if day.kind in HOLIDAYS else f"{day.kind} ({day.name})"
    return [f"{history.queue}: {what} on {days[day.row]}, x{np.exp(log):.2f} ({known})"]


def _log_ratio(part: float, whole: float) -> float:
    """Log of a ratio of contacts in a day, calm where there are next to none."""
    return float(np.clip(np.log((part + 1.0) / (whole + 1.0)), *BOUNDS))


def _expected(kind: Kind, own: Floats, quiet: Floats) -> float:
    """Log effect expected of a kind of day by how quiet the weekend is; never above 0."""
    beyond = GREAT_QUIET if kind == "great holiday" else 0.0
    return QUIET[kind] * min(0.0, _log_ratio(float(quiet.sum()), float(own.sum()))) - beyond


def _in_some_markets(full: float, share: float) -> float:
    """Log effect of a full holiday on the whole, when only a share of the markets keeps it."""
    return float(np.log(1 - share + share * np.exp(full)))


def _slope(full: float, share: float) -> float:
    """By how much the whole's log effect changes with the full one."""
    return float(share * np.exp(full) / (1 - share + share * np.exp(full)))


def _measured(ordinary: Ordinary) -> _Past:
    """What the touched days of the past were like."""
    rows = np.array([day.row for day in ordinary.touched], dtype=np.int64)
    kept, effects, expected, noises, shapes, turns = [], [], [], [], [], []
    told = lent = 0.0
    weeks = ordinary.weeks(rows) if len(rows) else ()
    for day, week in zip(ordinary.touched, weeks, strict=True):
        counts = ordinary.counts[day.row]
        usable = np.isfinite(counts)
        own, like = (np.where(usable, week[k], 0.0) for k in (ordinary.weekday[day.row], day.like))
        quiet = np.where(usable, ordinary.quiet(week, own), 0.0)
        counts = np.where(usable, counts, 0.0)
        seen, whole = float(counts.sum()), float(own.sum())
        if usable.mean() < MEASURED_SHARE or whole < MEASURED_CONTACTS:
            continue
        # What the keeping share did, had the others been as ever; at least a tenth of it shows.
        ratio = (seen + 1.0) / (whole + 1.0)
        least = 0.1 * day.share * ratio
        full = float(np.clip(np.log(max(ratio - 1 + day.share, least) / day.share), *BOUNDS))
        shown = max(LEAST_SHOWN, _slope(full, day.share))
        kept.append(day)
        effects.append(full)
        expected.append(_expected(day.kind, own, quiet))
        noises.append(np.sqrt(NEW_DAY * ordinary.day_sd**2 + 1.0 / (seen + 1.0)) / shown)
        weight = _parts(own) / whole
        bend, turn = _bend(counts, own), day.share * _bend(like, own)
        told += float(weight @ (bend * turn))
        lent += float(weight @ turn**2)
        shapes.append(bend)
        turns.append(turn)
    belief = PRIOR_HOLIDAYS * (lent / len(kept) if lent else 1.0)
    likeness = float(np.clip((told + belief * LIKENESS) / (lent + belief), 0.0, 1.0))
    return _Past(
        tuple(kept),
        np.array(effects),
        np.array(expected),
        np.array(noises),
        likeness,
        np.array(shapes).reshape(-1, PARTS) - likeness * np.array(turns).reshape(-1, PARTS),
        ordinary.part_sd,
    )


def _parts(day: Floats) -> Floats:
    """Contacts in each part of the day."""
    at = np.arange(len(day)) * PARTS // len(day)
    return np.asarray(np.bincount(at, weights=day, minlength=PARTS))


def _bend(day: Floats, own: Floats) -> Floats:
    """Log of each part's share of the day over what it ordinarily is; calm where little comes."""
    if day.sum() == 0 or own.sum() == 0:
        return np.zeros(PARTS)
    there, here = _parts(day), _parts(own)
    calm = PART_CONTACTS
    ratio = np.log((there + calm) / (here * day.sum() / own.sum() + calm))
    return np.asarray(np.clip(ratio, -BEND, BEND))


def _bent(own: Floats, bend: Floats) -> Floats:
    """Factors (slots,) that bend a day's shape by parts and keep its total."""
    slots = len(own)
    middle = (np.arange(PARTS) + 0.5) / PARTS
    factor = np.exp(np.interp((np.arange(slots) + 0.5) / slots, middle, bend))
    made = float((own * factor).sum())
    return np.asarray(factor * own.sum() / made) if made > 0 else np.ones(slots)
