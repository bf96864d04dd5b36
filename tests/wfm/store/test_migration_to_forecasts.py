"""A store of the first version, with plans in it, becomes one of the second and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from forecasting.scenarios.paths import Noise, paths_from
from forecasting.scoring.accuracy import Accuracy
from wfm.store import engine as engine_module
from wfm.store import forecasts, plans
from wfm.store.documents import from_document
from wfm.store.engine import Store, make_engine, open_store

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
QUANTILES = ("q025", "q10", "q50", "q80", "q90", "q95", "q975")
NOISE = {
    "zone": "UTC",
    "shared": 0.5,
    "day_sd": {"x": [0.1, 0.1, 0.2]},
    "last_day": {"x": "2026-03-01"},
}
LINE = {
    "queue": "x",
    "model": "log_profile",
    "champion": True,
    "origins": 8,
    "wape": 0.41,
    "naive_wape": 0.6,
    "coverage80": 0.79,
    "seconds": 0.5,
}


def at_first_version(url: str) -> sa.Engine:
    """An empty database as the first version of the product made it."""
    engine = make_engine(url)
    config = Config()
    folder = Path(engine_module.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.connect() as plain:
        connection = plain.execution_options(wfm_write=True)
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
    return engine


def reflected(engine: sa.Engine, name: str) -> sa.Table:
    return sa.Table(name, sa.MetaData(), autoload_with=engine)


def stored(engine: sa.Engine, instant: datetime) -> datetime:
    """The instant as the first version's tables took it, without our type."""
    return instant if engine.dialect.name == "postgresql" else instant.replace(tzinfo=None)


@pytest.fixture
def old_rows(new_url: str) -> list[dict[str, object]]:
    """Fills a store of the first version with two plans; gives the rows of the first's forecast."""
    engine = at_first_version(new_url)
    plan_table, rows_table = reflected(engine, "plans"), reflected(engine, "plan_forecast")
    rows: list[dict[str, object]] = []
    for k in range(8):
        mean = 1.25 + k
        levels = {name: mean * (0.5 + 0.2 * i) for i, name in enumerate(QUANTILES)}
        rows.append(
            {
                "plan_id": 1,
                "queue": "xy"[k % 2],
                "start": stored(engine, MONDAY + k // 2 * QUARTER),
                "mean": mean,
                **levels,
                "aht_s": 240.0,
                "model": "log_profile",
            }
        )
    with engine.connect() as plain:
        connection = plain.execution_options(wfm_write=True)
        with connection.begin():
            for plan_id, inputs, summary in (
                (1, {"models": {"x": "log_profile"}, "noise": NOISE}, {"accuracy": [LINE]}),
                (2, {}, {}),
            ):
                connection.execute(
                    plan_table.insert().values(
                        plan_id=plan_id,
                        state="draft",
                        starts_at=stored(engine, MONDAY),
                        ends_at=stored(engine, MONDAY + timedelta(days=7)),
                        seed=plan_id,
                        inputs=inputs,
                        summary=summary,
                        certificate={},
                        actor="ann",
                        written_at=stored(engine, MONDAY - timedelta(days=3)),
                    )
                )
            connection.execute(rows_table.insert(), rows)
    engine.dispose()
    return rows


@pytest.fixture
def migrated(new_url: str, old_rows) -> Iterator[Store]:
    store = open_store(new_url)
    yield store
    store.close()


def test_a_plans_forecast_is_read_as_it_was_written(migrated: Store, old_rows):
    with migrated.reading() as connection:
        table = plans.read_frame(connection, "forecast", 1)
        parts = plans.read_frame(connection, "parts", 1)
    expected = sorted(
        (row["start"].replace(tzinfo=UTC), row["queue"], *(row[c] for c in ("mean", *QUANTILES)))
        for row in old_rows
    )
    read = [
        (row.start.to_pydatetime(), row.queue, *(getattr(row, c) for c in ("mean", *QUANTILES)))
        for row in table.itertuples()
    ]
    assert read == expected
    assert set(table["aht_s"]) == {240.0}
    assert set(table["model"]) == {"log_profile"}
    assert parts["baseline"].tolist() == table["mean"].tolist()
    assert not parts[["holiday", "campaign", "correction"]].to_numpy().any()


def test_every_plan_owns_one_version_that_says_what_it_was_made_from(migrated: Store):
    with migrated.reading() as connection:
        first, second = (
            forecasts.find(connection, forecasts.owned_by(connection, plan_id))
            for plan_id in (1, 2)
        )
        noise = forecasts.noise_document(connection, first.forecast_id)
        empty = plans.read_frame(connection, "forecast", 2)
    assert (first.kind, first.plan_id, first.seed) == ("plan", 1, 1)
    assert (first.start, first.end) == (MONDAY, MONDAY + timedelta(days=7))
    assert (first.made_at, first.actor) == (MONDAY - timedelta(days=3), "ann")
    assert first.inputs["queues"] == ["x", "y"]
    assert first.inputs["models"] == {"x": "log_profile"}
    assert noise == NOISE
    assert second.inputs["queues"] == []
    assert empty.empty


def test_scenario_paths_are_drawn_from_what_an_old_plan_kept(migrated: Store):
    with migrated.reading() as connection:
        key = forecasts.owned_by(connection, 1)
        table = forecasts.read_table(connection, key)
        noise = Noise.from_document(forecasts.noise_document(connection, key))
    paths = paths_from(table, noise, count=400, seed=1)
    assert paths.queues == ("x",)
    mean = table[table["queue"] == "x"]["mean"].to_numpy()
    assert paths.contacts[:, :, 0].mean(axis=0) == pytest.approx(mean, rel=0.2)


def test_the_back_test_of_an_old_plan_is_told_as_far_as_it_was_kept(migrated: Store):
    with migrated.reading() as connection:
        version = forecasts.find(connection, forecasts.owned_by(connection, 1))
    line = from_document(Accuracy, version.accuracy[0])
    assert (line.queue, line.model, line.step, line.origins) == ("x", "log_profile", "15min", 8)
    assert (line.wape, line.naive.wape, line.coverage80) == (0.41, 0.6, 0.79)
    assert (line.bias, line.pinball, line.naive.bias) == (None, None, None)
    assert line.champion


def test_the_table_that_was_replaced_is_gone(migrated: Store):
    assert not sa.inspect(migrated.engine).has_table("plan_forecast")
