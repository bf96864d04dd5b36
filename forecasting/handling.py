"""Handling time by weekday and hour, with its own back-test.

What an hour of a weekday took lately is shrunk to that hour of any day, and that to the queue's
mean: each cell is taken as far as its contacts carry it. How hard to shrink and how fast to forget
is chosen, queue by queue, by what would have served best in the last weeks; shrunk wholly, a queue
without a pattern keeps its mean. Outliers (a case left open over lunch) count as the largest
handling time that is still believable.

Contacts are the weights everywhere: an hour's mean over n contacts scatters with the root of n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.grid import SLOTS, Floats, Ints, day_range, local_slots, weekdays

HOURS = 24
WEEK = 7
# Beyond a year and a quarter handling was another.
MEMORY_DAYS = 456
# Logarithms are believed this many robust standard deviations from the median.
BELIEVED_SD = 3.0
MAD_SD = 1.4826
# The back-test: first origin, how far each looks, how many weeks of them are scored.
FIRST_ORIGIN = 7
TESTED_WEEKS = 12
# Settings are chosen from daily origins of this many days, the older ones weighing less.
TUNING_DAYS = 42
TUNING_HALF_LIFE = 21.0
# A pattern is believed when it takes this share off the squared error.
CLEARLY = 0.99


@dataclass(frozen=True)
class AhtAccuracy:
    """How well a queue's handling time would have been told, from rolling weekly origins.

    wape_s  contact-weighted mean absolute error of hourly means / mean handling time
    bias    expected over actual handling, all contacts together, minus 1; above 0 it was too long
    naive_wape_s      the same error of the mean of all contacts so far
    last_week_wape_s  the same error of the same hour a week before
    """

    queue: str
    origins: int
    horizon_days: int
    wape_s: float
    bias: float
    naive_wape_s: float
    last_week_wape_s: float


@dataclass(frozen=True)
class _Setting:
    """How fast to forget, and what an hour and an hour of a weekday are shrunk by, contacts."""

    half_life_days: float
    hour: float
    weekday: float


_STRENGTHS = ((np.inf, np.inf), (300.0, np.inf), (300.0, 300.0), (30.0, np.inf), (30.0, 300.0))
_HALF_LIVES = (14.0, 42.0, 180.0)
_SETTINGS = tuple(
    _Setting(half_life, hour, weekday)
    for half_life, (hour, weekday) in product(_HALF_LIVES, (*_STRENGTHS, (30.0, 30.0)))
)
_USUAL = _SETTINGS.index(_Setting(42.0, 300.0, np.inf))
_PLAIN = _SETTINGS.index(_Setting(180.0, np.inf, np.inf))


@dataclass(frozen=True, eq=False)
class _Past:
    """One queue's handling, (days, 24): contacts with a handling time, and their seconds.

    weekday   (days,), 0 is Monday
    seconds   as they were; believed: with outliers cut
    """

    weekday: Ints
    contacts: Floats
    seconds: Floats
    believed: Floats

    def __len__(self) -> int:
        return len(self.weekday)


def forecast_aht(
    past: pd.DataFrame, starts: pd.DatetimeIndex, zone: ZoneInfo, *, default_s: float
) -> Floats:
    """Mean handling time, seconds, of contacts that arrive in each interval.

    past       one queue's VOLUMES rows; those without contacts or handling time teach nothing
    default_s  what is told where nothing is known
    """
    known = _past_of(past, zone)
    if known is None:
        return np.full(len(starts), default_s)
    end = np.array([len(known)])
    tuning = np.arange(max(FIRST_ORIGIN, len(known) - TUNING_DAYS), len(known))
    tables = _tables(known, np.concatenate((tuning, end)))
    losses = _losses(known, tables[:, :-1], tuning)
    table = tables[_chosen(losses, tuning, len(known)), -1]
    days, slots = local_slots(starts, zone)
    told: Floats = table[weekdays(days), slots * HOURS // SLOTS]
    return told


def aht_accuracy(
    past: pd.DataFrame, zone: ZoneInfo, *, queue: str, default_s: float
) -> AhtAccuracy | None:
    """The score of `forecast_aht` on the queue's past; None when there is none to score.

    past       one queue's VOLUMES rows
    default_s  what is told before any handling time was seen

    Each origin knows the days before it only, its settings included, and is scored on the seven
    days after it (the last one on what there is).
    """
    known = _past_of(past, zone)
    if known is None or len(known) <= FIRST_ORIGIN:
        return None
    latest = np.arange(len(known) - WEEK, FIRST_ORIGIN - 1, -WEEK)[:TESTED_WEEKS][::-1]
    origins = latest if len(latest) else np.array([FIRST_ORIGIN])
    daily = np.arange(max(FIRST_ORIGIN, origins[0] - TUNING_DAYS), origins[-1] + 1)
    tables = _tables(known, daily)
    losses = _losses(known, tables, daily)
    ours, flat, last_week = [], [], []
    for origin in origins:
        setting = _chosen(losses, daily, int(origin))
        ours.append(tables[setting, origin - daily[0]])
        flat.append(_mean_so_far(known, int(origin), default_s))
        last_week.append(_last_week(known, int(origin), flat[-1]))
    scored = _targets(known, origins)
    contacts, seconds = known.contacts[scored.day], known.seconds[scored.day]
    contacts = np.where(scored.inside[:, :, None], contacts, 0.0)
    seconds = np.where(scored.inside[:, :, None], seconds, 0.0)
    total = float(seconds.sum())
    if total <= 0:
        return None

    def handling(expected: Sequence[Floats]) -> Floats:
        """Seconds (origins, days, 24) that the contacts would have taken."""
        at = np.arange(len(origins))[:, None]
        return contacts * np.array(expected)[at, known.weekday[scored.day]]

    def wape(expected: Sequence[Floats]) -> float:
        return float(np.abs(handling(expected) - seconds).sum()) / total

    return AhtAccuracy(
        queue=queue,
        origins=len(origins),
        horizon_days=WEEK,
        wape_s=wape(ours),
        bias=float(handling(ours).sum()) / total - 1.0,
        naive_wape_s=wape(flat),
        last_week_wape_s=wape(last_week),
    )


# -- what was handled ----------------------------------------------------------------------------


def _past_of(past: pd.DataFrame, zone: ZoneInfo) -> _Past | None:
    """Hourly handling on local days; None where no handling time is known."""
    rows = past[(past["contacts"] > 0) & (past["aht_s"] > 0)]
    if rows.empty:
        return None
    days, slots = local_slots(pd.DatetimeIndex(rows["start"]), zone)
    recent = days > days.max() - np.timedelta64(MEMORY_DAYS, "D")
    days, slots = days[recent], slots[recent]
    contacts = rows["contacts"].to_numpy(dtype=float)[recent]
    aht_s = rows["aht_s"].to_numpy(dtype=float)[recent]
    span = day_range(days.min(), days.max())
    cells = (days - span[0]).astype("int64") * HOURS + slots * HOURS // SLOTS

    def hourly(values: Floats) -> Floats:
        size = len(span) * HOURS
        return np.bincount(cells, weights=values, minlength=size).astype(float).reshape(-1, HOURS)

    return _Past(
        weekday=weekdays(span),
        contacts=hourly(contacts),
        seconds=hourly(contacts * aht_s),
        believed=hourly(contacts * _believable(aht_s, contacts)),
    )


def _believable(aht_s: Floats, contacts: Floats) -> Floats:
    """Handling times with outliers cut to the nearest believable one."""
    logs = np.log(aht_s)
    typical = np.median(logs)
    off = logs - typical
    # The mean of few contacts scatters more: neither may its chance be cut nor a busy hour's shape.
    shape = MAD_SD * float(np.median(np.abs(off)))
    chance = MAD_SD * float(np.median(np.abs(off) * np.sqrt(contacts)))
    room = BELIEVED_SD * np.maximum(shape, chance / np.sqrt(contacts))
    if shape == 0:
        return aht_s
    cut: Floats = np.exp(typical + np.clip(off, -room, room))
    return cut


# -- tables by weekday and hour ------------------------------------------------------------------


def _tables(past: _Past, origins: Ints) -> Floats:
    """Seconds by weekday and hour as known at each origin, (settings, origins, 7, 24)."""
    found = np.empty((len(_SETTINGS), len(origins), WEEK, HOURS))
    for half_life in _HALF_LIVES:
        contacts, seconds = _remembered(past, origins, half_life)
        for s, setting in enumerate(_SETTINGS):
            if setting.half_life_days == half_life:
                found[s] = _shrunk_table(contacts, seconds, setting)
    return found


def _remembered(past: _Past, origins: Ints, half_life: float) -> tuple[Floats, Floats]:
    """Contacts and seconds by weekday and hour before each origin, the older weighing less."""
    age = origins[:, None] - 1 - np.arange(len(past))
    weights = np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / half_life), 0.0)
    shape = (len(origins), WEEK, HOURS)
    contacts, seconds = np.zeros(shape), np.zeros(shape)
    for k in range(WEEK):
        rows = past.weekday == k
        contacts[:, k] = weights[:, rows] @ past.contacts[rows]
        seconds[:, k] = weights[:, rows] @ past.believed[rows]
    return contacts, seconds


def _shrunk_table(contacts: Floats, seconds: Floats, setting: _Setting) -> Floats:
    level = seconds.sum(axis=(1, 2)) / contacts.sum(axis=(1, 2))
    hour = _shrunk(seconds.sum(axis=1), contacts.sum(axis=1), level[:, None], setting.hour)
    return _shrunk(seconds, contacts, hour[:, None], setting.weekday)


def _shrunk(seconds: Floats, contacts: Floats, towards: Floats, strength: float) -> Floats:
    """Mean of each cell, as if `strength` contacts more had taken what it is shrunk to."""
    if np.isinf(strength):
        return np.broadcast_to(towards, seconds.shape)
    mean: Floats = (seconds + strength * towards) / (contacts + strength)
    return mean


def _mean_so_far(past: _Past, origin: int, default_s: float) -> Floats:
    contacts = float(past.contacts[:origin].sum())
    mean = float(past.seconds[:origin].sum()) / contacts if contacts > 0 else default_s
    return np.full((WEEK, HOURS), mean)


def _last_week(past: _Past, origin: int, otherwise: Floats) -> Floats:
    """Each hour as it was in the seven days before, `otherwise` where nobody wrote then."""
    table = otherwise.copy()
    week = np.arange(max(0, origin - WEEK), origin)
    contacts, seconds = past.contacts[week], past.seconds[week]
    table[past.weekday[week]] = np.divide(
        seconds, contacts, out=table[past.weekday[week]], where=contacts > 0
    )
    return table


# -- choosing how to shrink ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Targets:
    """The seven days after each origin, (origins, 7): their index, and whether they have come."""

    day: Ints
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def _targets(past: _Past, origins: Ints) -> _Targets:
    day = origins[:, None] + np.arange(WEEK)
    return _Targets(np.minimum(day, len(past) - 1), day < len(past))


def _losses(past: _Past, tables: Floats, origins: Ints) -> Floats:
    """Squared errors of each setting, (settings, origins, 7 days).

    Weighted by contacts, as variances of means are.
    """
    targets = _targets(past, origins)
    contacts = np.where(targets.inside[:, :, None], past.contacts[targets.day], 0.0)
    actual = np.divide(
        past.believed[targets.day], contacts, out=np.zeros_like(contacts), where=contacts > 0
    )
    at = np.arange(len(origins))[:, None]
    found = np.empty((len(tables), *targets.day.shape))
    for s, table in enumerate(tables):
        error = table[at, past.weekday[targets.day]] - actual
        found[s] = (contacts * error**2).sum(axis=2)
    return found


def _chosen(losses: Floats, origins: Ints, now: int) -> int:
    """Index of the setting that served best on the days before `now`, of the last weeks.

    The plain mean stays unless it is clearly beaten.
    """
    day = origins[:, None] + np.arange(WEEK)
    age = now - 1 - day
    recent = (age >= 0) & (age < TUNING_DAYS)
    if not recent.any():
        return _USUAL
    weight = np.where(recent, 0.5 ** (np.maximum(age, 0) / TUNING_HALF_LIFE), 0.0)
    total = (losses * weight).sum(axis=(1, 2))
    best = int(np.argmin(total))
    return best if total[best] < CLEARLY * total[_PLAIN] else _PLAIN
