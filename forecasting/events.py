"""Holidays and campaigns: kept out of what the baseline learns, put back on top of it.

The forecast is base x holiday x (1 + sum of uplift x shape). A public holiday of the queue's
markets looks like the quietest of Friday, Saturday and Sunday, corrected by what past holidays
did. A campaign's uplift is the planner's, or learned from past campaigns of its category on the
queue, or a prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import SLOTS, Bools, Days, Floats, as_date, local_slots, weekdays
from forecasting.profile import profile_around, tuned_shape
from forecasting.protocol import History
from wfm.calendars import is_public_holiday
from wfm.campaigns import Campaign
from wfm.frames import interval_index
from wfm.timegrid import INTERVAL, floor_interval, interval_count

# Below this share of its peak a campaign is no longer felt: after 6.6 half-lives.
FELT = 0.01
# Where the uplift is measured, and the ordinary contacts it takes to measure one.
MEASURED_SHAPE = 0.10
MEASURED_CONTACTS = 20.0
# The uplift expected of a campaign of which nothing is known, worth this many past campaigns.
PRIOR_UPLIFT = 0.5
PRIOR_CAMPAIGNS = 1.0
# How far the uplift of one campaign lies from what was expected of it: standard deviation of
# log(1 + uplift) before any campaign was seen, and how many campaigns that belief is worth.
PRIOR_SD = 0.25
PRIOR_SD_CAMPAIGNS = 2.0
# A planner's own figure is trusted more.
PLANNED_SD = 0.15
# The belief that a holiday is like a quiet day is worth this many past holidays.
PRIOR_HOLIDAYS = 2.0
HOLIDAY_SD = 0.15
# How far a holiday's day takes the quiet day's shape before any was seen: 0 its own, 1 all of it.
PRIOR_LIKENESS = 0.5
# Bounds of a holiday's log effect: silence to twice the volume.
HOLIDAY_BOUNDS = (-5.0, 0.7)
QUIET_DAYS = (4, 5, 6)


# -- when they are felt --------------------------------------------------------------------------


def holiday_shares(days: Days, countries: Sequence[str]) -> Floats:
    """Share of the countries that keep a public holiday on each local day."""
    if not countries:
        return np.zeros(len(days))
    return np.array(
        [np.mean([is_public_holiday(as_date(day), c) for c in countries]) for day in days]
    )


def felt_until(campaign: Campaign) -> datetime:
    """The instant from which the campaign's shape stays below `FELT`."""
    fade = campaign.half_life_min * float(np.log2(1 / FELT))
    return campaign.end + timedelta(minutes=fade)


def campaign_shape(campaign: Campaign, starts: pd.DatetimeIndex) -> Floats:
    """Share of the peak felt in each of the consecutive intervals, taken at its middle."""
    shape = np.zeros(len(starts))
    begin: datetime = starts[0].to_pydatetime()
    first = interval_count(begin, floor_interval(campaign.start))
    last = interval_count(begin, felt_until(campaign)) + 1
    for i in range(max(0, first), min(len(starts), last)):
        shape[i] = campaign.shape(begin + (i + 0.5) * INTERVAL)
    return shape


def moved_by_campaigns(
    days: Days, campaigns: Sequence[Campaign], queue: str, zone: ZoneInfo
) -> Bools:
    """Cells (days, 96) in which a campaign on the queue is felt."""
    moved = np.zeros(len(days) * SLOTS, dtype=bool)
    for campaign in campaigns:
        if queue not in campaign.queues:
            continue
        felt = interval_index(floor_interval(campaign.start), felt_until(campaign))
        at, slots = local_slots(felt, zone)
        cells = (at - days[0]).astype("int64") * SLOTS + slots
        moved[cells[(cells >= 0) & (cells < moved.size)]] = True
    return moved.reshape(-1, SLOTS)


# -- holidays ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class HolidayEffect:
    """What holidays do to the coming days, shape (days, 96) and (days, 1).

    factor  multiplies the ordinary forecast
    sd      standard deviation of the log of the factor
    notes   what was applied, in words
    """

    factor: Floats
    sd: Floats
    notes: tuple[str, ...]


def _quiet_day(week: Floats) -> int:
    """The weekday a holiday looks like, given (7, 96) means."""
    return min(QUIET_DAYS, key=lambda k: float(week[k].sum()))


def _log_ratio(part: float, whole: float) -> float:
    """Log of a ratio of contacts in a day, calm where there are next to none."""
    return float(np.clip(np.log((part + 1.0) / (whole + 1.0)), *HOLIDAY_BOUNDS))


