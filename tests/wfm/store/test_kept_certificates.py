"""Certificates in the store: kept beside their plan, scored once, moved out of older stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from wfm.errors import NotFound
from wfm.store import certificates, plans, results, tables
from wfm.store.engine import Store
from wfm.store.results import CaseResult, Extent
from wfm.store.volumes import record_import

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
LARGE_SEED = (2**31 - 1) * 10 + 3
DOCUMENT = {
    "start": "2026-03-02T00:00:00Z", "end": "2026-03-03T00:00:00Z", "seed": LARGE_SEED,
    "replications": 100, "messages": 5, "goals": [{"queue": "x"}], "series": [{"day": [1.0]}],
}  # fmt: skip
SCORE = {
    "scope": "day", "start": MONDAY, "queue": "x", "metric": "first_response", "goal": "goal",
    "threshold_s": 900, "share": 0.9, "expected": 100.0, "promised": 0.9, "p10": 0.85, "p90": 0.95,
    "cases": 100, "on_time": 91,
}  # fmt: skip


@pytest.fixture
def keep_plan(store: Store) -> Callable[..., int]:
    """A plan without tables, with its own certificate; published when a version is named."""

    def make(version: int | None = None) -> int:
        with store.writing("ann") as writing:
            plan_id = writing.connection.scalar(
                tables.plans.insert()
                .values(
                    state="draft" if version is None else "superseded", version=version,
                    starts_at=MONDAY, ends_at=MONDAY + DAY, seed=1, inputs={}, summary={},
                    published_at=writing.at, **writing.stamp,
                )
                .returning(tables.plans.c.plan_id)
            )  # fmt: skip
            certificates.insert(writing, plan_id, DOCUMENT, seed=DOCUMENT["seed"])
        return plan_id

    return make


def test_certificates_are_listed_and_read_by_their_plan(store: Store, keep_plan):
    first, second = keep_plan(), keep_plan()
    with store.writing("ben") as writing:
        again = certificates.insert(writing, first, DOCUMENT, seed=7, job_id="job-1")
    with store.reading() as connection:
        newest, own = certificates.listing(connection, plan_id=first)
        everything = certificates.listing(connection)
        page = certificates.listing(connection, limit=1, before=newest.certificate_id)
        assert certificates.made_by(connection, "job-1") == again
        assert certificates.made_by(connection, "job-2") is None
        assert certificates.seeds(connection, first) == [LARGE_SEED, 7]
        assert certificates.document(connection, again) == DOCUMENT
        assert plans.certificate_document(connection, second) == DOCUMENT
        with pytest.raises(NotFound, match="there is no certificate 99"):
            certificates.find(connection, 99)
    assert (newest.certificate_id, newest.own, newest.actor) == (again, False, "ben")
    assert (own.own, own.seed, own.replications) == (True, LARGE_SEED, 100)
    assert own.summary == {name: DOCUMENT[name] for name in certificates.SUMMARY}
    assert [one.plan_id for one in everything] == [first, second, first]
    assert [one.plan_id for one in page] == [second]


def test_only_published_plans_have_promised_anything(store: Store, keep_plan):
    keep_plan()
    published = keep_plan(version=1)
    with store.writing("ann") as writing:
        certificates.insert(writing, published, DOCUMENT, seed=7)
    with store.reading() as connection:
        (one,) = certificates.promised(connection)
    assert (one.plan_id, one.version, one.scored_import, one.scored_at) == (published, 1, 0, None)
    assert (one.start, one.end) == (MONDAY, MONDAY + DAY)


def test_scores_take_the_place_of_older_ones_and_never_of_newer(store: Store, keep_plan):
    plan_id = keep_plan(version=1)
    with store.reading() as connection:
        (own,) = certificates.promised(connection)

    def write(rows: list[dict], import_id: int) -> bool:
        with store.writing("scoring") as writing:
            return certificates.write_scores(writing, own.certificate_id, rows, import_id=import_id)

    def read(**chosen: object) -> list[int]:
        with store.reading() as connection:
            rows = certificates.score_rows(connection, scope="day", **chosen)
        assert all(row["plan_id"] == plan_id for row in rows)
        return [row["on_time"] for row in rows]

    hour = SCORE | {"scope": "hour"}
    assert write([SCORE, hour, SCORE | {"queue": "y", "on_time": 5}], 2)
    assert read() == [91, 5]
    assert write([SCORE | {"on_time": 92}], 3)
    assert not write([SCORE], 1)
    assert read() == [92]
    assert read(queue="y") == []
    assert read(since=MONDAY + DAY) == []
    with store.reading() as connection:
        (own,) = certificates.promised(connection)
    assert (own.scored_import, own.scored_at) == (3, store.clock.now())


def test_a_deleted_plan_takes_its_certificates_and_scores_with_it(store: Store, keep_plan):
    plan_id = keep_plan(version=1)
    with store.writing("ann") as writing:
        (own,) = certificates.promised(writing.connection)
        certificates.write_scores(writing, own.certificate_id, [SCORE], import_id=1)
        writing.connection.execute(tables.plans.delete().where(tables.plans.c.plan_id == plan_id))
        left = [
            writing.connection.scalar(sa.select(sa.func.count()).select_from(table))
            for table in (tables.certificates, tables.certificate_scores)
        ]
    assert left == [0, 0]


def test_recorded_cases_are_found_by_queue_time_and_import(store: Store):
    at = [MONDAY + timedelta(hours=hour) for hour in range(4)]
    with store.writing("ann") as writing:
        numbers = [
            record_import(writing, "cases", "f.csv", sha256="", options={}) for _ in range(2)
        ]
        early = ("a", CaseResult("x", at[0], at[1], at[3], 5.0, 90.5))
        late = ("b", CaseResult("x", at[2], None, None, None))
        results.write_results(writing, [early], numbers[0])
        results.write_results(writing, [late], numbers[1])
    with store.reading() as connection:
        assert list(results.recorded(connection, "x", at[1], at[3])) == [late[1]]
        assert results.stored_results(connection, ["a", "c"]) == {"a": early[1]}
        assert results.extents(connection) == {"x": Extent(at[0], at[3])}
        assert results.newest_import(connection, at[0], at[1]) == numbers[0]
        assert results.newest_import(connection, at[0], at[3]) == numbers[1]
        assert results.newest_import(connection, at[3], at[3] + DAY) == 0
        assert results.own_changed(connection, at[0], at[3]) is None
        assert results.own_extents(connection) == {}
