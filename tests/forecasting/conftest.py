"""Brands and seeded volumes of known truth for the forecasting tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.campaigns import Campaign
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw

# A Monday without a holiday near it in Germany.
START = datetime(2026, 1, 11, 23, tzinfo=UTC)


def brand_of(
    *queues: str,
    zone: str = "Europe/Berlin",
    country: str | None = "DE",
    default_aht_s: float = 360.0,
) -> Brand:
    return Brand(
        name="Test",
        zone=zone,
        markets=(Market("home", country, zone),) if country else (),
        queues=tuple(
            Queue(
                name=name,
                channel="x",
                handle="@test",
                language="en",
                window=ServiceWindow.always(),
                goals=(ServiceGoal(),),
                opening_goal=OpeningGoal(),
                work=WorkLaw(),
                default_aht_s=default_aht_s,
            )
            for name in queues
        ),
        contracts=(),
        templates=(),
    )


def true_rate(starts: pd.DatetimeIndex, *, level: float, zone: str = "Europe/Berlin") -> np.ndarray:
    """Contacts expected: an afternoon peak, weekends at 60 %, `level` at a workday's peak."""
    local = starts.tz_convert(zone)
    hour = local.hour + local.minute / 60
    shape = 0.15 + 0.85 * np.exp(-(((hour - 14) / 4.0) ** 2))
    return level * np.asarray(shape) * np.where(local.dayofweek >= 5, 0.6, 1.0)


def volumes_of(
    starts: pd.DatetimeIndex, counts: Sequence[int] | np.ndarray, queue: str, aht_s: float = np.nan
) -> pd.DataFrame:
    """A VOLUMES frame of one queue."""
    table = pd.DataFrame(
        {
            "start": starts,
            "queue": pd.Series([queue] * len(starts), dtype="str"),
            "contacts": np.asarray(counts).astype("int64"),
            "aht_s": np.full(len(starts), aht_s, dtype="float64"),
        }
    )
    return table


def drawn(
    starts: pd.DatetimeIndex,
    *,
    seed: int,
    level: float = 20.0,
    day_cv: float = 0.1,
    noise: float = 0.1,
    zone: str = "Europe/Berlin",
) -> np.ndarray:
    """Counts with a gamma factor a day and negative binomial intervals."""
    rng = np.random.default_rng(seed)
    rate = true_rate(starts, level=level, zone=zone)
    day = (starts.tz_convert(zone).tz_localize(None).normalize() - starts[0].tz_localize(None)).days
    factors = rng.gamma(1 / day_cv**2, day_cv**2, size=int(day.max() - day.min()) + 1)
    rate = rate * factors[day - day.min()]
    return rng.poisson(rate * rng.gamma(1 / noise, noise, size=len(rate)))


def span(days: float, *, before: datetime = START) -> pd.DatetimeIndex:
    """The intervals of the `days` that end at `before`."""
    count = int(days * 96)
    return pd.date_range(end=before, periods=count + 1, freq="15min", unit="us")[:-1]


@pytest.fixture(scope="session")
def make_brand() -> Callable[..., Brand]:
    return brand_of


@pytest.fixture(scope="session")
def make_volumes() -> Callable[..., pd.DataFrame]:
    """Seeded volumes of one queue: `make_volumes(days=56, seed=1, level=20, queue="x")`."""

    def make(
        *,
        days: float = 56,
        seed: int = 1,
        level: float = 20.0,
        queue: str = "x",
        before: datetime = START,
        aht_s: float = np.nan,
        **options: float,
    ) -> pd.DataFrame:
        starts = span(days, before=before)
        return volumes_of(starts, drawn(starts, seed=seed, level=level, **options), queue, aht_s)

    return make


@pytest.fixture(scope="session")
def start() -> datetime:
    """Local midnight of a Monday in Berlin, in UTC; the volumes end here."""
    return START


@pytest.fixture(scope="session")
def rate() -> Callable[..., np.ndarray]:
    """The true rate behind `make_volumes`."""
    return true_rate


@pytest.fixture(scope="session")
def make_campaign() -> Callable[..., Campaign]:
    def make(
        begins: datetime,
        *,
        hours: float = 24,
        uplift: float | None = None,
        name: str = "",
        **options: object,
    ) -> Campaign:
        return Campaign(
            name=name or f"campaign of {begins:%d %b}",
            start=begins,
            end=begins + timedelta(hours=hours),
            queues=("x",),
            peak_uplift=uplift,
            **options,
        )

    return make