def _prior(week: Floats, weekday: int) -> float:
    """Log effect of a holiday on that weekday by its likeness to a quiet day; never above 0."""
    return min(0.0, _log_ratio(float(week[_quiet_day(week)].sum()), float(week[weekday].sum())))


@dataclass(frozen=True)
class _Lesson:
    """What past holidays taught.

    surprise  how much busier they were than a quiet day, in logs; shrunk to none
    sd        how far a single holiday lies from that
    likeness  how far their shape was the quiet day's, 0 to 1
    count     how many there were to learn from
    """

    surprise: float
    sd: float
    likeness: float
    count: int


def _lesson(history: History, shares: Floats, campaigns: Bools) -> _Lesson:
    """Learn from past holidays; each belief held before is worth `PRIOR_HOLIDAYS` of them."""
    surprises, told, lent = [], [], []
    past = np.flatnonzero(shares > 0)
    weeks = profile_around(history, past, tuned_shape(history)).mean if len(past) else ()
    for row, week in zip(past, weeks, strict=True):
        counts, weekday = history.counts[row], int(history.weekday[row])
        usable = np.isfinite(counts) & ~campaigns[row]
        own, quiet = week[weekday][usable], week[_quiet_day(week)][usable]
        if usable.mean() < 0.5 or own.sum() < MEASURED_CONTACTS or quiet.sum() == 0:
            continue
        seen = _log_ratio(float(counts[usable].sum()), float(own.sum()))
        # A holiday in some of the markets only shows part of its effect.
        surprises.append(seen / shares[row] - _prior(week, weekday))
        turn = quiet / quiet.sum() - own / own.sum()
        told.append(
            float((counts[usable] / max(1.0, counts[usable].sum()) - own / own.sum()) @ turn)
        )
        lent.append(float(turn @ turn))
    n = len(surprises)
    surprise = sum(surprises) / (n + PRIOR_HOLIDAYS)
    scatter = sum((s - surprise) ** 2 for s in surprises) + PRIOR_HOLIDAYS * HOLIDAY_SD**2
    belief = PRIOR_HOLIDAYS * (sum(lent) / n if n else 1.0)
    likeness = (sum(told) + belief * PRIOR_LIKENESS) / max(1e-12, sum(lent) + belief)
    return _Lesson(
        surprise, float(np.sqrt(scatter / (n + PRIOR_HOLIDAYS))), float(np.clip(likeness, 0, 1)), n
    )


def _reshaped(own: Floats, quiet: Floats, likeness: float) -> Floats:
    """Factors that turn a day's shape towards the quiet day's and keep its total."""
    if own.sum() == 0 or quiet.sum() == 0:
        return np.ones(SLOTS)
    # A little of everything, so that a slot empty on one of the days bends nothing out of shape.
    ours, theirs = (day / day.sum() + 1e-4 for day in (own, quiet))
    factor = np.clip(1 + likeness * (theirs / ours - 1), 0.1, 10.0)
    kept: Floats = factor * own.sum() / (own * factor).sum()
    return kept


def holiday_effect(
    history: History, days: Days, countries: Sequence[str], campaigns: Bools
) -> HolidayEffect:
    """The effect of the markets' public holidays on the coming `days`.

    campaigns  (history's days, 96) where campaigns were felt
    """
    factor, sd = np.ones((len(days), SLOTS)), np.zeros((len(days), 1))
    shares = holiday_shares(days, countries)
    coming = np.flatnonzero(shares > 0)
    if not len(coming):
        return HolidayEffect(factor, sd, ())
    lesson = _lesson(history, holiday_shares(history.days, countries), campaigns)
    week = profile_around(history, np.array([len(history) - 1]), tuned_shape(history)).mean[0]
    quiet = week[_quiet_day(week)]
    notes = []
    for row in coming:
        weekday, share = int(weekdays(days)[row]), float(shares[row])
        log = float(np.clip(_prior(week, weekday) + lesson.surprise, *HOLIDAY_BOUNDS)) * share
        factor[row] = _reshaped(week[weekday], quiet, lesson.likeness * share) * np.exp(log)
        sd[row] = lesson.sd * share
        known = f"learned from {lesson.count} past" if lesson.count else "as on a quiet day"
        notes.append(
            f"{history.queue}: public holiday on {days[row]}, x{np.exp(log):.2f} ({known})"
        )
    return HolidayEffect(factor, sd, tuple(notes))


# -- campaigns -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Uplift:
    """The peak uplift put on a campaign, and how it was come by.

    sd  standard deviation of log(1 + uplift) at the peak
    """

    campaign: Campaign
    peak: float
    sd: float
    origin: str


