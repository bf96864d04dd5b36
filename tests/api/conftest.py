"""The application on an empty SQLite store, without a console and without a job worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.planning.plan import RISK_PATHS, seed_of
from forecasting.scenarios.paths import Noise, paths_from
from scheduling.requirement import make_requirement
from wfm.brands import Brand, Queue
from wfm.calendars import Hours, ServiceWindow
from wfm.frames import FORECAST, ON_SHIFT, QUANTILE_COLUMNS, ROSTER, STAFFING, interval_index
from wfm.settings import Settings
from wfm.sla import OpeningGoal, ServiceGoal, WorkLaw
from wfm.store import access, plans
from wfm.store.brands import save_brand
from wfm.store.engine import Store, open_store
from wfm.store.forecasts import Version
from wfm.timegrid import FixedClock, SystemClock, local_midnight

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADDRESS = "http://127.0.0.1:8000"


class NoJobs:
    """Takes jobs and never carries one out."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict, str]] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings, ready_home: Path) -> Iterator[Store]:
    opened = open_store(settings.store_url, clock=FixedClock(NOW))
    yield opened
    opened.close()


@pytest.fixture
def app(store: Store, settings: Settings) -> FastAPI:
    return create_app(store, settings, jobs=NoJobs(), console=False)


@pytest.fixture
def client_of() -> Callable[[FastAPI], TestClient]:
    """A client that sees errors as a caller does, and follows nothing by itself."""

    def make(app: FastAPI) -> TestClient:
        return TestClient(
            app, base_url=ADDRESS, raise_server_exceptions=False, follow_redirects=False
        )

    return make


@pytest.fixture
def client(app: FastAPI, client_of) -> TestClient:
    return client_of(app)


@pytest.fixture
def key_for(store: Store) -> Callable[..., dict[str, str]]:
    """Headers of a new key of the role."""

    def make(role: str, **options: str) -> dict[str, str]:
        with store.writing("test") as writing:
            _, text = access.create_key(writing, role, now=SystemClock().now(), **options)
        return {"Authorization": f"Bearer {text}"}

    return make


@pytest.fixture
def link(store: Store) -> str:
    """Path of a new one-time link."""
    with store.writing("cli:ann") as writing:
        secret = access.create_link(writing, now=SystemClock().now())
    return f"/console/sign-in?token={secret}"


# How far a count's quantiles lie from its mean.
SPREAD = dict(zip(QUANTILE_COLUMNS, (0.4, 0.6, 1.0, 1.25, 1.4, 1.6, 1.8), strict=True))


def required_brand() -> Brand:
    """A queue that is always open, and one with office hours, in Berlin."""
    office = ServiceWindow((Hours("Europe/Berlin", frozenset(range(7)), 480, 1200),))
    queues = tuple(
        Queue(
            name, "x", f"@{name}", "en", window, (ServiceGoal(),), OpeningGoal(), WorkLaw(),
            minimum_staff=2,
        )
        for name, window in (("x", ServiceWindow.always()), ("mail", office))
    )  # fmt: skip
    return Brand("Small", "Europe/Berlin", (), queues, (), ())


@cache
def required_day() -> SimpleNamespace:
    """The forecast of Monday 2026-03-02, and the requirement made from it as plans do.

    A rehearsal raised x by one agent from 09:00 to 10:00.
    """
    brand, seed = required_brand(), 3
    start, end = (local_midnight(date(2026, 3, day), brand.tz) for day in (2, 3))
    index = interval_index(start, end)
    level = 6.0 + 5.0 * np.sin((np.arange(len(index)) / 96 - 0.4) * 2 * np.pi)
    forecast = pd.concat(
        pd.DataFrame(
            {
                "start": index,
                "mean": level * share,
                **{name: level * share * spread for name, spread in SPREAD.items()},
                "aht_s": queue.work.aht_s,
            }
        ).assign(queue=queue.name, model="blend")
        for queue, share in zip(brand.queues, (1.0, 0.3), strict=True)
    )
    forecast = FORECAST.check(forecast.astype({"queue": "str", "model": "str"}))
    forecast = forecast.sort_values(["start", "queue"], ignore_index=True)
    known = {queue.name: date(2026, 3, 1) for queue in brand.queues}
    noise = Noise(brand.zone, 0.5, dict.fromkeys(known, (0.1,)), known)
    paths = paths_from(forecast, noise, count=RISK_PATHS, seed=seed_of(seed, "risk"))
    needed = make_requirement(forecast, paths, brand, start=start, end=end).table
    nine = start + timedelta(hours=9)
    raised = (needed["queue"] == "x") & needed["start"].between(
        nine, nine + timedelta(hours=1), inclusive="left"
    )
    needed = needed.assign(
        agents=needed["agents"] + raised.astype("int64"),
        agents_exact=needed["agents_exact"] + raised.astype("float64"),
        binding=needed["binding"].where(~raised, "rehearsal").astype("str"),
    )
    return SimpleNamespace(
        brand=brand, seed=seed, start=start, end=end, noise=noise, forecast=forecast, needed=needed
    )


def keep_required_day(store: Store) -> int:
    """Publish a plan of `required_day`, without a roster; gives its id."""
    day = required_day()
    with store.writing("ann") as writing:
        save_brand(writing, day.brand)
        plan_id = plans.insert_draft(
            writing,
            start=day.start,
            end=day.end,
            seed=day.seed,
            lineage={"noise": day.noise.to_document()},
            summary={},
            certificate={"goals": []},
            forecast=Version(day.forecast),
            frames={
                "requirement": day.needed,
                "roster": ROSTER.empty(),
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.empty(),
            },
        )
        plans.publish(writing, plan_id)
    return plan_id


@pytest.fixture
def required_plan(store: Store) -> int:
    """The id of a plan of `required_day`, published in the test's own store."""
    return keep_required_day(store)


@pytest.fixture(scope="module")
def required_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a store with that plan, for tests that only read it."""
    home = tmp_path_factory.mktemp("required")
    store = open_store(Settings(home=home).store_url, clock=FixedClock(NOW))
    keep_required_day(store)
    store.close()
    return home


@pytest.fixture(scope="session")
def desk_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a store with the desk of `draftdesk` and its published plan, to be copied."""
    from draftdesk import keep_desk, keep_plan

    home = tmp_path_factory.mktemp("desk") / "home"
    store = open_store(Settings(home=home).store_url, clock=FixedClock(NOW))
    keep_desk(store)
    keep_plan(store)
    store.close()
    return home
