from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.console import steps
from wfm.frames import interval_index
from wfm.timegrid import local_midnight

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def day_of(day: date, zone: ZoneInfo = BERLIN) -> pd.DatetimeIndex:
    return interval_index(local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone))


def ones(index: pd.DatetimeIndex) -> pd.DataFrame:
    return pd.DataFrame({"contacts": 1.0}, index=index)


@pytest.mark.parametrize(("day", "quarters"), [(SPRING, 92), (AUTUMN, 100)])
def test_a_day_on_which_clocks_change_is_one_step_and_keeps_its_total(day, quarters):
    daily = steps.by_step(ones(day_of(day)), "day", BERLIN)

    assert daily["contacts"].tolist() == [quarters]
    assert daily.index[0] == local_midnight(day, BERLIN)


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_an_hour_that_comes_twice_is_two_steps(day, hours):
    hourly = steps.by_step(ones(day_of(day)), "hour", BERLIN)

    assert len(hourly) == hours
    assert set(hourly["contacts"]) == {4.0}


def test_hours_are_those_of_the_wall_clock_where_it_is_half_an_hour_off():
    hourly = steps.by_step(ones(day_of(date(2026, 3, 2), KOLKATA)), "hour", KOLKATA)

    assert len(hourly) == 24
    assert set(pd.DatetimeIndex(hourly.index).tz_convert(KOLKATA).minute) == {0}


@pytest.mark.parametrize("step", ["15min", "hour", "day"])
def test_a_steps_start_is_in_it_and_its_end_starts_the_next(step):
    at = datetime(2026, 10, 25, 1, 47, tzinfo=UTC)

    start = steps.step_start(at, step, BERLIN)
    end = steps.step_end(start, step, BERLIN)

    assert start <= at < end
    assert steps.step_start(end, step, BERLIN) == end
    assert steps.step_starts(pd.DatetimeIndex([start]), step, BERLIN)[0] == start


def test_a_step_of_which_nothing_is_known_stays_missing():
    counts = ones(day_of(date(2026, 3, 2)))
    counts.iloc[:4] = np.nan
    counts.iloc[4] = np.nan

    hourly = steps.by_step(counts, "hour", BERLIN)["contacts"]

    assert np.isnan(hourly.iloc[0])
    assert hourly.iloc[1] == 3.0


# -- the weekly naive -----------------------------------------------------------------------------


def test_the_past_is_compared_with_the_week_before_and_the_future_with_the_last_known_week():
    start = local_midnight(date(2026, 3, 2), BERLIN)
    past = interval_index(start - timedelta(days=14), start)
    history = pd.DataFrame({"contacts": np.arange(len(past), dtype=float)}, index=past)
    ahead = interval_index(start - timedelta(days=7), start + timedelta(days=21))

    naive = steps.weekly_naive(history, ahead, BERLIN, known_until=start)

    week = 7 * 96
    assert naive.iloc[:week].tolist() == list(range(week))
    for n in (1, 2, 3):
        assert naive.iloc[n * week : (n + 1) * week].tolist() == list(range(week, 2 * week))


def test_the_weekly_naive_keeps_to_the_wall_clock_when_clocks_change():
    before = local_midnight(SPRING, BERLIN) - timedelta(days=8)
    past = interval_index(before, local_midnight(SPRING, BERLIN))
    local = past.tz_convert(BERLIN)
    history = pd.DataFrame({"contacts": (local.hour * 4 + local.minute // 15) * 1.0}, index=past)
    changed = day_of(SPRING)

    naive = steps.weekly_naive(history, changed, BERLIN, known_until=past[-1].to_pydatetime())

    wanted = changed.tz_convert(BERLIN)
    assert len(naive) == 92
    assert naive.tolist() == [float(at.hour * 4 + at.minute // 15) for at in wanted]


def test_the_weekly_naive_is_missing_where_nothing_is_known():
    start = local_midnight(date(2026, 3, 2), BERLIN)
    index = interval_index(start, start + timedelta(hours=1))
    nothing = pd.DataFrame({"contacts": []}, index=index[:0], dtype=float)

    assert steps.weekly_naive(nothing, index, BERLIN, known_until=start).isna().all()
