"""The promise on real series: far better than last week, and bands that hold."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.forecast import make_forecast
from wfm.frames import interval_index

pytestmark = pytest.mark.real_data


class Found(NamedTuple):
    """Pooled over origins: WAPE over the weekly naive's at one week, and coverage."""

    relative: float
    coverage80: float
    coverage95: float


def tweets(folder: Path, brand: str) -> pd.Series:
    """15-minute counts of mentions, whole quarter-hours only."""
    table = pd.read_csv(folder / "nab_tweets" / f"Twitter_volume_{brand}.csv")
    at = pd.to_datetime(table["timestamp"]).dt.floor("5min").dt.tz_localize("UTC")
    fives = pd.Series(table["value"].to_numpy(), index=pd.DatetimeIndex(at))
    quarters = fives.resample("15min")
    return quarters.sum()[quarters.count() == 3]


def taxi(folder: Path) -> pd.Series:
    """Half-hours halved. The hour that happened twice stands once, with both counts."""
    table = pd.read_csv(folder / "nyc_taxi" / "nyc_taxi.csv")
    local = pd.DatetimeIndex(pd.to_datetime(table["timestamp"]))
    at = local.tz_localize("America/New_York", ambiguous=np.ones(len(local), dtype=bool))
    halves = pd.Series(table["value"].to_numpy(), index=at.tz_convert("UTC"))
    second = halves.index + pd.Timedelta(minutes=15)
    return pd.concat(
        [halves // 2, pd.Series((halves - halves // 2).to_numpy(), index=second)]
    ).sort_index()


def judged(series: pd.Series, brand, make_volumes_frame, origins: list[int]) -> Found:
    zone = ZoneInfo(brand.zone)
    volumes = make_volumes_frame(series)
    first = pd.Timestamp(series.index[0].tz_convert(zone).date(), tz=zone)
    error = naive_error = inside80 = inside95 = known = 0.0
    for origin in origins:
        begin = (first + pd.DateOffset(days=origin)).tz_convert("UTC").to_pydatetime()
        end = (first + pd.DateOffset(days=origin + 7)).tz_convert("UTC").to_pydatetime()
        table = make_forecast(
            volumes, brand, (), start=begin, end=end, seed=1, models=("blend",)
        ).table
        starts = interval_index(begin, end)
        actual = series.reindex(starts).to_numpy(dtype=float)
        # A week ago on the wall's clock.
        ago = (starts.tz_convert(zone).tz_localize(None) - pd.Timedelta(days=7)).tz_localize(
            zone, ambiguous=np.ones(len(starts), dtype=bool), nonexistent="shift_forward"
        )
        naive = series.reindex(ago.tz_convert("UTC")).to_numpy(dtype=float)
        scored = np.isfinite(actual) & np.isfinite(naive)
        error += np.abs(actual - table["q50"])[scored].sum()
        naive_error += np.abs(actual - naive)[scored].sum()
        inside80 += ((actual >= table["q10"]) & (actual <= table["q90"]))[scored].sum()
        inside95 += ((actual >= table["q025"]) & (actual <= table["q975"]))[scored].sum()
        known += scored.sum()
    return Found(error / naive_error, inside80 / known, inside95 / known)


@pytest.fixture
def frame():
    def make(series: pd.Series) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "start": pd.DatetimeIndex(series.index).as_unit("us"),
                "queue": pd.Series(["x"] * len(series), dtype="str"),
                "contacts": series.to_numpy().astype("int64"),
                "aht_s": np.full(len(series), np.nan),
            }
        )

    return make


@pytest.mark.parametrize("name", ["UPS", "AMZN"])
def test_mentions_of_a_brand(real_data, make_brand, frame, name):
    brand = make_brand("x", zone="UTC", country="US")

    found = judged(tweets(real_data, name), brand, frame, list(range(24, 48, 3)))

    assert found.relative <= 0.74
    assert 0.70 <= found.coverage80 <= 0.90
    assert 0.90 <= found.coverage95 <= 0.99


def test_taxi_rides_through_holidays_and_snow(real_data, make_brand, frame):
    brand = make_brand("x", zone="America/New_York", country="US")

    found = judged(taxi(real_data), brand, frame, list(range(112, 208, 9)))

    assert found.relative <= 0.76
    assert 0.70 <= found.coverage80 <= 0.88
    assert 0.89 <= found.coverage95 <= 0.98
