"""The rest of today from the forecast in force and what was counted, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from api.planning.intraday import reforecast_now
from api.planning.plan import PlanInputs
from wfm.errors import NotFound
from wfm.frames import FORECAST, QUANTILE_COLUMNS, interval_index
from wfm.store import forecasts
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.store.forecasts import Version
from wfm.store.volumes import Count, record_import, write_counts

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
NINE = MIDNIGHT + timedelta(hours=9)

Come = Callable[..., None]


@pytest.fixture
def store(make_store, inputs: PlanInputs) -> Store:
    """The small brand with its four weeks of history, at nine in the morning after them."""
    opened = make_store(NINE)
    with opened.writing("ann") as writing:
        save_brand(writing, inputs.brand)
    take_in(opened, inputs.volumes)
    return opened


def take_in(store: Store, volumes: pd.DataFrame) -> None:
    with store.writing("ann") as writing:
        number = record_import(writing, "volumes", "f.csv", sha256="", options={})
        counts = (
            ((row.queue, row.start.to_pydatetime()), Count(row.contacts, row.aht_s))
            for row in volumes.itertuples()
        )
        write_counts(writing, "volumes", counts, number)


def keep(store: Store, *queues: str, days: int = 2, mean: float = 10.0) -> int:
    """A standing version that begins today; gives its id."""
    index = interval_index(MIDNIGHT, MIDNIGHT + days * DAY)
    levels = dict(zip(QUANTILE_COLUMNS, (4.0, 6.0, 10.0, 13.0, 14.0, 15.0, 17.0), strict=True))
    tables = [
        pd.DataFrame({"start": index, "mean": mean, **levels, "aht_s": 250.0, "model": "blend"})
        .assign(queue=queue)
        .astype({"queue": "str", "model": "str"})
        for queue in queues
    ]
    version = Version(
        FORECAST.check(pd.concat(tables, ignore_index=True)), inputs={"queues": list(queues)}
    )
    with store.writing("ann") as writing:
        return forecasts.insert(
            writing, version, kind="standing", start=MIDNIGHT, end=MIDNIGHT + days * DAY, seed=1
        )


def this_morning(queue: str, contacts: object, until: datetime = NINE) -> pd.DataFrame:
    index = interval_index(MIDNIGHT, until)
    return pd.DataFrame({"start": index, "queue": queue, "contacts": contacts, "aht_s": 250.0})


def test_what_was_counted_stands_beside_what_was_forecast(store: Store):
    kept = keep(store, "day", "night")
    take_in(store, this_morning("day", 12))
    take_in(store, this_morning("night", 10, until=NINE - timedelta(hours=1)))

    found = reforecast_now(store)
    day, night = found.queues

    assert (day.queue, day.forecast_id, day.counted_until) == ("day", kept, NINE)
    assert (day.seen, day.expected) == (12 * 36, pytest.approx(360.0))
    assert night.counted_until == NINE - timedelta(hours=1)
    assert day.rest_before == pytest.approx(15 * 4 * 10.0)
    assert day.spike is None
    assert found.notes == ()
    rows = found.table[found.table["queue"] == "day"]
    assert rows["start"].min() == pd.Timestamp(NINE)
    assert len(rows) == 96
    assert day.rest_after == pytest.approx(rows["mean"][rows["start"] < MIDNIGHT + DAY].sum())


def test_one_queue_can_be_asked_for(store: Store):
    keep(store, "day", "night")
    take_in(store, this_morning("night", 10))

    found = reforecast_now(store, queue="night")

    assert [one.queue for one in found.queues] == ["night"]
    assert set(found.table["queue"]) == {"night"}


def test_a_running_spike_is_named_with_its_times(store: Store):
    keep(store, "day", "night")
    counts = np.full(36, 10)
    counts[-5:] = 150
    take_in(store, this_morning("night", counts))

    night = reforecast_now(store).queues[1]

    assert night.spike is not None
    assert night.spike.onset == NINE - timedelta(minutes=75)
    assert night.spike.so_far == pytest.approx(5 * 140, rel=0.1)
    assert night.spike.ends_at > NINE
    assert night.rest_after > night.rest_before + 50
    assert "Spike since 07:45" in night.reason


def test_without_counts_the_forecast_stands_and_the_answer_says_so(store: Store):
    keep(store, "day", "night")

    found = reforecast_now(store)

    pd.testing.assert_frame_equal(found.table, found.before)
    assert all(one.factor == 1.0 and one.counted_until is None for one in found.queues)
    assert any("nothing has been counted today" in note for note in found.notes)


def test_without_a_forecast_of_today_the_way_out_is_named(store: Store):
    with pytest.raises(NotFound, match="wfm forecast --from 2026-03-02"):
        reforecast_now(store)
    with pytest.raises(NotFound, match="nope"):
        reforecast_now(store, queue="nope")


def test_a_queue_that_no_version_covers_is_noted(store: Store):
    keep(store, "day")
    take_in(store, this_morning("day", 10))

    found = reforecast_now(store)

    assert [one.queue for one in found.queues] == ["day"]
    assert any("no forecast covers today for night" in note for note in found.notes)


def test_a_forecast_that_ends_tonight_is_updated_until_then(store: Store):
    keep(store, "day", days=1)
    take_in(store, this_morning("day", 12))

    found = reforecast_now(store, queue="day")

    assert found.table["start"].max() == pd.Timestamp(MIDNIGHT + DAY - timedelta(minutes=15))


def test_a_past_too_short_leaves_the_forecast(make_store, inputs: PlanInputs):
    store = make_store(NINE)
    with store.writing("ann") as writing:
        save_brand(writing, inputs.brand)
    keep(store, "day")
    take_in(store, this_morning("day", 12))

    found = reforecast_now(store, queue="day")

    assert "too short" in found.queues[0].reason
    assert any("no volumes" in note for note in found.notes)
    assert found.queues[0].rest_after == found.queues[0].rest_before


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_days_with_a_clock_change_keep_their_intervals(sqlite_url, inputs: PlanInputs, day):
    from wfm.store.engine import open_store
    from wfm.timegrid import FixedClock, local_midnight

    brand = replace(inputs.brand, zone="Europe/Berlin")
    start = local_midnight(datetime.fromisoformat(day).date(), brand.tz)
    end = local_midnight(datetime.fromisoformat(day).date() + 2 * DAY, brand.tz)
    now = start + timedelta(hours=12)
    store = open_store(sqlite_url, clock=FixedClock(now))
    with store.writing("ann") as writing:
        save_brand(writing, brand)
    past = inputs.volumes.assign(start=inputs.volumes["start"] + (start - MIDNIGHT))
    take_in(store, past)
    take_in(
        store,
        pd.DataFrame(
            {"start": interval_index(start, now), "queue": "night", "contacts": 3, "aht_s": 250.0}
        ),
    )
    index = interval_index(start, end)
    table = pd.DataFrame({"start": index, "mean": 3.0, "aht_s": 250.0, "model": "blend"})
    table = table.assign(queue="night", **dict.fromkeys(QUANTILE_COLUMNS, 3.0))
    with store.writing("ann") as writing:
        forecasts.insert(
            writing,
            Version(FORECAST.check(table.astype({"queue": "str", "model": "str"}))),
            kind="standing",
            start=start,
            end=end,
            seed=1,
        )
    try:
        found = reforecast_now(store, queue="night")
    finally:
        store.close()

    assert found.queues[0].counted_until == now
    assert len(found.table) == min(96, int((end - now) / timedelta(minutes=15)))
    assert found.table["mean"].gt(0).all()
