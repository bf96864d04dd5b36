"""Many at the store at once: nobody waits longer than was promised, and nothing is done twice."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from wfm.errors import IllegalMove, SetupError, StoreBusy
from wfm.store import engine as engine_module
from wfm.store import plans, tables
from wfm.store.engine import Store, open_store


def at_once(count: int, work: Callable[[int], object]) -> list[object]:
    """What `work` gives in each of so many threads; errors as they are."""
    ready = threading.Barrier(count)

    def one(number: int) -> object:
        ready.wait()
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@contextmanager
def held(store: Store) -> Iterator[None]:
    """Another connection has written to every table of interest and not come to an end."""
    with store.engine.connect() as plain:
        connection = plain.execution_options(wfm_write=True)
        with connection.begin():
            if not store.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE audit IN EXCLUSIVE MODE")
            yield


def seconds_until_busy(store: Store) -> float:
    begun = time.monotonic()
    with pytest.raises(StoreBusy, match="try again"), store.writing("a") as writing:
        writing.audit("x", "y")
    return time.monotonic() - begun


def test_a_writer_waits_as_long_as_was_said(make_store):
    store = make_store(busy_s=0.4)
    with held(store):
        assert 0.3 < seconds_until_busy(store) < 2


def test_what_may_be_left_undone_waits_for_nobody(make_store):
    store = make_store(busy_s=30)
    begun = time.monotonic()
    with (
        held(store),
        pytest.raises(StoreBusy),
        store.writing_if_free("a") as writing,
    ):
        writing.audit("x", "y")
    assert time.monotonic() - begun < 5
    with store.writing_if_free("a") as writing:
        writing.audit("x", "y")


def test_after_an_impatient_write_others_are_patient_again(make_store):
    store = make_store(busy_s=0.4)
    with held(store):
        with pytest.raises(StoreBusy), store.writing_if_free("a") as writing:
            writing.audit("x", "y")
        assert seconds_until_busy(store) > 0.3


def test_writers_of_one_process_wait_together_and_not_one_after_the_other(make_store):
    store = make_store(busy_s=0.5)
    with held(store):
        waits = at_once(8, lambda _: seconds_until_busy(store))
    assert all(isinstance(wait, float) and wait < 2.5 for wait in waits), waits


def test_more_than_the_database_serves_at_once_are_told_to_try_again(
    make_store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine_module, "POOL", {"sqlite": 1, "postgresql": 1})
    store = make_store(busy_s=0.1)
    with store.reading(), pytest.raises(StoreBusy, match="too many"), store.reading():
        pass
    with store.reading() as connection:
        assert connection.scalar(sa.select(1)) == 1


def test_a_new_database_is_opened_by_many_at_once(new_url: str):
    def opened(_number: int) -> str | None:
        store = open_store(new_url, busy_s=60)
        try:
            return engine_module.database_version(store.engine)
        finally:
            store.close()

    assert at_once(4, opened) == [engine_module.HEAD] * 4


def a_draft(store: Store) -> int:
    now = store.clock.now()
    values = {"starts_at": now, "ends_at": now, "seed": 1}
    documents = {"inputs": {}, "summary": {}}
    with store.writing("ann") as writing:
        return writing.connection.execute(
            tables.plans.insert()
            .values(state="draft", **values, **documents, **writing.stamp)
            .returning(tables.plans.c.plan_id)
        ).scalar_one()


def published(store: Store, plan_id: int) -> int:
    with store.writing("ann") as writing:
        return plans.publish(writing, plan_id)


def test_drafts_published_at_once_become_one_version_each(store: Store):
    drafts = [a_draft(store) for _ in range(6)]
    versions = at_once(6, lambda number: published(store, drafts[number]))
    assert sorted(map(str, versions)) == list("123456")
    with store.reading() as connection:
        states = connection.scalars(sa.select(tables.plans.c.state)).all()
    assert sorted(states) == ["published"] + ["superseded"] * 5


def test_a_draft_published_by_many_at_once_is_published_once(store: Store):
    draft = a_draft(store)
    outcomes = at_once(4, lambda _: published(store, draft))
    assert outcomes.count(1) == 1
    assert sum(isinstance(outcome, IllegalMove) for outcome in outcomes) == 3


def test_a_database_error_quotes_nothing_that_was_to_be_written(store: Store):
    with pytest.raises(sa.exc.IntegrityError) as caught, store.writing("ann") as writing:
        writing.connection.execute(
            tables.sessions.insert(),
            [{"token_sha256": b"hush", "kind": "sesame", "role": None}],
        )
    assert "sesame" not in str(caught.value).split("DETAIL")[0]


@pytest.mark.postgres
def test_a_postgres_that_knows_no_such_database_is_told_as_that(postgres_url: str):
    other = sa.make_url(postgres_url).set(database="nobodys").render_as_string(hide_password=False)
    with pytest.raises(SetupError, match="database is not known there; correct WFM_DATABASE_URL"):
        open_store(other)


def test_the_folder_of_a_new_store_is_nobody_elses(tmp_path: Path):
    open_store(f"sqlite:///{tmp_path / 'home' / 'wfm.sqlite'}").close()
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
