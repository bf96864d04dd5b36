"""Versions of forecasts: kept whole, found again, and scored no oftener than counts come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from wfm.errors import FrameError, NotFound
from wfm.frames import FORECAST, PARTS, QUANTILE_COLUMNS, interval_index
from wfm.store import forecasts, tables
from wfm.store.engine import Store
from wfm.store.forecasts import Version
from wfm.store.volumes import Count, record_import, write_counts

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SCORED = {
    "queue": "x", "step": "15min", "lead": 1, "intervals": 4, "contacts": 8.0, "wape": 0.5,
    "bias": 0.1, "mase": None, "pinball": 0.1, "coverage80": 0.8, "coverage95": 1.0,
    "naive_wape": 0.7, "naive_bias": 0.0, "naive_mase": None, "scored_until": MONDAY + HOUR,
}  # fmt: skip


def make_table(start: datetime, end: datetime, queues: tuple[str, ...] = ("x", "y")):
    parts = []
    for k, queue in enumerate(queues):
        index = interval_index(start, end)
        mean = np.arange(len(index)) / 8 + k + 1
        levels = {name: mean * (0.4 + 0.2 * i) for i, name in enumerate(QUANTILE_COLUMNS)}
        rows = pd.DataFrame({"start": index, "mean": mean, **levels, "aht_s": 240.0})
        parts.append(
            rows.assign(queue=queue, model="blend").astype({"queue": "str", "model": "str"})
        )
    return FORECAST.check(pd.concat(parts, ignore_index=True))


@pytest.fixture
def keep(store: Store) -> Callable[..., int]:
    """Keeps a version of the queues over [start, end)."""

    def make(
        start: datetime = MONDAY,
        end: datetime = MONDAY + HOUR,
        queues: tuple[str, ...] = ("x", "y"),
        kind: forecasts.Kind = "standing",
        **options: object,
    ) -> int:
        version = Version(
            make_table(start, end, queues),
            inputs={"queues": list(queues), "models": dict.fromkeys(queues, "blend")},
        )
        with store.writing("ann") as writing:
            return forecasts.insert(
                writing, version, kind=kind, start=start, end=end, seed=1, **options
            )

    return make


def come(store: Store, queue: str, start: datetime, end: datetime, contacts: int = 2) -> int:
    """An import of counts of [start, end); gives its number."""
    with store.writing("ann") as writing:
        number = record_import(writing, "volumes", "f.csv", sha256="", options={})
        counts = [
            ((queue, at.to_pydatetime()), Count(contacts, None))
            for at in interval_index(start, end)
        ]
        write_counts(writing, "volumes", counts, number)
    return number


def due(store: Store) -> dict[int, tuple[str, ...]]:
    with store.reading() as connection:
        return dict(forecasts.due(connection).behind)


def score(store: Store, forecast_id: int, *, import_id: int, **changes: object) -> bool:
    row = SCORED | changes
    with store.writing("scoring") as writing:
        return forecasts.write_scores(
            writing, forecast_id, [row["queue"]], [row], import_id=import_id
        )


# -- rows ----------------------------------------------------------------------------------------


def test_a_version_is_read_as_it_was_written_and_cut_half_open(store: Store):
    table = make_table(MONDAY, MONDAY + HOUR)
    parts = PARTS.check(
        table[["start", "queue"]].assign(
            baseline=table["mean"] + 1, holiday=-0.5, campaign=0.25, correction=-0.75
        )
    )
    naive = [float(i) if i else float("nan") for i in range(len(table))]
    with store.writing("ann") as writing:
        # Rows in any order: those of one table need not lie as those of the other.
        version = Version(table, parts.iloc[::-1], naive)
        key = forecasts.insert(
            writing, version, kind="standing", start=MONDAY, end=MONDAY + HOUR, seed=1
        )
    quarter = MONDAY + timedelta(minutes=15)
    with store.reading() as connection:
        whole = forecasts.read_table(connection, key)
        why = forecasts.read_parts(connection, key)
        last = forecasts.read_naive(connection, key)
        some = forecasts.read_table(connection, key, start=quarter, end=quarter, queues=["x"])
        one = forecasts.read_table(
            connection, key, start=quarter, end=quarter + timedelta(minutes=15), queues=["x"]
        )
    order = table.sort_values(["start", "queue"])
    pd.testing.assert_frame_equal(whole, order.reset_index(drop=True))
    pd.testing.assert_frame_equal(why, parts.loc[order.index].reset_index(drop=True))
    assert last == [None if i == 0 else float(i) for i in order.index]
    assert some.empty
    assert one["mean"].tolist() == [1.125]


def test_without_parts_all_of_the_mean_is_baseline(store: Store, keep):
    key = keep()
    with store.reading() as connection:
        table, parts = forecasts.read_table(connection, key), forecasts.read_parts(connection, key)
    assert parts["baseline"].tolist() == table["mean"].tolist()
    assert not parts[["holiday", "campaign", "correction"]].to_numpy().any()


def test_a_broken_table_is_refused_and_nothing_is_kept(store: Store):
    table = make_table(MONDAY, MONDAY + HOUR)
    with pytest.raises(FrameError, match="mean"), store.writing("ann") as writing:
        forecasts.insert(
            writing,
            Version(table.assign(mean=-1.0)),
            kind="standing", start=MONDAY, end=MONDAY + HOUR, seed=1,
        )  # fmt: skip
    with store.reading() as connection:
        assert forecasts.listing(connection) == []


def test_the_newest_version_is_found_and_of_a_queue_the_newest_that_holds_it(store: Store, keep):
    both, alone = keep(), keep(queues=("x",))
    keep(kind="intraday")
    with store.reading() as connection:
        assert forecasts.find(connection, "latest").forecast_id == alone
        assert forecasts.find(connection, "latest", queue="y").forecast_id == both
        assert forecasts.find(connection, both).inputs["queues"] == ["x", "y"]
        with pytest.raises(NotFound, match="no forecast 99; `wfm forecasts`"):
            forecasts.find(connection, 99)
        with pytest.raises(NotFound, match="of queue 'z' yet"):
            forecasts.find(connection, "latest", queue="z")


def test_an_interval_is_covered_by_the_newest_version_that_has_it(store: Store, keep):
    old = keep(end=MONDAY + DAY)
    new = keep(queues=("x",))
    with store.reading() as connection:
        assert forecasts.covering(connection, "x", MONDAY) == new
        assert forecasts.covering(connection, "y", MONDAY) == old
        assert forecasts.covering(connection, "x", MONDAY + 2 * HOUR) == old
        assert forecasts.covering(connection, "x", MONDAY + DAY) is None


def test_versions_are_listed_newest_first_in_pages_by_kind(store: Store, keep):
    ids = [keep(), keep(kind="intraday"), keep()]
    with store.reading() as connection:
        first = forecasts.listing(connection, limit=2)
        rest = forecasts.listing(connection, before=first[-1].forecast_id)
        standing = forecasts.listing(connection, kinds=("standing",))
    assert [row.forecast_id for row in (*first, *rest)] == ids[::-1]
    assert [row.forecast_id for row in standing] == [ids[2], ids[0]]


def test_a_queues_incumbent_is_the_model_of_its_last_forecast_that_began_by_then(store, keep):
    keep(queues=("x", "y"))
    with store.writing("ann") as writing:
        for start, model in ((MONDAY + DAY, "prophet"), (MONDAY + 7 * DAY, "mstl")):
            forecasts.insert(
                writing,
                Version(make_table(start, start + HOUR, ("x",)), inputs={"models": {"x": model}}),
                kind="standing", start=start, end=start + HOUR, seed=1,
            )  # fmt: skip
        confined = {"models": {"y": "mstl"}, "only": ["mstl"]}
        forecasts.insert(
            writing, Version(make_table(MONDAY, MONDAY + HOUR, ("y",)), inputs=confined),
            kind="standing", start=MONDAY, end=MONDAY + HOUR, seed=1,
        )  # fmt: skip
    with store.reading() as connection:
        assert forecasts.incumbents(connection, before=MONDAY - DAY) == {}
        then = forecasts.incumbents(connection, before=MONDAY + DAY)
    assert then == {"x": "prophet", "y": "blend"}


def test_a_job_finds_the_version_it_kept(store: Store, keep):
    key = keep(job_id="job-1")
    with store.reading() as connection:
        assert forecasts.made_by(connection, "job-1") == key
        assert forecasts.made_by(connection, "job-2") is None


# -- scores --------------------------------------------------------------------------------------


def test_a_version_is_due_when_counts_of_its_time_have_come_and_not_before(store: Store, keep):
    key = keep()
    assert due(store) == {}
    come(store, "x", MONDAY - DAY, MONDAY)
    come(store, "z", MONDAY, MONDAY + HOUR)
    assert due(store) == {}
    come(store, "x", MONDAY, MONDAY + HOUR / 2)
    assert due(store) == {key: ("x",)}


def test_a_scored_version_is_due_again_only_for_what_came_or_was_changed_since(store, keep):
    key = keep()
    number = come(store, "x", MONDAY, MONDAY + HOUR / 2)
    assert score(store, key, import_id=number)
    assert due(store) == {}
    come(store, "x", MONDAY + HOUR, MONDAY + DAY)
    assert due(store) == {}
    come(store, "y", MONDAY, MONDAY + HOUR)
    assert due(store) == {key: ("y",)}
    changed = come(store, "x", MONDAY, MONDAY + HOUR / 4, contacts=9)
    assert due(store) == {key: ("x", "y")}
    assert score(store, key, import_id=changed)
    assert due(store) == {}


def test_counts_without_an_import_are_scored_once(store: Store, keep):
    key = keep()
    with store.writing("ann") as writing:
        writing.connection.execute(
            tables.volumes.insert().values(
                queue="x", start=MONDAY, source="volumes", contacts=3, spread=False
            )
        )
    assert due(store) == {key: ("x",)}
    assert score(store, key, import_id=0)
    assert due(store) == {}


def test_versions_that_an_import_does_not_touch_are_noted_as_up_to_date(store: Store, keep):
    early, late = keep(), keep(MONDAY + 7 * DAY, MONDAY + 7 * DAY + HOUR)
    come(store, "x", MONDAY, MONDAY + HOUR)
    with store.reading() as connection:
        found = forecasts.due(connection)
    assert (dict(found.behind), found.up_to_date) == ({early: ("x",)}, (late,))
    with store.writing("scoring") as writing:
        forecasts.note_up_to_date(writing, found.up_to_date, import_id=found.import_id)
    with store.reading() as connection:
        assert forecasts.due(connection).up_to_date == ()


def test_of_two_who_score_the_same_state_one_writes_and_newer_scores_replace_older(store, keep):
    key = keep()
    assert score(store, key, import_id=4, wape=0.5)
    assert not score(store, key, import_id=4, wape=0.6)
    assert not score(store, key, import_id=3, wape=0.7)
    assert score(store, key, import_id=5, wape=0.8)
    with store.reading() as connection:
        rows = forecasts.score_rows(connection)
    assert [(row["forecast_id"], row["wape"]) for row in rows] == [(key, 0.8)]


def test_new_scores_of_a_queue_take_the_place_of_all_its_older_ones(store: Store, keep):
    key = keep()
    score(store, key, import_id=1)
    score(store, key, import_id=2, queue="y")
    score(store, key, import_id=3, lead=2)
    with store.reading() as connection:
        rows = forecasts.score_rows(connection, forecast_id=key)
    assert [(row["queue"], row["lead"]) for row in rows] == [("x", 2), ("y", 1)]


def test_a_version_is_scored_anew_when_what_counts_in_its_span_has_changed(store: Store, keep):
    key = keep()
    number = come(store, "x", MONDAY, MONDAY + HOUR)
    score(store, key, import_id=number)
    with store.writing("ann") as writing:
        forecasts.score_anew(writing, MONDAY - HOUR, MONDAY)
    assert due(store) == {}
    with store.writing("ann") as writing:
        forecasts.score_anew(writing, MONDAY - HOUR, MONDAY + HOUR)
    assert due(store) == {key: ("x",)}


def test_scores_are_read_of_a_version_a_queue_or_a_time(make_store, store: Store, keep):
    first = keep()
    score(store, first, import_id=1)
    score(store, first, import_id=2, queue="y")
    later = make_store(now=store.clock.now() + DAY)
    with later.writing("ann") as writing:
        second = forecasts.insert(
            writing, Version(make_table(MONDAY, MONDAY + HOUR)), kind="standing",
            start=MONDAY, end=MONDAY + HOUR, seed=1,
        )  # fmt: skip
    score(later, second, import_id=2)
    with store.reading() as connection:

        def ids(**chosen: object) -> list[tuple[int, str]]:
            rows = forecasts.score_rows(connection, **chosen)
            return [(row["forecast_id"], row["queue"]) for row in rows]

        assert ids() == [(second, "x"), (first, "x"), (first, "y")]
        assert ids(forecast_id=first) == [(first, "x"), (first, "y")]
        assert ids(queue="y") == [(first, "y")]
        assert ids(since=later.clock.now()) == [(second, "x")]


def test_a_deleted_plan_takes_its_forecast_and_scores_with_it(store: Store):
    with store.writing("ann") as writing:
        plan_id = writing.connection.scalar(
            tables.plans.insert()
            .values(
                state="draft", starts_at=MONDAY, ends_at=MONDAY + DAY, seed=1, inputs={},
                summary={}, **writing.stamp,
            )
            .returning(tables.plans.c.plan_id)
        )  # fmt: skip
        key = forecasts.insert(
            writing, Version(make_table(MONDAY, MONDAY + HOUR)), kind="plan",
            start=MONDAY, end=MONDAY + DAY, seed=1, plan_id=plan_id,
        )  # fmt: skip
    score(store, key, import_id=1)
    with store.writing("ann") as writing:
        assert forecasts.owned_by(writing.connection, plan_id) == key
        writing.connection.execute(tables.plans.delete())
    with store.reading() as connection:
        for table in (tables.forecasts, tables.forecast_rows, tables.forecast_scores):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