def measured_uplift(history: History, campaign: Campaign, zone: ZoneInfo) -> float | None:
    """Peak uplift a past campaign had on the queue; None where it cannot be told."""
    felt = interval_index(floor_interval(campaign.start), felt_until(campaign))
    at, slots = local_slots(felt, zone)
    rows = (at - history.days[0]).astype("int64")
    inside = (rows >= 0) & (rows < len(history))
    if not inside.any():
        return None
    rows, slots, felt = rows[inside], slots[inside], felt[inside]
    shape = campaign_shape(campaign, felt)
    centre = np.array([rows[0]])
    week = profile_around(history, centre, tuned_shape(history)).mean[0]
    base = week[history.weekday[rows], slots] * _level_beside(history, week, int(rows[0]))
    counts = history.counts[rows, slots]
    usable = np.isfinite(counts) & (shape >= MEASURED_SHAPE)
    expected = float((base * shape)[usable].sum())
    if expected < MEASURED_CONTACTS:
        return None
    return max(0.0, float((counts - base)[usable].sum()) / expected)


def _level_beside(history: History, week: Floats, row: int) -> float:
    """How busy the ordinary days within a week of `row` were, over the profile."""
    near = slice(max(0, row - 7), row + 8)
    capped = history.cleaned.capped[near]
    told = week[history.weekday[near]]
    seen = np.isfinite(capped)
    expected = float(told[seen].sum())
    return float(capped[seen].sum()) / expected if expected >= MEASURED_CONTACTS else 1.0


def _learned(found: Sequence[float]) -> tuple[float, float]:
    """Uplift and its sd in logs, from past ones and the prior, averaged in log(1 + uplift)."""
    logs = np.log1p(np.array(found, dtype=float))
    n = len(logs)
    centre = (logs.sum() + PRIOR_CAMPAIGNS * np.log1p(PRIOR_UPLIFT)) / (n + PRIOR_CAMPAIGNS)
    scatter = (float(((logs - centre) ** 2).sum()) + PRIOR_SD_CAMPAIGNS * PRIOR_SD**2) / (
        n + PRIOR_SD_CAMPAIGNS
    )
    # A new campaign scatters, and the centre itself is only known so well.
    sd = np.sqrt(scatter * (1.0 + 1.0 / (n + PRIOR_CAMPAIGNS)))
    return float(np.expm1(centre)), float(sd)


def uplift_of(
    campaign: Campaign, history: History, campaigns: Sequence[Campaign], zone: ZoneInfo
) -> Uplift:
    """The uplift to put on `campaign`: given, learned from its category, or the prior."""
    if campaign.peak_uplift is not None:
        return Uplift(campaign, campaign.peak_uplift, PLANNED_SD, "as planned")
    past = [
        found
        for other in campaigns
        if other.category == campaign.category and history.queue in other.queues
        if (found := measured_uplift(history, other, zone)) is not None
    ]
    peak, sd = _learned(past)
    if not past:
        return Uplift(campaign, peak, sd, "a prior: no past campaign of its kind")
    shown = ", ".join(f"{u:+.0%}" for u in past)
    return Uplift(campaign, peak, sd, f"learned from {len(past)} of its kind: {shown}")


@dataclass(frozen=True, eq=False)
class CampaignEffect:
    """What campaigns do to the coming intervals, shape (intervals,).

    factor  1 + sum of uplift x shape
    sd      standard deviation of the log of the factor
    """

    factor: Floats
    sd: Floats
    notes: tuple[str, ...]


def campaign_effect(
    history: History, campaigns: Sequence[Campaign], starts: pd.DatetimeIndex, zone: ZoneInfo
) -> CampaignEffect:
    """The effect of the campaigns on the queue that are felt in the consecutive intervals."""
    added, variance = np.zeros(len(starts)), np.zeros(len(starts))
    notes = []
    for campaign in campaigns:
        if history.queue not in campaign.queues:
            continue
        shape = campaign_shape(campaign, starts)
        if shape.max(initial=0.0) < FELT:
            continue
        uplift = uplift_of(campaign, history, campaigns, zone)
        added += uplift.peak * shape
        # sd of log(1 + uplift) to sd of the uplift itself.
        variance += ((1 + uplift.peak) * uplift.sd * shape) ** 2
        notes.append(
            f"{history.queue}: {campaign.category} {campaign.name!r}, "
            f"{uplift.peak:+.0%} at its peak ({uplift.origin})"
        )
    return CampaignEffect(1 + added, np.sqrt(variance) / (1 + added), tuple(notes))
