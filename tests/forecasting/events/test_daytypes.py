"""Which days holidays touch: against calendars that anyone can look up."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.events.daytypes import KINDS, SET_APART, own_name, touched_days, weekend_in
from forecasting.grid import day_range, weekdays
from wfm.calendars import is_public_holiday

SATURDAY_SUNDAY = frozenset({5, 6})
FRIDAY_SATURDAY = frozenset({4, 5})
laws = settings(max_examples=25, deadline=None, derandomize=True)


def days_from(first: str, last: str) -> np.ndarray:
    return day_range(np.datetime64(first), np.datetime64(last))


def told(first: str, last: str, *countries: str, weekend=SATURDAY_SUNDAY) -> dict[str, str]:
    days = days_from(first, last)
    return {str(days[t.row]): t.kind for t in touched_days(days, countries, weekend)}


def test_christmas_on_a_thursday_makes_eves_a_bridge_a_long_weekend_and_slow_days():
    assert told("2025-12-22", "2026-01-06", "US") == {
        "2025-12-24": "festive eve",
        "2025-12-25": "great holiday",
        "2025-12-26": "bridge",
        "2025-12-27": "long weekend",
        "2025-12-28": "long weekend",
        "2025-12-29": "between",
        "2025-12-30": "between",
        "2025-12-31": "festive eve",
        "2026-01-01": "great holiday",
        "2026-01-02": "bridge",
        "2026-01-03": "long weekend",
        "2026-01-04": "long weekend",
    }


def test_a_holiday_midweek_touches_its_neighbours_only():
    # Veterans Day 2026 is a Wednesday.
    assert told("2026-11-07", "2026-11-16", "US") == {
        "2026-11-10": "eve",
        "2026-11-11": "holiday",
        "2026-11-12": "after",
    }


def test_days_take_the_shape_of_a_weekday_that_rests_alike():
    days = days_from("2026-11-23", "2026-11-30")
    like = {str(days[t.row]): t.like for t in touched_days(days, ("US",), SATURDAY_SUNDAY)}

    # Thanksgiving is a Thursday: a Friday before it, a Saturday on it and on its bridge.
    assert like == {
        "2026-11-25": 4,
        "2026-11-26": 5,
        "2026-11-27": 5,
        "2026-11-28": 5,
        "2026-11-29": 6,
    }


def test_with_a_friday_saturday_weekend_a_thursday_holiday_has_no_bridge():
    # Pesach 2026 begins on Thursday, 2 April; the workday before it is its eve.
    kinds = told("2026-03-31", "2026-04-06", "IL", weekend=FRIDAY_SATURDAY)

    assert kinds["2026-04-01"] == "eve"
    assert kinds["2026-04-02"] == "holiday"
    assert kinds["2026-04-03"] == kinds["2026-04-04"] == "long weekend"
    assert kinds["2026-04-05"] == "between"


def test_a_day_off_in_one_of_two_markets_has_half_a_share():
    days = days_from("2026-10-01", "2026-10-04")
    shares = {str(days[t.row]): t.share for t in touched_days(days, ("DE", "GB"), SATURDAY_SUNDAY)}

    assert shares["2026-10-03"] == 0.5
    assert touched_days(days, (), SATURDAY_SUNDAY) == ()


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("Christmas Day (observed)", "Christmas Day"),
        ("Boxing Day", "Boxing Day"),
        ("Ascension Day; Labor Day", "Ascension Day"),
    ],
)
def test_a_holiday_has_the_same_name_every_year(name: str, own: str):
    assert own_name(name) == own


@laws
@given(
    first=st.dates(date(2019, 1, 1), date(2030, 1, 1)),
    length=st.integers(1, 400),
    country=st.sampled_from(["US", "DE", "IL", "GB", "JP"]),
    weekend=st.sampled_from([SATURDAY_SUNDAY, FRIDAY_SATURDAY]),
)
def test_every_public_holiday_is_touched_once_and_set_apart(first, length, country, weekend):
    days = day_range(np.datetime64(first), np.datetime64(first + timedelta(days=length - 1)))
    touched = touched_days(days, (country,), weekend)

    rows = [t.row for t in touched]
    assert rows == sorted(set(rows))
    off = {t.row for t in touched if t.kind in ("holiday", "great holiday")}
    assert off == {
        i for i in range(length) if is_public_holiday(first + timedelta(days=i), country)
    }
    assert off <= {t.row for t in touched if t.kind in SET_APART}
    assert all(t.kind in KINDS and 0 < t.share <= 1 and 0 <= t.like < 7 for t in touched)


# -- the weekend ---------------------------------------------------------------------------------


def week_of(quiet: tuple[int, ...], *, factor: float, days: int = 56, seed: int = 3):
    """Poisson counts whose `quiet` days have another level and a later peak."""
    dates = days_from("2026-02-02", str(np.datetime64("2026-02-02") + np.timedelta64(days - 1)))
    slot = np.arange(96)
    peak = [30 * np.exp(-(((slot - at) / 14) ** 2)) + 1 for at in (48, 70)]
    off = np.isin(weekdays(dates), quiet)
    rate = np.where(off[:, None], factor * peak[1], peak[0])
    return dates, np.random.default_rng(seed).poisson(rate).astype(float)


@pytest.mark.parametrize("factor", [0.1, 0.6, 1.0, 1.8])
@pytest.mark.parametrize("pair", [(3, 4), (4, 5), (5, 6)])
def test_the_weekend_is_found_by_level_and_shape(pair: tuple[int, ...], factor: float):
    days, counts = week_of(pair, factor=factor)

    assert weekend_in(counts, weekdays(days)) == frozenset(pair)


def test_days_without_a_count_are_days_of_rest():
    days, counts = week_of((), factor=1.0)
    counts[np.isin(weekdays(days), (4, 5))] = np.nan

    assert weekend_in(counts, weekdays(days)) == FRIDAY_SATURDAY


def test_where_all_days_are_alike_the_market_s_calendar_decides():
    days, counts = week_of((), factor=1.0)

    assert weekend_in(counts, weekdays(days), ("DE",)) == SATURDAY_SUNDAY
    assert weekend_in(counts, weekdays(days), ("IL",)) == FRIDAY_SATURDAY
    assert weekend_in(np.full_like(counts, np.nan), weekdays(days)) == SATURDAY_SUNDAY
