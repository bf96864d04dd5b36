from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from api.console import series
from wfm.frames import interval_index
from wfm.paths import Paths

START = datetime(2026, 3, 2, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def counts(index: pd.DatetimeIndex, queue: str, value: float) -> pd.DataFrame:
    return pd.DataFrame({"start": index, "queue": queue, "contacts": value})


def test_all_queues_are_the_sum_and_a_missing_interval_stays_missing():
    index = interval_index(START, START + timedelta(hours=1))
    both = pd.concat([counts(index[:3], "x", 2.0), counts(index[:2], "mail", 5.0)])

    summed = series.on_grid(
        series.of_queue(both, series.ALL, ["contacts"]), START, START + timedelta(hours=1)
    )

    assert summed["contacts"].tolist()[:3] == [7.0, 7.0, 2.0]
    assert np.isnan(summed["contacts"].iloc[3])


def test_one_queue_is_taken_alone():
    index = interval_index(START, START + timedelta(hours=1))
    both = pd.concat([counts(index, "x", 2.0), counts(index, "mail", 5.0)])

    assert series.of_queue(both, "mail", ["contacts"])["contacts"].tolist() == [5.0] * 4


def test_thinning_keeps_the_mean():
    index = interval_index(START, START + timedelta(days=2))
    table = pd.DataFrame({"contacts": np.arange(len(index), dtype=float)}, index=index)

    thin = series.thinned(table, fine=False)

    assert len(thin) == 48
    assert thin["contacts"].mean() == table["contacts"].mean()
    assert series.thinned(table, fine=True) is table


def test_times_are_drawn_as_the_sites_wall_clock():
    drawn = series.local(pd.DatetimeIndex([START]), BERLIN)

    assert drawn[0] == pd.Timestamp("2026-03-02 01:00")


def test_the_heat_map_puts_an_hour_under_its_local_day_and_hour():
    hours = pd.DataFrame(
        {
            "start": pd.DatetimeIndex(
                [datetime(2026, 3, 2, 23, tzinfo=UTC), datetime(2026, 3, 3, 8, tzinfo=UTC)]
            ),
            "attainment": [0.8, np.nan],
            "cases": [10.0, 0.0],
        }
    )

    heat = series.heat(hours, BERLIN)

    assert heat.shape == (24, 1)
    assert heat.loc[0, date(2026, 3, 3)] == 0.8
    assert np.isnan(heat.loc[9, date(2026, 3, 3)])


def test_the_hour_that_comes_twice_is_weighed_by_its_cases():
    hours = pd.DataFrame(
        {
            "start": pd.DatetimeIndex(
                [datetime(2026, 10, 25, h, tzinfo=UTC) for h in (0, 1)]  # both 02:00 in Berlin
            ),
            "attainment": [1.0, 0.5],
            "cases": [30.0, 10.0],
        }
    )

    assert series.heat(hours, BERLIN).loc[2, date(2026, 10, 25)] == (30 + 5) / 40


def forecast_of(queues: tuple[str, ...], hours: int = 3) -> pd.DataFrame:
    index = interval_index(START, START + timedelta(hours=hours))
    parts = [
        pd.DataFrame(
            {
                "start": index,
                "queue": pd.Series([q] * len(index), dtype="str"),
                "mean": 10.0,
                "q025": 4.0,
                "q10": 6.0,
                "q90": 14.0,
                "q975": 17.0,
            }
        )
        for q in queues
    ]
    return pd.concat(parts, ignore_index=True)


def test_one_queues_intervals_bear_the_forecasts_own_quantiles():
    table = forecast_of(("x", "mail"))
    paths = Paths(START, ("x", "mail"), np.zeros((5, 12, 2), np.int64))
    drawn = series.expected(table, paths, "x", fine=True)
    assert drawn["q90"].tolist() == [14.0] * 12


@pytest.mark.parametrize("queue", ["x", series.ALL])
def test_bands_of_hours_and_sums_are_read_off_the_paths(queue: str):
    rng = np.random.default_rng(1)
    counts = rng.poisson(10.0, size=(4000, 12, 2)).astype(np.int64)
    paths = Paths(START, ("x", "mail"), counts)
    drawn = series.expected(forecast_of(("x", "mail")), paths, queue, fine=False)
    level = 10.0 if queue == "x" else 20.0
    # The mean of four Poisson intervals spreads half as much as one of them.
    spread = 1.2816 * np.sqrt(level / 4)
    assert drawn["mean"].tolist() == [level] * 3
    assert drawn["q90"].to_numpy() == pytest.approx(level + spread, abs=0.35)
    assert drawn["q10"].to_numpy() == pytest.approx(level - spread, abs=0.35)


def test_bands_begin_where_the_range_begins():
    counts = np.arange(12, dtype=np.int64)[None, :, None].repeat(3, axis=0)
    paths = Paths(START, ("x",), counts)
    table = forecast_of(("x",))
    later = table[table["start"] >= START + timedelta(hours=1)]
    drawn = series.expected(later, paths, series.ALL, fine=True)
    assert drawn["q10"].tolist() == list(range(4, 12))
