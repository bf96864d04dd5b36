"""The update of today over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from starlette.testclient import TestClient

from api.planning import intraday
from api.planning.intraday import reforecast_now
from wfm.brands import Brand, Market, Queue
from wfm.calendars import ServiceWindow
from wfm.frames import FORECAST, QUANTILE_COLUMNS, interval_index
from wfm.sla import Duration, OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import forecasts
from wfm.store.brands import save_brand
from wfm.store.engine import Store
from wfm.store.forecasts import Version
from wfm.store.volumes import Count, record_import, write_counts
from wfm.timegrid import floor_interval

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def today(store: Store) -> datetime:
    """Midnight of the store's day, UTC; a brand of one queue with three weeks of counts."""
    law = WorkLaw(Duration(150, 0.5), Duration(100, 0.5), 0.5, Duration(900, 1.0), 2)
    goals = (ServiceGoal.first_response(),)
    queue = Queue("x", "x", "@x", "en", ServiceWindow.always(), goals, OpeningGoal(), law)
    brand = Brand("Small", "UTC", (Market("GB", "GB", "UTC"),), (queue,), (), ())
    now = store.clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with store.writing("t") as writing:
        save_brand(writing, brand)
        number = record_import(writing, "volumes", "f", sha256="", options={})
        index = interval_index(midnight - 21 * DAY, floor_interval(now))
        counts = [(("x", at.to_pydatetime()), Count(6, None)) for at in index]
        write_counts(writing, "volumes", counts, number)
    return midnight


def keep(store: Store, midnight: datetime) -> int:
    index = interval_index(midnight, midnight + 2 * DAY)
    table = pd.DataFrame({"start": index, "mean": 6.0, "aht_s": 240.0, "model": "blend"})
    table = table.assign(queue="x", **dict.fromkeys(QUANTILE_COLUMNS, 6.0))
    version = Version(FORECAST.check(table.astype({"queue": "str", "model": "str"})))
    with store.writing("t") as writing:
        return forecasts.insert(
            writing, version, kind="standing", start=midnight, end=midnight + 2 * DAY, seed=1
        )


def test_the_update_names_the_version_and_its_rows(client: TestClient, key_for, store, today):
    kept = keep(store, today)

    answer = client.get("/api/v1/forecasts/intraday", headers=key_for("planner"))

    assert answer.status_code == 200
    told = answer.json()
    assert [one["forecast_id"] for one in told["queues"]] == [kept]
    assert len(told["rows"]) == 96
    assert set(told["rows"][0]) == set(FORECAST.columns)


def test_an_update_is_made_once_until_what_it_rests_on_has_changed(
    client: TestClient, key_for, store, today, monkeypatch
):
    keep(store, today)
    made: list[str | None] = []

    def counted(store: Store, *, queue: str | None) -> intraday.IntradayForecast:
        made.append(queue)
        return reforecast_now(store, queue=queue)

    monkeypatch.setattr(intraday, "reforecast_now", counted)
    headers = key_for("queue-engine")

    def ask(**params: str) -> dict[str, object]:
        return client.get("/api/v1/forecasts/intraday", params=params, headers=headers).json()

    assert ask() == ask()
    assert ask(queue="x") == ask(queue="x")
    assert made == [None, "x"]
    second = keep(store, today)
    assert [one["forecast_id"] for one in ask()["queues"]] == [second]
    assert made == [None, "x", None]


@pytest.mark.parametrize("queue", [None, "nope"])
def test_what_is_not_there_is_a_problem_that_says_so(client: TestClient, key_for, queue):
    answer = client.get(
        "/api/v1/forecasts/intraday",
        params={} if queue is None else {"queue": queue},
        headers=key_for("queue-engine"),
    )

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_an_agent_may_not_read_it(client: TestClient, key_for):
    answer = client.get("/api/v1/forecasts/intraday", headers=key_for("agent", agent_id="A1"))

    assert answer.status_code == 403
